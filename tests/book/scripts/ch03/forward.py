# 3層ニューラルネットワーク (forward only)
import sys
sys.path.append('..')
import numpy as np
from common.functions import sigmoid, identity_function, softmax

def make():
    net = {}
    net['W1'] = np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]])
    net['b1'] = np.array([0.1, 0.2, 0.3])
    net['W2'] = np.linspace(0.1, 0.6, 6).reshape(2, 3).T
    net['b2'] = np.array([0.1, 0.2])
    net['W3'] = np.array([[0.1, 0.3], [0.2, 0.4]])
    net['b3'] = np.array([0.1, 0.2])
    return net

def forward(net, x):
    h = x
    for i in (1, 2):
        h = sigmoid(np.dot(h, net['W%d' % i]) + net['b%d' % i])
    return identity_function(np.dot(h, net['W3']) + net['b3'])

y = forward(make(), np.array([1.0, 0.5]))
print(y)
print("probabilities:", softmax(y), "sum:", softmax(y).sum())
