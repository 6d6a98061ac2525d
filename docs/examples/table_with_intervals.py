"""
A table, and how far off a prediction may be
============================================

An ensemble of networks and trees needs no tuning. It predicts the progress of diabetes from ten
columns, and says for each prediction where 90 % of the true values should lie.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import trainlab as tl

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
ensemble = tl.PopulationEnsembleRegressor(preset="quick", random_state=0).fit(X_train, y_train)
predicted = ensemble.predict(X_test)
low, high = ensemble.predict_interval(X_test, 0.9).T
inside = (low <= y_test) & (y_test <= high)

order = np.argsort(predicted)
place = np.arange(len(order))
figure, ax = plt.subplots(figsize=(7.5, 4.2))
ax.fill_between(place, low[order], high[order], alpha=0.25, label="90 % interval")
ax.plot(place, predicted[order], label="prediction")
ax.plot(place, y_test[order], ".", color="black", label="true value")
ax.set_xlabel("patient, by prediction")
ax.set_ylabel("progress after a year")
ax.set_title(f"{inside.sum()} of {len(inside)} true values lie inside ({inside.mean():.0%})")
ax.legend()
plt.show()
