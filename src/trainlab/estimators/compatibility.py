"""scikit-learn's check of X and y: the differences between its versions, and what it leaves out."""

from __future__ import annotations

import functools
import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from trainlab import memory
from trainlab.errors import DataError, SettingError, sentence, too_many, unexpected
from trainlab.estimators.choices import RULES
from trainlab.estimators.frames import is_frame
from trainlab.settings import is_integer

F = TypeVar("F", bound=Callable[..., None])


def keeps_parameters(init: F) -> F:
    """Has a constructor do what scikit-learn asks of it: keep each parameter as an attribute."""
    signature = inspect.signature(init)
    kinds = {name: one.kind for name, one in signature.parameters.items() if name != "self"}
    places = [name for name, kind in kinds.items() if kind != inspect.Parameter.KEYWORD_ONLY]

    @functools.wraps(init)
    def constructor(self: Any, *args: Any, **given: Any) -> None:
        call = f"{type(self).__name__}()"
        if len(args) > len(places):
            rule = RULES.get(places[0])
            remedy = f"{places[0]}={args}" if rule and rule.valid(args) else None
            raise too_many(call, len(args), places, remedy)
        for name in given:
            if name not in kinds:
                raise unexpected(call, name, kinds)
        init(self, *args, **given)
        bound = signature.bind(self, *args, **given)
        bound.apply_defaults()
        _, *parameters = bound.arguments.items()
        for name, value in parameters:
            setattr(self, name, value)

    return constructor  # type: ignore[return-value]  # it has the same signature


def validate_data(estimator: Any, X: Any, **settings: Any) -> Any:
    """scikit-learn's check of X (and of y, if it is given): features, their names, finiteness."""
    owner = type(estimator).__name__
    check_sizes(owner, X=X, y=settings.get("y"))
    _check_names(X, owner)
    with named_faults("X, y", owner):
        try:
            found = _validate(estimator, _as_array(X), **settings)
        except (TypeError, ValueError) as error:
            if any(words in str(error) for words in _OF_TABLES):
                error.add_note(
                    "A TableEncoder makes numbers of words, dates and missing values: "
                    f"{_with_an_encoder(owner)}"
                )
            raise
    if "dtype" in settings:
        return found
    return (
        (_numbers(found[0], owner), *found[1:]) if type(found) is tuple else _numbers(found, owner)
    )


def _with_an_encoder(owner: str) -> str:
    return f"make_pipeline(trainlab.TableEncoder(), trainlab.{owner}())"


def _numbers(X: Any, owner: str) -> Any:
    """X as numbers: of frames with categories, periods or zones scikit-learn makes objects."""
    if X.dtype.kind not in "OmM":
        return X
    got: object = X
    with suppress(TypeError, ValueError):
        if X.dtype.kind == "O" and np.isfinite(numbers := X.astype(np.float64)).all():
            return numbers
    if X.dtype.kind == "O":
        got = next((cell for cell in X.flat if not _is_finite(cell)), X)
    raise DataError(sentence("X", owner, "hold finite numbers", got, _with_an_encoder(owner)))


def _is_finite(cell: Any) -> bool:
    with suppress(TypeError, ValueError):
        return math.isfinite(float(cell))
    return False


def at_most_double(X: Any, owner: str) -> Any:
    """Numbers longer than float64 as float64; DataError for those that it cannot hold."""
    if X.dtype.kind != "f" or X.dtype.itemsize <= np.dtype(np.float64).itemsize:
        return X
    with np.errstate(over="ignore"):
        found = X.astype(np.float64)
    if not np.isfinite(found if isinstance(found, np.ndarray) else found.data).all():
        raise DataError(sentence("X", owner, "hold what a float64 can hold", X.dtype))
    return found


def _as_array(X: Any) -> Any:
    """Lists of objects as an array, whose None scikit-learn finds, as in lists it does not."""
    if not isinstance(X, (list, tuple)):
        return X
    with suppress(ValueError):  # lists of several lengths, which scikit-learn refuses
        found = np.asarray(X)
        return found if found.dtype == object else X
    return X


