#!/usr/bin/env python
# coding: utf-8

# # 6.1 Updating parameters
#
# Notes to chapter 6.

# In[1]:


try:
    get_ipython().run_line_magic('matplotlib', 'inline')
except NameError:
    pass
# get_ipython().run_line_magic('load_ext', 'autoreload')
import os
import sys
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
try:
    from IPython.display import display
except ImportError:
    display = print


# In[2]:


from common.optimizer import *
from common.util import smooth_curve


# In[3]:


params = {'x': np.array([-7.0]), 'y': np.array([2.0])}
optimizer = Momentum(lr=0.1)


# In[7]:


# ran this cell a few times
for _ in range(3):
    optimizer.update(params, {'x': params['x'] / 10.0, 'y': 2 * params['y']})
display(params)


# In[8]:


for _ in range(3):
    optimizer.update(params, {'x': params['x'] / 10.0, 'y': 2 * params['y']})
display(params)


# In[5]:


noisy = np.abs(np.sin(np.arange(60) / 9.0)) + np.random.RandomState(0).rand(60)
print(len(smooth_curve(noisy)), np.diff(smooth_curve(noisy)).std() < np.diff(noisy).std() / 2)
plt.plot(noisy)
plt.plot(smooth_curve(noisy))
plt.show()


# In[ ]:




