# coding: utf-8
# 自作レイヤ (tanh, scaling) と common.layers を混ぜる
import sys, os
sys.path.append(os.pardir)
from collections import OrderedDict
from common.layers import *
from common.gradient import numerical_gradient

class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out
    def backward(self, dout):
        return dout * (1 - self.out**2)

class Scale:
    def __init__(self, g):
        self.g = g
        self.dg = None
    def forward(self, x):
        self.x = x
        return self.g * x
    def backward(self, dout):
        self.dg = np.sum(dout * self.x, axis=0)
        return dout * self.g

class InPlaceRelu:
    def forward(self, x):
        self.mask = (x <= 0)
        x[self.mask] = 0
        return x
    def backward(self, dout):
        dout[self.mask] = 0
        return dout

class Net:
    def __init__(self):
        np.random.seed(2)
        p = self.params = {'W1': np.random.randn(5, 6), 'b1': np.random.randn(6), 'g': np.random.randn(6),
                           'W2': np.random.randn(6, 7), 'b2': np.random.randn(7),
                           'W3': np.random.randn(7, 3), 'b3': np.zeros(3)}
        self.layers = OrderedDict([('Affine1', Affine(p['W1'], p['b1'])), ('Tanh', Tanh()), ('Scale', Scale(p['g'])),
                                   ('Affine2', Affine(p['W2'], p['b2'])), ('Relu', InPlaceRelu()),
                                   ('Affine3', Affine(p['W3'], p['b3']))])
        self.last = SoftmaxWithLoss()
    def loss(self, x, t):
        for layer in self.layers.values():
            x = layer.forward(x)
        return self.last.forward(x, t)
    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last.backward(1)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        l = self.layers
        return {'W1': l['Affine1'].dW, 'b1': l['Affine1'].db, 'g': l['Scale'].dg, 'W2': l['Affine2'].dW,
                'b2': l['Affine2'].db, 'W3': l['Affine3'].dW, 'b3': l['Affine3'].db}

net = Net()
x, t = np.random.randn(4, 5), np.array([0, 2, 1, 2])
grads = net.gradient(x, t)
for key, p in net.params.items():
    n = numerical_gradient(lambda _: net.loss(x, t), p)
    print(key, np.abs(n - grads[key]).max())
loss = net.loss(x, t)
print("y sums to", net.last.y.sum(axis=1).round(12).tolist(), "loss kept:", net.last.loss == loss, net.last.t is t)
