# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from two_layer_net import TwoLayerNet

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True, one_hot_label=True)
net = TwoLayerNet(input_size=784, hidden_size=50, output_size=10)
per_epoch = max(len(x_train) / 100, 1)     # 600.0, a float

history = {'loss': [], 'train': [], 'test': []}
for i in range(STEPS):
    rows = np.random.choice(len(x_train), 100)
    x, t = x_train[rows], t_train[rows]
    # grad = net.numerical_gradient(x, t)    # takes for ever
    grad = net.gradient(x, t)
    for key in grad:
        net.params[key] -= 0.1 * grad[key]
    history['loss'] += [net.loss(x, t)]
    if i % per_epoch == 0:
        for which, (a, b) in (('train', (x_train, t_train)), ('test', (x_test, t_test))):
            history[which].append(net.accuracy(a, b))
        print("train acc, test acc | %s, %s" % (history['train'][-1], history['test'][-1]))

print("loss", history['loss'][0], np.mean(history['loss'][-20:]))
for which, style in (('train', 'o-'), ('test', '--')):
    plt.plot(history[which], style, label=which + ' acc')
plt.xlabel("epochs"); plt.ylabel("accuracy"); plt.ylim(0, 1.0)
plt.legend(loc='lower right')
plt.show()
