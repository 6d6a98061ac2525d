# a deeper net of my own, from the book's layers
import sys, os
sys.path.append(os.pardir)
from collections import OrderedDict
from common.layers import *
from common.optimizer import *
from dataset.mnist import load_mnist

class MyConvNet:
    def __init__(self):
        he = lambda *shape: np.random.randn(*shape) * np.sqrt(2.0 / np.prod(shape[1:]))
        p = self.params = {}
        p['W1'], p['b1'] = he(8, 1, 3, 3), np.zeros(8)
        p['W2'], p['b2'] = he(12, 8, 3, 3), np.zeros(12)
        p['W3'], p['b3'] = he(10, 12 * 7 * 7).T.copy(), np.zeros(10)
        self.layers = OrderedDict()
        self.layers['Conv1'] = Convolution(p['W1'], p['b1'], stride=1, pad=1)
        self.layers['Relu1'] = Relu()
        self.layers['Pool1'] = Pooling(pool_h=2, pool_w=2, stride=2)
        self.layers['Conv2'] = Convolution(p['W2'], p['b2'], 1, 1)
        self.layers['Relu2'] = Relu()
        self.layers['Pool2'] = Pooling(2, 2, 2)
        self.layers['Affine'] = Affine(p['W3'], p['b3'])
        self.layers['Dropout'] = Dropout(0.2)
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x, train_flg=False):
        for layer in self.layers.values():
            x = layer.forward(x, train_flg) if isinstance(layer, Dropout) else layer.forward(x)
        return x

    def gradient(self, x, t):
        self.last_layer.forward(self.predict(x, True), t)
        dout = self.last_layer.backward(1)
        for layer in list(self.layers.values())[::-1]:
            dout = layer.backward(dout)
        return {k + str(i): getattr(self.layers[n], 'd' + k)
                for i, n in ((1, 'Conv1'), (2, 'Conv2'), (3, 'Affine')) for k in 'Wb'}

    def accuracy(self, x, t):
        return np.sum(self.predict(x).argmax(axis=1) == t) / float(x.shape[0])

(x_train, t_train), (x_test, t_test) = load_mnist(flatten=False)
np.random.seed(0)
net, opt = MyConvNet(), Adam(lr=0.003)
for i in range(40):
    idx = np.random.choice(1000, 50)
    opt.update(net.params, net.gradient(x_train[idx], t_train[idx]))
print("test acc:", net.accuracy(x_test[:500], t_test[:500]))
