# inference over the test images, a batch at a time
import sys, os
sys.path.append(os.pardir)
import numpy as np
from dataset.mnist import load_mnist
from common.functions import sigmoid, softmax

def get_data():
    (_, _), (x, t) = load_mnist(normalize=True, flatten=True, one_hot_label=False)
    return x, t

def init_network():
    np.random.seed(1)
    sizes = [784, 50, 100, 10]
    return {k + str(i + 1): (np.random.randn(sizes[i], sizes[i + 1]) if k == 'W' else np.zeros(sizes[i + 1]))
            for i in range(3) for k in 'Wb'}

def predict(network, x):
    z = sigmoid(np.dot(x, network['W1']) + network['b1'])
    z = sigmoid(np.dot(z, network['W2']) + network['b2'])
    return softmax(np.dot(z, network['W3']) + network['b3'])

x, t = get_data()
network = init_network()
batch_size = 100
accuracy_cnt = 0
for i in range(0, len(x), batch_size):
    p = np.argmax(predict(network, x[i:i+batch_size]), axis=1)
    accuracy_cnt += np.sum(p == t[i:i+batch_size])
print("Accuracy:" + str(float(accuracy_cnt) / len(x)))
