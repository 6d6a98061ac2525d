# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from simple_convnet import SimpleConvNet
from common.optimizer import Adam

def show(W, title):
    fig, axes = plt.subplots(1, len(W))
    for ax, kernel in zip(axes, W[:, 0]):
        ax.imshow(kernel, cmap='gray', interpolation='nearest')
        ax.axis('off')
    fig.suptitle(title)
    plt.show()

# bars, across or down, with noise: no data needed
np.random.seed(2)
t = np.random.randint(0, 2, 80)
x = np.random.rand(80, 1, 12, 14) * 0.3
for n, kind in enumerate(t):
    k = np.random.randint(12)
    if kind: x[n, 0, k] += 1
    else: x[n, 0, :, k] += 1

network = SimpleConvNet((1, 12, 14), {'filter_num': 6, 'filter_size': 3, 'pad': 1, 'stride': 1}, 20, 2, 0.05)
show(network.params['W1'], 'before')
optimizer = Adam(lr=0.01)
print("%.3f" % network.accuracy(x, t), end=" -> ")
for i in range(40):
    optimizer.update(network.params, network.gradient(x, t))
print("%.3f" % network.accuracy(x, t), network.layers['Conv1'].dW.shape)
show(network.params['W1'], 'after')
