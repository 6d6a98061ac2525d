# subclasses of the book's classes
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.multi_layer_net import MultiLayerNet
from common.trainer import Trainer
from common.layers import Affine, Relu

class L1Net(MultiLayerNet):
    """L1 instead of L2"""
    def __init__(self, *args, l1=0.01, **kw):
        super().__init__(*args, **kw)
        self.l1 = l1

    def loss(self, x, t):
        extra = sum(np.abs(self.params['W' + str(i)]).sum() for i in range(1, self.hidden_layer_num + 2))
        return super().loss(x, t) + self.l1 * extra

    def gradient(self, x, t):
        grads = super().gradient(x, t)
        for i in range(1, self.hidden_layer_num + 2):
            grads['W' + str(i)] += self.l1 * np.sign(self.params['W' + str(i)])
        return grads

class Recorder(Trainer):
    """keeps the size of the gradient of the first layer"""
    norms = []
    def train_step(self):
        super().train_step()
        self.norms.append(np.abs(self.network.layers['Affine1'].dW).sum())

class Clipped(Trainer):
    def train_step(self):       # all of it my own
        mask = np.random.choice(self.train_size, self.batch_size)
        x, t = self.x_train[mask], self.t_train[mask]
        grads = self.network.gradient(x, t)
        for g in grads.values():
            np.clip(g, -0.1, 0.1, out=g)
        self.optimizer.update(self.network.params, grads)
        self.train_loss_list.append(self.network.loss(x, t))
        self.current_iter += 1

np.random.seed(8)
x = np.random.randn(150, 10); t = (x[:, :5]).argmax(axis=1)
net = L1Net(10, [12, 11], 5, 'sigmoid', 'xavier', l1=0.002)
g, n = net.gradient(x[:9], t[:9]), net.numerical_gradient(x[:9], t[:9])
print("L1 gradient off by", max(np.abs(g[k] - n[k]).max() for k in g))
for cls in (Recorder, Clipped):
    trainer = cls(net, x[:100], t[:100], x[100:], t[100:], epochs=8, mini_batch_size=20,
                  optimizer='Momentum', optimizer_param={'lr': 0.3}, verbose=False)
    trainer.train()
    print(cls.__name__, len(trainer.train_loss_list), trainer.train_loss_list[0] > trainer.train_loss_list[-1])
print("norms:", len(Recorder.norms), min(Recorder.norms) > 0)
