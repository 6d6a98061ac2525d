# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.functions import softmax, cross_entropy_error
from common.gradient import numerical_gradient

class simpleNet:
    def __init__(self, seed=None):
        if seed is not None: np.random.seed(seed)
        self.W = np.random.randn(2, 3)

    def predict(self, x):
        return np.dot(x, self.W)

    def loss(self, x, t):
        return cross_entropy_error(softmax(self.predict(x)), t)

x = np.array([0.6, 0.9])
t = np.array([0, 0, 1])
net = simpleNet(0)
before = net.W.copy()
f = lambda w: net.loss(x, t)
dW = numerical_gradient(f, net.W)
print(dW)
print("restored:", np.array_equal(before, net.W), "rows sum to", np.abs(dW.sum(axis=1)).max())
y = softmax(net.predict(x)) - t
print("difference:", np.abs(np.outer(x, y) - dW).max())
