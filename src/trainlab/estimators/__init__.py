"""Estimators: populations of networks behind scikit-learn's interface."""

from trainlab.estimators.classifier import MLPClassifier
from trainlab.estimators.columns import TableEncoder
from trainlab.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TableEncoder"]
