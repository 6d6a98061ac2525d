# sizes that came out of divisions
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.multi_layer_net import MultiLayerNet
from common.multi_layer_net_extend import MultiLayerNetExtend
from common.trainer import Trainer
from common.util import shuffle_dataset

rs = np.random.RandomState(1)
x = rs.rand(250, 8); t = (x @ rs.randn(8, 3)).argmax(axis=1)
x, t = shuffle_dataset(x, t)
n = x.shape[0] * 0.2               # 50.0
x_val, t_val = x[:int(n)], t[:int(n)]
x, t = x[int(n):], t[int(n):]

net = MultiLayerNetExtend(8, [32 / 2, 32 / 4], 3, use_dropout=True, dropout_ratio=0.1, use_batchnorm=True)
trainer = Trainer(net, x, t, x_val, t_val, epochs=6, mini_batch_size=len(x) / 5,
                  optimizer='AdaGrad', optimizer_param={'lr': 0.05},
                  evaluate_sample_num_per_epoch=len(x) / 2, verbose=False)
trainer.train()
print(len(trainer.train_loss_list), len(trainer.train_acc_list), len(trainer.test_acc_list))
print(sorted(net.params))

# 200 / 64 is no whole number, and every epoch must be there all the same
trainer = Trainer(MultiLayerNet(8, [10], 3), x, t, x_val, t_val, epochs=7, mini_batch_size=64, verbose=False)
trainer.train()
print("epochs:", len(trainer.test_acc_list), "steps:", len(trainer.train_loss_list))
