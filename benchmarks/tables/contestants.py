"""How each contestant is given a table: as its documentation recommends, with its defaults.

A contestant is a function of (task, X, y, seed, threads) that trains and returns what predicts:
for classes 0 … K − 1 their probabilities (N, K), else numbers (N,).  Each imports its library
itself, so that the others run without it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import compose, ensemble, impute, linear_model, neural_network, pipeline, preprocessing

from benchmarks.tables.data import Target, Task

Predict = Callable[[pd.DataFrame], NDArray[Any]]
Train = Callable[[Task, pd.DataFrame, Target, int, int], Predict]

MISSING = "missing"  # the category that stands for a cell without a word


def chosen(task: Task, classifier: Any, regressor: Any) -> Any:
    """The one of the task."""
    return classifier if task == "classification" else regressor


def answers(task: Task, model: Any) -> Predict:
    """What a trained model predicts; classes that it has not seen have the probability 0."""
    if task == "regression":
        return lambda X: np.asarray(model.predict(X)).reshape(len(X))

    def chances(X: pd.DataFrame) -> NDArray[Any]:
        given = np.asarray(model.predict_proba(X))
        classes = np.asarray(model.classes_, np.int64)
        made = np.zeros((len(X), int(classes.max()) + 1))
        made[:, classes] = given
        return made

    return chances


def words(X: pd.DataFrame) -> list[Any]:
    """The columns of categories."""
    return list(X.select_dtypes("category").columns)


def numbers(X: pd.DataFrame) -> list[Any]:
    """The other columns."""
    return list(X.select_dtypes("number").columns)


def filled(X: pd.DataFrame) -> pd.DataFrame:
    """X with a word of its own for cells without one."""
    own = {name: X[name].astype(object).where(X[name].notna(), MISSING) for name in words(X)}
    return X.assign(**own)


def plain(X: pd.DataFrame) -> pd.DataFrame:
    """X with the names x0, x1, …: some libraries refuse brackets and commas."""
    return X.set_axis([f"x{place}" for place in range(X.shape[1])], axis=1)


# --- ours --------------------------------------------------------------------------------


def ours(kind: str, **settings: Any) -> Train:
    """An estimator of trainlab behind its TableEncoder: kind + "Classifier" or "Regressor"."""

    def train(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
        import trainlab as tl

        made = getattr(tl, kind + chosen(task, "Classifier", "Regressor"))
        model = made(random_state=seed, workers=threads, **settings)
        return answers(task, pipeline.make_pipeline(tl.TableEncoder(), model).fit(X, y))

    return train


def knows(kind: str, setting: str) -> bool:
    """Whether this version of trainlab has a setting."""
    import trainlab as tl

    return setting in inspect.signature(getattr(tl, f"{kind}Classifier")).parameters


# --- trees -------------------------------------------------------------------------------


def catboost(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
    """Words as `cat_features`, which must not be missing; missing numbers as they are."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    quiet = {"verbose": False, "allow_writing_files": False}
    make = chosen(task, CatBoostClassifier, CatBoostRegressor)
    model = make(cat_features=words(X), random_seed=seed, thread_count=threads, **quiet)
    predict = answers(task, model.fit(filled(X), y))
    return lambda rows: predict(filled(rows))


def lightgbm(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
    """Categories and missing values as they are."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    make = chosen(task, LGBMClassifier, LGBMRegressor)
    model = make(random_state=seed, n_jobs=threads, verbosity=-1)
    predict = answers(task, model.fit(plain(X), y))
    return lambda rows: predict(plain(rows))


def xgboost(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
    """Categories and missing values as they are."""
    from xgboost import XGBClassifier, XGBRegressor

    make = chosen(task, XGBClassifier, XGBRegressor)
    model = make(enable_categorical=True, random_state=seed, n_jobs=threads)
    predict = answers(task, model.fit(plain(X), y))
    return lambda rows: predict(plain(rows))


def hist_gradient_boosting(
    task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int
) -> Predict:
    """Categories and missing values as they are; threads are those of OpenMP."""
    make = chosen(
        task, ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
    )
    return answers(task, make(categorical_features="from_dtype", random_state=seed).fit(X, y))


def random_forest(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
    """Words one-hot; missing numbers as they are."""
    make = chosen(task, ensemble.RandomForestClassifier, ensemble.RandomForestRegressor)
    model = make(random_state=seed, n_jobs=threads)
    return answers(task, pipeline.make_pipeline(_one_hot(X, "passthrough"), model).fit(X, y))


# --- scikit-learn's, of numbers alone ----------------------------------------------------


def _one_hot(X: pd.DataFrame, of_numbers: Any) -> Any:
    """Words one-hot, a missing one as a word of its own; a word that is new is 0 in all columns."""
    encoder = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    parts = [("words", encoder, words(X)), ("numbers", of_numbers, numbers(X))]
    return compose.ColumnTransformer(parts)


def _prepared(X: pd.DataFrame, model: Any) -> Any:
    """Missing numbers the median, with a column that says so; everything standardised."""
    median = impute.SimpleImputer(strategy="median", add_indicator=True)
    scaler = preprocessing.StandardScaler()
    return pipeline.make_pipeline(_one_hot(X, median), scaler, model)


def linear(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
    """LogisticRegression with 1,000 iterations, or Ridge."""
    logistic = functools.partial(linear_model.LogisticRegression, max_iter=1_000)
    model = chosen(task, logistic, linear_model.Ridge)(random_state=seed)
    return answers(task, _prepared(X, model).fit(X, y))


def sklearn_mlp(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
    """MLPClassifier or MLPRegressor, whose targets are standardised, too."""
    make = chosen(task, neural_network.MLPClassifier, neural_network.MLPRegressor)
    model = make(random_state=seed)
    if task == "regression":
        scaler = preprocessing.StandardScaler()
        model = compose.TransformedTargetRegressor(model, transformer=scaler)
    return answers(task, _prepared(X, model).fit(X, y))


# --- pytabkit's --------------------------------------------------------------------------


def pytabkit(kind: str, **settings: Any) -> Train:
    """A network of pytabkit, which prepares the table but for missing numbers.

    `settings` are those of the classifier alone.
    """

    def train(task: Task, X: pd.DataFrame, y: Target, seed: int, threads: int) -> Predict:
        from pytabkit import models

        name = f"{kind}_{chosen(task, 'Classifier', 'Regressor')}"
        made = getattr(models.sklearn.sklearn_interfaces, name)
        own = settings if task == "classification" else {}
        model = made(device="cpu", random_state=seed, n_threads=threads, **own)
        median = impute.SimpleImputer(strategy="median", add_indicator=True)
        median.set_output(transform="pandas").fit(X[numbers(X)])

        def complete(rows: pd.DataFrame) -> pd.DataFrame:
            of_numbers = median.transform(rows[numbers(X)])
            return plain(pd.concat([of_numbers, filled(rows[words(X)])], axis=1))

        predict = answers(task, model.fit(complete(X), y))
        return lambda rows: predict(complete(rows))

    return train
