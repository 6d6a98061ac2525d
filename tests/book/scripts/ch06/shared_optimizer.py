# one optimizer for two networks, with and without batch-norm
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.multi_layer_net_extend import MultiLayerNetExtend
from common.optimizer import Adam

np.random.seed(4)
x = np.random.randn(90, 16)
t = (x[:, :3].argmax(axis=1))

def train(share):
    np.random.seed(11)
    nets = [MultiLayerNetExtend(16, [20, 20], 3, weight_init_std='he', use_batchnorm=bn) for bn in (False, True)]
    one = Adam(lr=0.01)
    optimizers = [one, one] if share else [Adam(lr=0.01), Adam(lr=0.01)]
    for i in range(40):
        for net, opt in zip(nets, optimizers):
            opt.update(net.params, net.gradient(x, t))
    return [float(net.loss(x, t)) for net in nets]

shared, own = train(True), train(False)
print("shared:", shared)
print("own:   ", own)
print("same:", shared == own)
