# coding: utf-8
import os, sys
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from common.multi_layer_net import MultiLayerNet
from common.optimizer import SGD

(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True)
x_train, t_train = x_train[:300], t_train[:300]      # few, so that it over-fits
EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 201

def run(lam):
    np.random.seed(1)       # the same start and the same batches for both
    net = MultiLayerNet(input_size=784, hidden_size_list=[100]*6, output_size=10, weight_decay_lambda=lam)
    opt = SGD(lr=0.01)
    accs = []
    step, per_epoch = 0, max(len(x_train) / 100, 1)
    while True:
        rows = np.random.choice(300, 100)
        opt.update(net.params, net.gradient(x_train[rows], t_train[rows]))
        if step % per_epoch == 0:
            accs.append((net.accuracy(x_train, t_train), net.accuracy(x_test, t_test)))
            print("epoch:%d, train acc:%s, test acc:%s" % (len(accs) - 1, accs[-1][0], accs[-1][1]))
            if len(accs) == EPOCHS:
                break
        step += 1
    norm = sum(np.sum(net.params['W%d' % i]**2) for i in range(1, 8))
    print("lambda", lam, "squared weights %.1f" % norm)
    return np.array(accs)

for lam in (0, 0.1):
    accs = run(lam)
    for column, name, marker in ((0, 'train', 'o'), (1, 'test', 's')):
        plt.plot(accs[:, column], marker=marker, label=name, markevery=10)
    plt.xlabel("epochs"); plt.ylabel("accuracy"); plt.ylim(0, 1.0)
    plt.legend(loc='lower right')
    plt.show()
