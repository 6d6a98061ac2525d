"""Who takes part: a row each."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType
from typing import Final

from benchmarks.tables import contestants
from benchmarks.tables.contestants import Train

INSTALL: Final = "make bench-tables installs it"


@dataclass(frozen=True)
class Contestant:
    """A model with its defaults.

    train     see contestants.py
    words     what it is, for the page
    package   what must be installed; its version is that of the contestant
    imports   modules that are loaded before its clock starts
    setting   (kind, setting) of trainlab's estimator that this version must know
    """

    name: str
    train: Train
    words: str
    package: str = "sklearn"
    imports: tuple[str, ...] = ()
    setting: tuple[str, str] | None = None

    def missing(self) -> str | None:
        """Why it cannot take part, in a sentence; None where it can."""
        if importlib.util.find_spec(self.package) is None:
            return f"{self.name} is left out: {self.package} is not installed ({INSTALL})."
        if self.setting is not None and not contestants.knows(*self.setting):
            kind, setting = self.setting
            return f"{self.name} is left out: {kind} has no {setting} in this version."
        return None

    def version(self) -> str:
        """The version of its package; "" where it does not say."""
        loaded = importlib.import_module(self.package)
        with contextlib.suppress(metadata.PackageNotFoundError):
            return str(getattr(loaded, "__version__", None) or metadata.version(self.package))
        return ""

    def warm_up(self) -> None:
        """Loads its modules."""
        for module in self.imports:
            importlib.import_module(module)


ENSEMBLE: Final = "PopulationEnsemble"
OURS: Final = "trainlab"

_ENSEMBLES: Final = ("trainlab.ensembles", "trainlab.estimators")
_NETWORKS: Final = "pytabkit.models.alg_interfaces"

LINEUP: Final = (
    Contestant(
        OURS,
        contestants.ours(ENSEMBLE),
        "`PopulationEnsembleClassifier`, `PopulationEnsembleRegressor` behind a `TableEncoder`",
        "trainlab",
        _ENSEMBLES,
    ),
    Contestant(
        f"{OURS}, quick",
        contestants.ours(ENSEMBLE, preset="quick"),
        'the same with `preset="quick"`',
        "trainlab",
        _ENSEMBLES,
        (ENSEMBLE, "preset"),
    ),
    Contestant(
        f"{OURS}, best",
        contestants.ours(ENSEMBLE, preset="best"),
        'the same with `preset="best"`',
        "trainlab",
        _ENSEMBLES,
        (ENSEMBLE, "preset"),
    ),
    Contestant(
        f"{OURS}, MLP",
        contestants.ours("MLP"),
        "`MLPClassifier`, `MLPRegressor` behind a `TableEncoder`",
        "trainlab",
        _ENSEMBLES,
    ),
    Contestant(
        "CatBoost",
        contestants.catboost,
        "words as `cat_features`, a missing one as a word of its own",
        "catboost",
        ("catboost",),
    ),
    Contestant(
        "LightGBM",
        contestants.lightgbm,
        "words as categories of pandas",
        "lightgbm",
        ("lightgbm",),
    ),
    Contestant(
        "HistGradientBoosting",
        contestants.hist_gradient_boosting,
        "scikit-learn's, words as categories of pandas",
    ),
    Contestant(
        "RandomForest",
        contestants.random_forest,
        "scikit-learn's, words one-hot",
    ),
    Contestant(
        "XGBoost",
        contestants.xgboost,
        "words as categories of pandas, `enable_categorical`",
        "xgboost",
        ("xgboost",),
    ),
    Contestant(
        "linear",
        contestants.linear,
        "scikit-learn's `LogisticRegression(max_iter=1000)` or `Ridge`, prepared: words one-hot,"
        " missing numbers the median and a column that says so, all standardised",
    ),
    Contestant(
        "scikit-learn's MLP",
        contestants.sklearn_mlp,
        "`MLPClassifier`, or `MLPRegressor` with a standardised target, prepared in the same way",
    ),
    Contestant(
        "RealMLP-TD-S",
        contestants.pytabkit("RealMLP_TD_S"),
        "pytabkit's; missing numbers the median and a column that says so",
        "pytabkit",
        (f"{_NETWORKS}.nn_interfaces", "pytabkit.models.sklearn.sklearn_interfaces"),
    ),
    Contestant(
        "RealMLP-TD-S, log loss",
        contestants.pytabkit("RealMLP_TD_S", val_metric_name="cross_entropy", use_ls=False),
        "the same with what its documentation recommends for log loss:"
        ' `val_metric_name="cross_entropy"`, `use_ls=False`; a regression is the same',
        "pytabkit",
        (f"{_NETWORKS}.nn_interfaces", "pytabkit.models.sklearn.sklearn_interfaces"),
    ),
    Contestant(
        "TabM",
        contestants.pytabkit("TabM_D"),
        "pytabkit's `TabM_D`; missing numbers the median and a column that says so",
        "pytabkit",
        (f"{_NETWORKS}.tabm_interface", "pytabkit.models.sklearn.sklearn_interfaces"),
    ),
)
BY_NAME: Final[Mapping[str, Contestant]] = MappingProxyType({c.name: c for c in LINEUP})
OWN: Final = tuple(c.name for c in LINEUP if c.package == "trainlab")
