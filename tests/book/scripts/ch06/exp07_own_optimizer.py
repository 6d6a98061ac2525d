# my own optimizer next to RMSprop and Nesterov; my copy of the code has common2
import sys, os
sys.path.append(os.pardir)
from common2.optimizer import *
from common2.multi_layer_net import MultiLayerNet
from collections import OrderedDict
import matplotlib.pyplot as plt

class SignSGD:
    def __init__(self, lr=0.001):
        self.lr = lr
    def update(self, params, grads):
        for key in params.keys():
            params[key] -= self.lr * np.sign(grads[key])

class DecayedMomentum(Momentum):
    def update(self, params, grads):
        super().update(params, grads)
        self.lr *= 0.99

rs = np.random.RandomState(3)
x = rs.randn(120, 20); t = (x[:, :4] @ rs.randn(4, 5)).argmax(axis=1)
optimizers = OrderedDict([('rmsprop', RMSprop(lr=0.005)), ('nesterov', Nesterov(lr=0.05)),
                          ('sign', SignSGD()), ('decayed', DecayedMomentum(lr=0.05))])
for name, optimizer in optimizers.items():
    np.random.seed(0)
    net = MultiLayerNet(20, [30, 30], 5, activation='relu')
    W1 = net.params['W1']
    losses = []
    for i in range(60):
        optimizer.update(net.params, net.gradient(x, t))
        losses.append(net.loss(x, t))
    print(name, "%.3f -> %.3f" % (losses[0], losses[-1]), "in place:", W1 is net.params['W1'] is net.layers['Affine1'].W)
    plt.plot(losses, label=name)
print("rate: %.4f" % optimizers['decayed'].lr)
plt.legend(); plt.show()
