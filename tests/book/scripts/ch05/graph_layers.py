# coding: utf-8
from layer_naive import *

pen, pens, tax = 120, 3, 1.1
count_layer = MulLayer()
sum_layer = AddLayer()
tax_layer = MulLayer()

pens_price = count_layer.forward(pen, pens)
total = sum_layer.forward(pens_price, 40)
price = tax_layer.forward(total, tax)

dtotal, dtax = tax_layer.backward(1)
dpens, dother = sum_layer.backward(dtotal)
dpen, dcount = count_layer.backward(dpens)
print("price", round(price, 6))
print("grads", round(dpen, 6), round(dcount, 6), round(dother, 6), round(dtax, 6))
