import sys, os
sys.path.append(os.pardir)
import numpy as np
from dataset.mnist import load_mnist
from two_layer_net import TwoLayerNet
from common.optimizer import *

(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True)   # labels this time
np.random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
net = TwoLayerNet(784, 50, 10)
opt = SGD(lr=0.1)

for epoch in range(2):
    for i in range(150):
        idx = np.random.randint(0, len(x_train), 100)
        opt.update(net.params, net.gradient(x_train[idx], t_train[idx]))
    print("epoch %d | train %.4f test %.4f loss %.4f" % (
        epoch, net.accuracy(x_train[:5000], t_train[:5000]), net.accuracy(x_test, t_test),
        net.loss(x_test, t_test)))
print({k: v.shape for k, v in net.params.items()})
