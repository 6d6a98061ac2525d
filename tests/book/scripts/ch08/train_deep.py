# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
from dataset.mnist import load_mnist
from deep_convnet import DeepConvNet
from common.trainer import Trainer

np.random.seed(1)
(x_train, t_train), (x_test, t_test) = load_mnist(flatten=False)
x_train, t_train = x_train[:40], t_train[:40]
x_test, t_test = x_test[:10], t_test[:10]

network = DeepConvNet()
trainer = Trainer(network, x_train, t_train, x_test, t_test,
                  epochs=int(sys.argv[1]), mini_batch_size=20,
                  optimizer='Adam', optimizer_param={'lr': 0.001},
                  evaluate_sample_num_per_epoch=10)
trainer.train()

for param in network.params.values():
    param[...] = param.astype(np.float16)
x_half = x_test.astype(np.float16)
print("half:", network.predict(x_half, train_flg=False).shape, network.accuracy(x_half, t_test, 5))
