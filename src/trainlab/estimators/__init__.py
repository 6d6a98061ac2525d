"""Estimators: populations of networks with the face that scikit-learn gives to its own."""

from trainlab.estimators.classifier import MLPClassifier
from trainlab.estimators.columns import TableEncoder
from trainlab.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TableEncoder"]
