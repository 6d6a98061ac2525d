"""Search: settings compared by cross-validation."""

from trainlab.deprecated import moved
from trainlab.search.estimator import PopulationSearchCV

__all__ = ["PopulationSearchCV"]

__getattr__ = moved(
    __name__,
    {
        "PopulationEnsembleClassifier": "trainlab.ensembles.estimators",
        "PopulationEnsembleRegressor": "trainlab.ensembles.estimators",
    },
)
