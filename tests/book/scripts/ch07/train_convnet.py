# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from dataset.mnist import load_mnist
from simple_convnet import SimpleConvNet
from common.trainer import Trainer

np.random.seed(0)
(x_train, t_train), (x_test, t_test) = load_mnist(flatten=False)
x_train, t_train, x_test, t_test = x_train[:300], t_train[:300], x_test[:100], t_test[:100]   # 少しだけ
epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 20

conv_param = {'filter_num': 30, 'filter_size': 5, 'pad': 0, 'stride': 1}
net = SimpleConvNet(input_dim=(1,28,28), conv_param=conv_param, hidden_size=100, output_size=10,
                    weight_init_std=0.01)
trainer = Trainer(net, x_train, t_train, x_test, t_test, epochs=epochs, mini_batch_size=100,
                  optimizer='Adam', optimizer_param={'lr': 0.003}, evaluate_sample_num_per_epoch=1000)
trainer.train()
net.save_params("params.pkl")
print("saved")

other = SimpleConvNet()
other.load_params("params.pkl")
print("loaded:", np.array_equal(other.predict(x_test), net.predict(x_test)), other.accuracy(x_test, t_test, 30))

plt.plot(trainer.train_acc_list, 'o-', label='train', markevery=2)
plt.plot(trainer.test_acc_list, 's-', label='test', markevery=2)
plt.ylim(0, 1.0)
plt.legend(loc='lower right')
plt.show()
