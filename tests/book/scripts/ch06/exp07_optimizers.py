# coding: utf-8
import os, sys
sys.path.append(os.pardir)
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from common.util import smooth_curve
from common.multi_layer_net import MultiLayerNet
from common.optimizer import *

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
(x_train, t_train), _ = load_mnist(normalize=True)

runs = {}
for opt in (SGD(), Momentum(), AdaGrad(), Adam()):
    net = MultiLayerNet(input_size=784, hidden_size_list=[100]*4, output_size=10)
    runs[type(opt).__name__] = (net, opt, [])

for step in range(steps):
    pick = np.random.choice(x_train.shape[0], 128)
    x, t = x_train[pick], t_train[pick]
    for net, opt, losses in runs.values():
        opt.update(net.params, net.gradient(x, t))
        losses.append(net.loss(x, t))
    if step % 100 == 0:
        print("=== step %d ===" % step)
        for name, (_, _, losses) in runs.items():
            print(name + ":" + str(losses[-1]))

print("last:", {name: round(float(np.mean(losses[-10:])), 4) for name, (_, _, losses) in runs.items()})
for (name, (_, _, losses)), marker in zip(runs.items(), "oxsD"):
    plt.plot(smooth_curve(losses), marker=marker, markevery=100, label=name)
plt.xlabel("iterations"); plt.ylabel("loss")
plt.ylim(0, 1)
plt.legend()
plt.show()
