# coding: utf-8
import numpy as np
import matplotlib.pyplot as plt

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def ReLU(x):
    return np.maximum(0, x)

def tanh(x):
    return np.tanh(x)

input_data = np.random.randn(1000, 100)
node_num = 100
hidden_layer_size = 5

for scale in (1, 0.01, np.sqrt(1.0 / node_num), np.sqrt(2.0 / node_num)):
    activations = {}
    x = input_data
    for i in range(hidden_layer_size):
        if i != 0:
            x = activations[i-1]
        w = np.random.randn(node_num, node_num) * scale
        activations[i] = sigmoid(np.dot(x, w))
    for i, a in activations.items():
        plt.subplot(1, len(activations), i+1)
        plt.title(str(i+1) + "-layer")
        if i != 0: plt.yticks([], [])
        plt.hist(a.flatten(), 30, range=(0, 1))
    print("scale %.4f: std of the last layer %.4f" % (scale, activations[4].std()))
    plt.show()
