"""Search: settings compared by cross-validation, with scikit-learn's face."""

from trainlab.search.estimator import PopulationSearchCV

__all__ = ["PopulationSearchCV"]
