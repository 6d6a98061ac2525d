"""trainlab: a training laboratory for neural networks.

A population is a leading axis: the layers are written once, and train one network or
thousands; a member of a population is bit for bit the network trained alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from trainlab import data as datasets
from trainlab import optimizers, schedules
from trainlab.data import Dataset, from_arrays, load_digits, load_mnist
from trainlab.differentiation import gradient_check, numerical_diff, numerical_gradient
from trainlab.errors import (
    DataError,
    DownloadError,
    ModelFileError,
    NotTrainedError,
    SettingError,
    StoreError,
    TrainlabError,
    WorkerError,
)
from trainlab.members import Member
from trainlab.models import export_onnx, load, register, save
from trainlab.models.kinds import later
from trainlab.network import activations, base, dense, dropout, initializers, losses, norms
from trainlab.network.activations import *  # noqa: F403  # its __all__ is public
from trainlab.network.architecture import MLP
from trainlab.network.base import *  # noqa: F403  # its __all__ is public
from trainlab.network.dense import *  # noqa: F403  # its __all__ is public
from trainlab.network.dropout import *  # noqa: F403  # its __all__ is public
from trainlab.network.initializers import *  # noqa: F403  # its __all__ is public
from trainlab.network.losses import *  # noqa: F403  # its __all__ is public
from trainlab.network.norms import *  # noqa: F403  # its __all__ is public
from trainlab.optimizers import *  # noqa: F403  # its __all__ is public
from trainlab.population import Network, Population, Running
from trainlab.schedules import *  # noqa: F403  # its __all__ is public
from trainlab.training.callbacks import Callback, Moment
from trainlab.training.history import History
from trainlab.training.metrics import Metric
from trainlab.training.plan import EarlyStopping
from trainlab.training.progress import Progress

if TYPE_CHECKING:
    from trainlab.estimators import MLPClassifier, MLPRegressor, TableEncoder
    from trainlab.search import (
        PopulationEnsembleClassifier,
        PopulationEnsembleRegressor,
        PopulationSearchCV,
    )

# Names whose rooms wait for scikit-learn, which is slow to import: looked up when first used.
_LATER = {
    "MLPClassifier": "trainlab.estimators",
    "MLPRegressor": "trainlab.estimators",
    "PopulationEnsembleClassifier": "trainlab.search",
    "PopulationEnsembleRegressor": "trainlab.search",
    "PopulationSearchCV": "trainlab.search",
    "TableEncoder": "trainlab.estimators",
}

_NO_MODELS = ("PopulationSearchCV", "TableEncoder")
later({name: f"{room}.saved" for name, room in _LATER.items() if name not in _NO_MODELS})
later({"Pipeline": "trainlab.estimators.pipelines"})

__all__ = [
    "MLP",
    "Callback",
    "DataError",
    "Dataset",
    "DownloadError",
    "EarlyStopping",
    "History",
    "MLPClassifier",
    "MLPRegressor",
    "Member",
    "Metric",
    "ModelFileError",
    "Moment",
    "Network",
    "NotTrainedError",
    "Population",
    "PopulationEnsembleClassifier",
    "PopulationEnsembleRegressor",
    "PopulationSearchCV",
    "Progress",
    "Running",
    "SettingError",
    "StoreError",
    "TableEncoder",
    "TrainlabError",
    "WorkerError",
    "datasets",
    "export_onnx",
    "from_arrays",
    "gradient_check",
    "load",
    "load_digits",
    "load_mnist",
    "numerical_diff",
    "numerical_gradient",
    "register",
    "save",
]
__all__ += activations.__all__
__all__ += base.__all__
__all__ += dense.__all__
__all__ += dropout.__all__
__all__ += initializers.__all__
__all__ += losses.__all__
__all__ += norms.__all__
__all__ += optimizers.__all__
__all__ += schedules.__all__


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
