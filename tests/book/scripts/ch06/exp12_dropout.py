# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from common.multi_layer_net_extend import MultiLayerNetExtend
from common.trainer import Trainer

(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True)
x_train, t_train = x_train[:300], t_train[:300]
epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 301

for ratio in (0, 0.15, 0.2):
    net = MultiLayerNetExtend(784, [100]*6, 10, use_dropout=ratio > 0, dropout_ration=ratio)
    trainer = Trainer(net, x_train, t_train, x_test, t_test, epochs=epochs, mini_batch_size=100,
                      optimizer='sgd', optimizer_param={'lr': 0.01}, verbose=(ratio == 0.2))
    trainer.train()
    print("ratio", ratio, len(trainer.train_loss_list), len(trainer.train_acc_list), len(trainer.test_acc_list))
    plt.plot(trainer.train_acc_list, label='train %s' % ratio)
    plt.plot(trainer.test_acc_list, '--', label='test %s' % ratio)
plt.xlabel("epochs"); plt.ylabel("accuracy"); plt.ylim(0, 1.0)
plt.legend(loc='lower right')
plt.show()
