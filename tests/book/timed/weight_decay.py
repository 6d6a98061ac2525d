"""Experiment 11 as a reader has it: 300 images, with and without weight decay."""

import os
import sys

sys.path.append(os.pardir)
import matplotlib.pyplot as plt
import numpy as np

from common.multi_layer_net import MultiLayerNet
from common.optimizer import SGD
from dataset.mnist import load_mnist

np.random.seed(0)
(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True)
x_train = x_train[:300]
t_train = t_train[:300]
train_size = x_train.shape[0]
batch_size = 100
max_epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 201
iter_per_epoch = max(train_size / batch_size, 1)

for weight_decay_lambda in (0, 0.1):
    network = MultiLayerNet(
        input_size=784,
        hidden_size_list=[100, 100, 100, 100, 100, 100],
        output_size=10,
        weight_decay_lambda=weight_decay_lambda,
    )
    optimizer = SGD(lr=0.01)
    train_acc_list = []
    test_acc_list = []
    epoch_cnt = 0
    for i in range(1000000000):
        batch_mask = np.random.choice(train_size, batch_size)
        x_batch = x_train[batch_mask]
        t_batch = t_train[batch_mask]
        grads = network.gradient(x_batch, t_batch)
        optimizer.update(network.params, grads)
        if i % iter_per_epoch == 0:
            train_acc = network.accuracy(x_train, t_train)
            test_acc = network.accuracy(x_test, t_test)
            train_acc_list.append(train_acc)
            test_acc_list.append(test_acc)
            print(f"epoch:{epoch_cnt}, train acc:{train_acc}, test acc:{test_acc}")
            epoch_cnt += 1
            if epoch_cnt >= max_epochs:
                break
    plt.plot(np.arange(max_epochs), train_acc_list, marker="o", label="train", markevery=10)
    plt.plot(np.arange(max_epochs), test_acc_list, marker="s", label="test", markevery=10)
    plt.ylim(0, 1.0)
    plt.legend(loc="lower right")
    plt.show()
