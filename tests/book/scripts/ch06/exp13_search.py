# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from common.multi_layer_net import MultiLayerNet
from common.util import shuffle_dataset
from common.trainer import Trainer

trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 50

(x, t), _ = load_mnist(normalize=True)
x, t = shuffle_dataset(x[:500], t[:500])
n_val = int(len(x) * 0.20)
x_val, t_val, x_train, t_train = x[:n_val], t[:n_val], x[n_val:], t[n_val:]
print(x_val.shape, x_train.shape)

results = {}
for _ in range(trials):
    wd, lr = 10 ** np.random.uniform(-8, -4), 10 ** np.random.uniform(-6, -2)
    net = MultiLayerNet(input_size=784, hidden_size_list=[100]*6, output_size=10, weight_decay_lambda=wd)
    tr = Trainer(net, x_train, t_train, x_val, t_val, epochs=epochs, mini_batch_size=100,
                 optimizer='sgd', optimizer_param={'lr': lr}, verbose=False)
    tr.train()
    print("val acc:%s | lr:%s, weight decay:%s" % (tr.test_acc_list[-1], lr, wd))
    results["lr:%s, weight decay:%s" % (lr, wd)] = (tr.test_acc_list, tr.train_acc_list)

best = sorted(results.items(), key=lambda kv: kv[1][0][-1], reverse=True)[:20]
fig, axes = plt.subplots(4, 5)
for n, (ax, (key, (val, train))) in enumerate(zip(axes.flat, best), 1):
    print("Best-%d (val acc:%s) | %s" % (n, val[-1], key))
    ax.plot(val)
    ax.plot(train, "--")
    ax.set_ylim(0.0, 1.0)
    ax.set_title("Best-%d" % n)
plt.show()
