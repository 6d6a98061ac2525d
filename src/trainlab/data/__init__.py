"""Data: the digits of scikit-learn, MNIST, arrays of one's own, splits and batches."""

from trainlab.data.arrays import Dataset, Split, from_arrays, split
from trainlab.data.batches import Batches
from trainlab.data.digits import load_digits
from trainlab.data.idx import read_idx
from trainlab.data.mnist import fetch_mnist, find_mnist, load_mnist

__all__ = [
    "Batches",
    "Dataset",
    "Split",
    "fetch_mnist",
    "find_mnist",
    "from_arrays",
    "load_digits",
    "load_mnist",
    "read_idx",
    "split",
]
