# validation split as in my notes: 0.2 of the data is 100.0 rows
import sys, os
sys.path.append(os.pardir)
from dataset.mnist import load_mnist
from common.util import shuffle_dataset

(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True)
x_train = x_train[:500]
t_train = t_train[:1000/2]
validation_num = x_train.shape[0] * 0.20
x_train, t_train = shuffle_dataset(x_train, t_train)
x_val, t_val = x_train[:validation_num], t_train[:validation_num]
x_train, t_train = x_train[validation_num:], t_train[validation_num:]
print(x_val.shape, t_val.shape, x_train.shape, t_train.shape)
print(t_train.dtype, type(x_val.mean()).__name__, x_train[3.0].shape)
