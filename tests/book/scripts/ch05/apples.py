# computational graphs by hand: apples, oranges, tax
import sys, os
sys.path.append(os.pardir)

class MulLayer:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y
    def backward(self, dout):
        return dout * self.y, dout * self.x

class AddLayer:
    def forward(self, x, y):
        return x + y
    def backward(self, dout):
        return dout, dout

apple, orange, total, tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
price = tax.forward(total.forward(apple.forward(100, 2), orange.forward(150, 3)), 1.1)
dall, dtax = tax.backward(1)
da, do = total.backward(dall)
print("price:", int(price))
print("dApple:", apple.backward(da)[0], "dOrange:", round(orange.backward(do)[0], 10), "dTax:", dtax)

from common.layers import *
r = Relu()
print(r.forward(np.array([[1.0, -0.5], [-2.0, 3.0]])).tolist(), r.backward(np.ones((2, 2))).tolist())
s = Sigmoid()
print(s.forward(np.zeros(2)).tolist(), s.backward(np.ones(2)).tolist())
