# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.util import im2col, col2im, conv_output_size
from common.layers import Convolution, Pooling

x1 = np.random.rand(1, 3, 7, 7)
print(im2col(x1, 5, 5, stride=1, pad=0).shape)
x2 = np.random.rand(10, 3, 7, 7)
col2 = im2col(x2, 5, 5, stride=1, pad=0)
print(col2.shape)
print(col2im(np.ones_like(col2), x2.shape, 5, 5, stride=1, pad=0)[0, 0].astype(int).tolist())

for stride, pad in ((1, 0), (1, (5 - 1) / 2), (2, 1)):
    conv = Convolution(np.random.randn(4, 3, 5, 5), np.zeros(4), stride=stride, pad=int(pad))
    y = conv.forward(x2)
    dx = conv.backward(np.ones_like(y))
    print(y.shape, conv_output_size(7, 5, stride, pad), dx.shape, conv.dW.shape, conv.db.tolist())
pool = Pooling(2, 2, stride=2)
print(pool.forward(x2).shape, pool.backward(np.ones((10, 3, 3, 3))).sum())
