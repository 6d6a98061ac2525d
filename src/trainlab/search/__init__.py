"""Search: settings compared by cross-validation, and ensembles of the best together."""

from trainlab.search.ensembles import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.search.estimator import PopulationSearchCV

__all__ = ["PopulationEnsembleClassifier", "PopulationEnsembleRegressor", "PopulationSearchCV"]
