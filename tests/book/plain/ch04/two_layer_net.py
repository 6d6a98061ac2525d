"""Chapter 4: two layers with the sigmoid, their gradient written out."""

import numpy as np

from common.functions import cross_entropy_error, sigmoid, softmax


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {}
        self.params["W1"] = weight_init_std * np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = weight_init_std * np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)

    def predict(self, x):
        z = sigmoid(np.dot(x, self.params["W1"]) + self.params["b1"])
        return softmax(np.dot(z, self.params["W2"]) + self.params["b2"])

    def loss(self, x, t):
        return cross_entropy_error(self.predict(x), t)

    def accuracy(self, x, t):
        y = np.argmax(self.predict(x), axis=1)
        return np.sum(y == np.argmax(t, axis=1)) / float(x.shape[0])

    def gradient(self, x, t):
        p = self.params
        a = np.dot(x, p["W1"]) + p["b1"]
        z = sigmoid(a)
        y = softmax(np.dot(z, p["W2"]) + p["b2"])
        dy = (y - t) / x.shape[0]
        da = (1.0 - sigmoid(a)) * sigmoid(a) * np.dot(dy, p["W2"].T)
        return {
            "W1": np.dot(x.T, da),
            "b1": np.sum(da, axis=0),
            "W2": np.dot(z.T, dy),
            "b2": np.sum(dy, axis=0),
        }
