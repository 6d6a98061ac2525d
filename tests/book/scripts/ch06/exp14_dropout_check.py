# gradient check of a network with dropout
import sys, os
sys.path.append(os.pardir)
from common.multi_layer_net_extend import *

np.random.seed(1)
x = np.random.randn(6, 12)
t = np.random.randint(0, 4, 6)
network = MultiLayerNetExtend(12, [9, 7], 4, activation='sigmoid', use_dropout=True, dropout_ration=0.4)
backprop = network.gradient(x, t)
numerical = network.numerical_gradient(x, t)
worst = 0
for key in numerical:
    diff = np.average(np.abs(backprop[key] - numerical[key]))
    worst = max(worst, diff)
    print("%s: %.3e (size of the gradient %.3e)" % (key, diff, np.abs(backprop[key]).mean()))
print("worst", worst)
