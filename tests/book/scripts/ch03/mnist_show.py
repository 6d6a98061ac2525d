# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
from dataset.mnist import load_mnist
try:
    from PIL import Image
except ImportError:
    Image = None

def img_show(img):
    if Image is None or not os.environ.get("DISPLAY"):
        for row in img[::4]:
            print("".join(" .:*#"[int(v) * 4 // 255] for v in row[::2]))
    else:
        Image.fromarray(np.uint8(img)).show()

(x_train, t_train), (x_test, t_test) = load_mnist(flatten=True, normalize=False)
print(x_train.shape, t_train.shape, x_test.shape, t_test.shape)
img = x_train[0]
label = t_train[0]
print(label)  # 5
print(img.shape)
img = img.reshape(28, 28)
print(img.shape, img.dtype, img.max())
img_show(img)

(x4, t4), _ = load_mnist(flatten=False, one_hot_label=True)
print(x4.shape, x4.dtype, x4.min(), x4.max(), t4[0])
y = np.full((2, 10), 0.1)
print("by hand:", np.sum(-t4[:2] * np.log(y)) / 2)
