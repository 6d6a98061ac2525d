# %%
# cells of VS Code, run again and again
import sys, os
sys.path.append(os.pardir)
import importlib
import common.multi_layer_net, common.util
import common.trainer as trainer_module
from common.multi_layer_net import MultiLayerNet
import numpy as np
import matplotlib.pyplot as plt

# %%
rs = np.random.RandomState(1)
x = rs.randn(100, 6); t = (x[:, 0] > 0).astype(int)
def cell():
    importlib.reload(common.util)
    importlib.reload(trainer_module)
    net = MultiLayerNet(6, [10], 2)
    tr = trainer_module.Trainer(net, x, t, x, t, epochs=3, mini_batch_size=20, optimizer='adam',
                                optimizer_param={'lr': 0.01}, verbose=False)
    tr.train()
    return tr

# %%
for run in range(3):
    tr = cell()
    plt.plot(common.util.smooth_curve(tr.train_loss_list), label="run %d" % run)
    print("run", run, len(tr.train_loss_list), 0 <= tr.train_acc_list[-1] <= 1)

# %%  train the last one further
tr.train()
print("went on:", len(tr.train_loss_list), tr.network.accuracy(x, t))
plt.title("loss")   # 損失
plt.show()

# %%  plain lists and integers work too
print(tr.network.predict(np.ones((2, 6), dtype=int)).shape, tr.network.predict(x.astype(np.float32)).dtype)
from common2.multi_layer_net import MultiLayerNet as Again
print(Again is MultiLayerNet)