_OF_TABLES: Final = (
    *("could not convert string", "X contains NaN", "signaling NaN", "DateTime64", "TimeDelta64"),
    "float() argument must be a string or a real number",
)
"""What scikit-learn says of the cells of a table that are no numbers."""


def first_word(y: Any) -> str | None:
    """The first text among targets that is no number.

    >>> first_word(["no", "yes"]), first_word([1.5, "2"])
    ('no', None)
    """
    with suppress(Exception):  # what is no array of texts is judged by others
        array = np.asarray(y)
        for one in array.flat if array.dtype.kind in "OUT" else ():
            if isinstance(one, str) and not _is_number(one):
                return str(one)
    return None


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text)
        return True
    return False


def check_sizes(owner: str, **arrays: Any) -> None:
    """Refuses what would not fit into memory as float64, before anything looks at it.

    Only X may stay sparse, and it has a scale for each column.
    """
    for name, value in arrays.items():
        shape = getattr(value, "shape", ())
        if issparse(value) and len(shape) != 2:
            raise DataError(sentence(name, owner, "have rows and columns", value))
        if isinstance(shape, tuple) and all(map(is_integer, shape)):  # Dask's may be unknown
            numbers = shape[1] if name == "X" and issparse(value) else math.prod(shape)
            memory.need(numbers * np.dtype(np.float64).itemsize, name, owner)


@contextmanager
def named_faults(name: str, owner: str) -> Iterator[None]:
    """DataError where scikit-learn or NumPy stumble over huge numbers, lengths or depths."""
    try:
        yield
    except (ArithmeticError, RecursionError) as error:
        must = "hold what a float64 can hold, and few levels of lists"
        raise DataError(sentence(name, owner, must, error)) from error


def draws_of(random_state: Any, owner: str) -> np.random.RandomState:
    """The generator that a `random_state` stands for; SettingError if it stands for none."""
    try:
        draws: np.random.RandomState = check_random_state(random_state)
    except Exception as error:  # the error's text is made by an object's own repr
        must = "be None, an integer in [0, 2**32 - 1] or a RandomState"
        raise SettingError(sentence("random_state", owner, must, random_state, "0")) from error
    return draws


def _validate(estimator: Any, X: Any, **settings: Any) -> Any:
    """A function since 1.6, a method of estimators before, with another name of one setting."""
    try:
        from sklearn.utils.validation import validate_data as validate
    except ImportError:
        if "ensure_all_finite" in settings:
            settings["force_all_finite"] = settings.pop("ensure_all_finite")
        return estimator._validate_data(X, **settings)
    return validate(estimator, X, **settings)


def _check_names(X: Any, owner: str) -> None:
    """DataError where two columns of a frame have one name, or some names are texts and others not.

    scikit-learn keeps names where all are texts, and none where none is.
    """
    if not is_frame(X):
        return
    # In pandas any other attribute may be a column, and pyarrow's `columns` are cells.
    names: Any = getattr(X, "column_names", None) if not hasattr(X, "iloc") else None
    names = getattr(X, "columns", ()) if names is None else names
    names = [*names]
    kinds = {isinstance(name, str): name for name in reversed(names)}
    if len(kinds) > 1:
        must, remedy = "be all texts, or none", "X.columns = X.columns.astype(str)"
        raise DataError(
            sentence("names of columns of X", owner, must, [*kinds.values()][::-1], remedy)
        )
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        got = [name for name in names if name == twice]
        raise DataError(sentence("columns of X", owner, "have names that differ", got))


def check_features(estimator: Any, X: Any, reset: bool) -> None:
    """scikit-learn's check of the names and the number of the columns of a data frame alone."""
    _check_names(X, type(estimator).__name__)
    try:
        from sklearn.utils.validation import validate_data as validate
    except ImportError:
        estimator._validate_data(X, reset=reset, cast_to_ndarray=False)
    else:
        validate(estimator, X, reset=reset, skip_check_array=True)
