# the activations that MultiLayerNet really has, layer by layer
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from common.multi_layer_net import MultiLayerNet

for act, std in (('relu', 'he'), ('sigmoid', 'xavier'), ('relu', 0.01)):
    np.random.seed(0)
    net = MultiLayerNet(100, [100]*5, 10, activation=act, weight_init_std=std)
    x = np.random.randn(300, 100)
    fig, axes = plt.subplots(1, 5, figsize=(12, 3))
    spread = []
    for name, layer in net.layers.items():
        x = layer.forward(x)
        if name.startswith('Activation_function'):
            spread.append(x.std())
            axes[len(spread) - 1].hist(x.ravel(), bins=30)
    fig.suptitle("%s, %s" % (act, std))
    print(act, std, ["%.3f" % s for s in spread])
plt.show()
