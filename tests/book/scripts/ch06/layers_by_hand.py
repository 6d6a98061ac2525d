# dropout and batch normalization, used by themselves
import sys, os
sys.path.append(os.pardir)
from common.layers import *

np.random.seed(0)
x = np.random.rand(200, 50) * 3 + 5
bn = BatchNormalization(np.ones(50), np.zeros(50))
y = bn.forward(x, train_flg=True)
print("train: mean %.6f std %.4f" % (abs(y.mean(axis=0)).max(), y.std(axis=0).mean()))
dx = bn.backward(np.random.randn(200, 50))
print("shapes:", bn.dgamma.shape, bn.dbeta.shape, dx.shape, "sum of dx: %.1e" % abs(dx.sum(axis=0)).max())
print("running mean: %.4f" % bn.running_mean.mean())          # 0.1 of the batch's, after one step
for _ in range(100):
    bn.forward(x)
print("test: mean %.3f" % abs(bn.forward(x, train_flg=False).mean()))
images = np.random.rand(10, 3, 4, 5)
bn4 = BatchNormalization(gamma=np.ones(60), beta=np.zeros(60), momentum=0.5)
print(bn4.forward(images).shape, bn4.backward(np.ones((10, 3, 4, 5))).shape)

drop = Dropout(0.3)
z = drop.forward(np.ones((100, 100)))
print("kept: %.2f" % z.mean(), sorted(set(z.ravel())), "test:", drop.forward(np.ones(3), train_flg=False))
print("gradient follows the mask:", np.array_equal(drop.backward(np.ones((100, 100))), drop.mask * 1.0))
