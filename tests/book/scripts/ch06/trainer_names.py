# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.multi_layer_net import MultiLayerNet
from common.trainer import Trainer

rs = np.random.RandomState(0)
x = rs.rand(200, 12); t = (x @ rs.randn(12, 4)).argmax(axis=1)

for name, param in (('SGD', {'lr': 0.5}), ('Momentum', {'lr': 0.1, 'momentum': 0.8}), ('nesterov', {'lr': 0.1}),
                    ('AdaGrad', {'lr': 0.05}), ('rmsprpo', {'lr': 0.01}), ('RMSprop', {'lr': 0.01, 'decay_rate': 0.9}),
                    ('Adam', {'lr': 0.01})):
    np.random.seed(6)
    net = MultiLayerNet(12, [15], 4)
    start = net.loss(x, t)
    trainer = Trainer(net, x[:160], t[:160], x[160:], t[160:], epochs=15, mini_batch_size=40,
                      optimizer=name, optimizer_param=param, verbose=False)
    trainer.train()
    print(name, trainer.optimizer.__class__.__name__, start > trainer.train_loss_list[-1], len(trainer.train_loss_list))
    if name == 'Adam':
        trainer = Trainer(net, x[:160], t[:160], x[160:], t[160:], 2, 64, 'sgd', {'lr': 0.1}, 100)
        trainer.train()
