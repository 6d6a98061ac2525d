# coding: utf-8
# does batch-norm help, for 16 scales of the first weights?
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from common.multi_layer_net_extend import MultiLayerNetExtend
from common.optimizer import SGD, Adam

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
(x_all, t_all), _ = load_mnist(normalize=True)
x_train, t_train = x_all[:1000], t_all[:1000]

def curves(std, size=100):
    pair = {bn: MultiLayerNetExtend(input_size=784, hidden_size_list=[100]*5, output_size=10,
                                    weight_init_std=std, use_batchnorm=bn) for bn in (True, False)}
    found = {True: [], False: []}
    sgd = SGD(lr=0.01)
    step = 0
    while len(found[True]) < EPOCHS:
        mask = np.random.choice(len(x_train), size)
        for bn, net in pair.items():
            sgd.update(net.params, net.gradient(x_train[mask], t_train[mask]))
            if step % (len(x_train) / size) == 0:
                found[bn].append(net.accuracy(x_train, t_train))
        step += 1
    return found

fig, axes = plt.subplots(4, 4, sharex=True, sharey=True)
wins = 0
for n, (std, ax) in enumerate(zip(np.logspace(0, -4, num=16), axes.flat)):
    found = curves(std)
    print("%d/16 std %.5f | without %s, with %s" % (n + 1, std, found[False][-1], found[True][-1]))
    wins += found[True][-1] > found[False][-1]
    ax.set_title("W:%.4f" % std, fontsize=7)
    ax.plot(found[True], label='batch norm')
    ax.plot(found[False], '--', label='without')
    ax.set_ylim(0, 1.0)
axes[3, 3].legend()
print("batch-norm was better for", int(wins), "of 16")
plt.show()
