# Which optimizer is the best?
import os
import sys

sys.path.append(os.pardir)
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from common.multi_layer_net import MultiLayerNet
from common.optimizer import *
from common.util import smooth_curve

x_train, t_train = load_digits(return_X_y=True)
x_train = x_train / 16.0
train_size, batch_size, max_iterations = x_train.shape[0], 64, 300

optimizers = {"SGD": SGD(), "Momentum": Momentum(), "AdaGrad": AdaGrad(), "Adam": Adam()}
networks, train_loss = {}, {}
for key in optimizers:
    networks[key] = MultiLayerNet(input_size=64, hidden_size_list=[50, 50, 50, 50], output_size=10)
    train_loss[key] = []

for i in range(max_iterations):
    batch_mask = np.random.choice(train_size, batch_size)
    x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
    for key in optimizers:
        grads = networks[key].gradient(x_batch, t_batch)
        optimizers[key].update(networks[key].params, grads)
        train_loss[key].append(networks[key].loss(x_batch, t_batch))

for key in optimizers:
    print(key + ": " + str(np.mean(train_loss[key][-20:])))
    plt.plot(smooth_curve(train_loss[key]), label=key)
plt.ylim(0, 1)
plt.legend()
plt.show()
