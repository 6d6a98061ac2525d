"""MNIST as the book's scripts get it, from files that are there."""

import numpy as np

from trainlab.data import load_mnist as load


def load_mnist(normalize=True, flatten=True, one_hot_label=False):
    def form(split):
        x, t = split.x, split.t.astype(np.uint8)
        x = x if normalize else np.rint(x * 255).astype(np.uint8)
        return x if flatten else x.reshape(-1, 1, 28, 28), np.eye(10)[t] if one_hot_label else t

    data = load()
    return form(data.train), form(data.test)
