# coding: utf-8
import os, sys
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from common.util import smooth_curve
from common.multi_layer_net import MultiLayerNet
from common.optimizer import SGD

(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True)
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2000

kinds = {'std=0.01': 0.01, 'Xavier': 'sigmoid', 'He': 'relu'}
nets = {k: MultiLayerNet(784, [100, 100, 100, 100], 10, weight_init_std=v) for k, v in kinds.items()}
for k in nets:
    print(k, "std of W2: %.3f" % nets[k].params['W2'].std())
losses = {k: [] for k in kinds}
sgd = SGD(lr=0.01)      # has no state, so one is enough

for i in range(steps):
    mask = np.random.choice(len(x_train), 128)
    for k, net in nets.items():
        sgd.update(net.params, net.gradient(x_train[mask], t_train[mask]))
        losses[k].append(net.loss(x_train[mask], t_train[mask]))
    if not i % 100:
        print("iteration", i, " ".join("%s:%s" % (k, v[-1]) for k, v in losses.items()))

for k, m in zip(kinds, ('o', 's', 'D')):
    plt.plot(np.arange(steps), smooth_curve(losses[k]), marker=m, markevery=100, label=k)
plt.xlabel("iterations"); plt.ylabel("loss"); plt.ylim(0, 2.5)
plt.legend()
plt.show()
print("last:", {k: round(float(v[-1]), 4) for k, v in losses.items()})
