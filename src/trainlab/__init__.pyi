# What `trainlab` exports: each name as itself, and all that the files with a * list.

from trainlab import data
from trainlab.data.arrays import Dataset as Dataset
from trainlab.data.arrays import from_arrays as from_arrays
from trainlab.data.digits import load_digits as load_digits
from trainlab.data.mnist import load_mnist as load_mnist
from trainlab.data.planar import load_planar as load_planar
from trainlab.differentiation.check import gradient_check as gradient_check
from trainlab.differentiation.differences import numerical_diff as numerical_diff
from trainlab.differentiation.differences import numerical_gradient as numerical_gradient
from trainlab.ensembles.estimators import (
    PopulationEnsembleClassifier as PopulationEnsembleClassifier,
)
from trainlab.ensembles.estimators import PopulationEnsembleRegressor as PopulationEnsembleRegressor
from trainlab.errors import DataError as DataError
from trainlab.errors import DownloadError as DownloadError
from trainlab.errors import ModelFileError as ModelFileError
from trainlab.errors import NotTrainedError as NotTrainedError
from trainlab.errors import SettingError as SettingError
from trainlab.errors import StoreError as StoreError
from trainlab.errors import TrainlabError as TrainlabError
from trainlab.errors import WorkerError as WorkerError
from trainlab.estimators.classifier import MLPClassifier as MLPClassifier
from trainlab.estimators.columns import TableEncoder as TableEncoder
from trainlab.estimators.regressor import MLPRegressor as MLPRegressor
from trainlab.live.start import live as live
from trainlab.members import Member as Member
from trainlab.models.export import export_onnx as export_onnx
from trainlab.models.records import register as register
from trainlab.models.storage import load as load
from trainlab.models.storage import save as save
from trainlab.network import activations, initializers, losses, norms  # noqa: F401  # not in __all__
from trainlab.network.activations import *  # noqa: F403  # its __all__ is public
from trainlab.network.architecture import MLP as MLP
from trainlab.network.base import *  # noqa: F403  # its __all__ is public
from trainlab.network.dense import *  # noqa: F403  # its __all__ is public
from trainlab.network.dropout import *  # noqa: F403  # its __all__ is public
from trainlab.network.initializers import *  # noqa: F403  # its __all__ is public
from trainlab.network.losses import *  # noqa: F403  # its __all__ is public
from trainlab.network.norms import *  # noqa: F403  # its __all__ is public
from trainlab.optimizers.adaptive import *  # noqa: F403  # its __all__ is public
from trainlab.optimizers.base import *  # noqa: F403  # its __all__ is public
from trainlab.optimizers.momentum import *  # noqa: F403  # its __all__ is public
from trainlab.optimizers.sign import *  # noqa: F403  # its __all__ is public
from trainlab.population.network import Network as Network
from trainlab.population.population import Population as Population
from trainlab.population.rates import RateRange as RateRange
from trainlab.population.rates import rate_range_test as rate_range_test
from trainlab.population.running import Running as Running
from trainlab.schedules import *  # noqa: F403  # its __all__ is public
from trainlab.search.estimator import PopulationSearchCV as PopulationSearchCV
from trainlab.training.callbacks import Callback as Callback
from trainlab.training.callbacks import Moment as Moment
from trainlab.training.changes import Change as Change
from trainlab.training.history import History as History
from trainlab.training.loggers import MLflowLogger as MLflowLogger
from trainlab.training.loggers import TensorBoardLogger as TensorBoardLogger
from trainlab.training.loggers import WandbLogger as WandbLogger
from trainlab.training.metrics import Metric as Metric
from trainlab.training.plan import EarlyStopping as EarlyStopping
from trainlab.training.progress import Progress as Progress

datasets = data
