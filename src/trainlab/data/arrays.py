"""What networks are trained on: splits of rows, data sets of splits, and arrays made into them.

Order: one split, drawing rows by chance, a data set, then `from_arrays`, which checks
arrays of any origin.  Axis letters: N rows, d features, C classes, out targets per row.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainlab import notebook
from trainlab.data.validation import (
    DTYPES,
    Features,
    Given,
    are_valid_inputs,
    encode,
    validate_inputs,
    validate_targets,
    validate_weights,
)
from trainlab.errors import DataError, SettingError, sentence
from trainlab.settings import FLAG, TEXT, either, instance_of, is_integer, is_real, one_of
from trainlab.streams import stream
from trainlab.terminal import counted

Size = int | float
"""A number of rows (int), or a fraction of them in (0, 1) (float)."""

TASKS: Final = ("classification", "multilabel", "regression")
_DRAWS: Final = {"validation": 0, "test": 1}


@dataclass(frozen=True, eq=False)
class Split:
    """Rows that are used together, and what they are trained on.

    Parameters
    ----------
    x : ndarray or scipy.sparse.csr_array, shape (N, d)
        Inputs: float32 or float64, an array in C order or a CSR array in canonical format.
    t : ndarray, shape (N,) or (N, out)
        Targets: int64 class numbers (N,), or values (N, out) of the dtype of x.
    weight : ndarray of float64, shape (N,), optional
        How much each row counts in losses and accuracies, beside the others of the split: finite
        and >= 0, some > 0.  None: all count equally.

    Raises
    ------
    DataError
        If the arrays are not of these types and shapes.

    See Also
    --------
    from_arrays : Makes splits of arrays of any origin.
    """

    x: Features
    t: NDArray[Any]
    weight: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        x, t = self.x, self.t
        if not are_valid_inputs(x):
            must = "be a filled float32 or float64 array (N, d), in C order or canonical CSR"
            raise DataError(sentence("x", "Split", must, x, "from_arrays(x, t)"))
        kinds = {(1, np.dtype(np.int64)), (2, x.dtype)}
        if not isinstance(t, np.ndarray) or (t.ndim, t.dtype) not in kinds:
            must = f"be an int64 array (N,) or a {x.dtype} array (N, out)"
            raise DataError(sentence("t", "Split", must, t, "from_arrays(x, t)"))
        if x.shape[0] != len(t):
            must = f"have {counted(x.shape[0], 'row')}, as x has"
            raise DataError(sentence("t", "Split", must, len(t)))
        if self.weight is not None and not _are_weights(self.weight, len(t)):
            must = f"be float64 of shape ({len(t)},), finite and >= 0, some > 0"
            raise DataError(sentence("weight", "Split", must, self.weight))

    def __len__(self) -> int:
        return len(self.t)

    def __repr__(self) -> str:
        weights = "" if self.weight is None else ", weights"
        kind = type(self.x).__name__ if not isinstance(self.x, np.ndarray) else "array"
        shapes = f"x {kind} {self.x.shape}, t {self.t.shape}"
        return f"Split({counted(len(self), 'row')}: {shapes}{weights})"

    def take(self, rows: NDArray[np.int64] | slice) -> Split:
        """Take some of the rows, in the order given.

        Parameters
        ----------
        rows : ndarray of int64 or slice
            Which rows.

        Returns
        -------
        Split
            A copy of these rows.
        """
        x = self.x[rows]
        if isinstance(x, np.ndarray):
            x = np.ascontiguousarray(x)
        weight = None if self.weight is None else self.weight[rows]
        return Split(x, np.ascontiguousarray(self.t[rows]), weight)


def _are_weights(values: Any, rows: int) -> bool:
    right_form = isinstance(values, np.ndarray) and values.shape == (rows,)
    if not right_form or values.dtype != np.float64:
        return False
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values > 0).any())


def split(
    part: Split, size: Size, *, stratify: bool = True, seed: int = 0, purpose: str = "validation"
) -> tuple[Split, Split]:
    """Draw two splits by chance: the rest, and `size` rows.

    Parameters
    ----------
    part : Split
        The rows to draw from.
    size : int or float
        A number of rows, or a fraction in (0, 1).
    stratify : bool, default True
        Give both parts the same share of each class (classification; other targets have no
        classes and are drawn plainly).
    seed : int, default 0
        Seeds the draw.
    purpose : {"validation", "test"}
        What the rows are for; the two have draws of their own.

    Returns
    -------
    tuple of Split
        The rest, and the rows that were drawn.

    Raises
    ------
    SettingError
        Where either part would be empty or would miss a class.

    Notes
    -----
    The result depends on the rows, the arguments, and scikit-learn, which draws.

    Examples
    --------
    >>> rows = Split(np.zeros((6, 1), np.float32), np.array([0, 0, 0, 0, 1, 1]))
    >>> rest, taken = split(rows, 3)
    >>> sorted(taken.t.tolist())
    [0, 0, 1]
    """
    instance_of(Split).check(part, "part", "a split")
    rest, taken = draw_rows(part.t, size, stratify=stratify, seed=seed, purpose=purpose)
    return part.take(rest), part.take(taken)


def draw_rows(
    t: NDArray[Any], size: Size, *, stratify: bool, seed: int, purpose: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row numbers of the rest and of the rows taken, both in random order; see `split`."""
    # Imported here: `import trainlab` need not wait for scikit-learn.
    from sklearn.model_selection import train_test_split

    one_of(tuple(_DRAWS)).check(purpose, "purpose", "a split")
    FLAG.check(stratify, "stratify", "a split")
    count = rows_of(size, len(t), purpose)
    labels = t if stratify and t.ndim == 1 else None
    if labels is not None and not can_stratify(labels, count):
        present = np.unique(labels, return_counts=True)[1]
        classes = counted(len(present), "class")
        got = f"{count} of {len(t)} rows, {classes}, {present.min()} in the rarest"
        must = "leave a row of each class in both parts"
        raise SettingError(sentence(purpose, "a stratified split", must, got, "stratify=False"))
    state = int(stream(seed, "split", _DRAWS[purpose]).integers(2**32))
    rest, taken = train_test_split(
        np.arange(len(t), dtype=np.int64), test_size=count, stratify=labels, random_state=state
    )
    return rest, taken


def can_stratify(t: NDArray[np.int64], count: int) -> bool:
    """Whether each class of t (N,) may have rows in both parts, one of which has `count` rows."""
    present = np.bincount(t)
    present = present[present > 0]
    return bool(present.min() >= 2 and min(count, len(t) - count) >= len(present))


def draw_beside(
    t: NDArray[np.int64], count: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row numbers of the rest, and of `count` rows taken by chance, where classes may be rare.

    One row of each class stays in the rest; of the others each class has its share, ± 1.
    t (N,) are class numbers; the rest must have room for one row of each class.

    >>> rest, taken = draw_beside(np.array([0, 1, 1, 1, 1, 2]), 2, seed=0)
    >>> bool((rest == 0).any() and (rest == 5).any()), taken.size
    (True, 2)
    """
    rng = stream(seed, "split", _DRAWS["validation"])
    order = rng.permutation(len(t))
    order = order[np.argsort(t[order], kind="stable")]
    free = order[1:][t[order[1:]] == t[order[:-1]]]  # not the first of its class
    taken = free[(np.arange(count) * len(free) + rng.integers(len(free))) // count]
    return np.setdiff1d(order, taken), taken


def rows_of(size: Size, available: int, name: str) -> int:
    """The number of rows that `size` means; SettingError unless 1 <= it < available."""
    if is_integer(size):
        count, valid = int(size), True
    else:
        valid = is_real(size) and 0 < float(size) < 1
        count = max(round(float(size) * available), 1) if valid else 0
    if not (valid and 1 <= count < available):
        must = f"be a number of rows in [1, {available - 1}] or a fraction in (0, 1)"
        raise SettingError(sentence(name, "a split", must, size, f"{name}=0.2"))
    return count


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named set of splits, with what a report must say about it.

    Parameters
    ----------
    name : str
        The name of the data.
    train : Split
        The rows to train on.
    validation, test : Split or None
        The rows to choose by and to judge by; None where there are none.
    task : {"classification", "multilabel", "regression"}
        What the targets are.
    classes : ndarray, shape (C,), or None
        What the class numbers 0..C-1 stand for; None unless `task` is "classification".
    sha256 : str
        Names the content: of the files or arrays it came from, and of the rows that every later
        step took.  For sparse inputs it covers the shape and the stored values: any format of
        the same values has the same digest, but dense ones have another.

    Raises
    ------
    SettingError, DataError
        If the parts do not fit together.

    See Also
    --------
    from_arrays : Makes a data set of arrays.
    load_digits, load_mnist : Images of digits.
    """

    name: str
    train: Split
    # Any stands for None: code that knows a split is there need not prove it to a type checker.
    validation: Split | Any
    test: Split | Any
    task: str
    classes: NDArray[Any] | Any
    sha256: str

    def __post_init__(self) -> None:
        TEXT.check(self.name, "name", "Dataset")
        TEXT.check(self.sha256, "sha256", "Dataset")
        one_of(TASKS).check(self.task, "task", self.name)
        instance_of(Split).check(self.train, "train", self.name)
        for name, part in self.parts().items():
            instance_of(Split).check(part, name, self.name)
        labels = self.task == "classification"
        if labels != (self.classes is not None):
            must = "be given for classification and for nothing else"
            raise DataError(sentence("classes", self.name, must, self.classes))
        if labels and not (isinstance(self.classes, np.ndarray) and self.classes.ndim == 1):
            raise DataError(sentence("classes", self.name, "be an array (C,)", self.classes))
        for name, part in self.parts().items():
            if part.x.dtype != self.train.x.dtype:
                must = f"be {self.train.x.dtype}, as in train"
                raise DataError(sentence(f"x of {name}", self.name, must, part.x.dtype))
            if part.x.shape[1] != self.in_features:
                must = f"have {counted(self.in_features, 'feature')}, as in train"
                raise DataError(sentence(f"x of {name}", self.name, must, part.x.shape[1]))
            if (part.t.ndim == 1) != labels:
                must = "be class numbers" if labels else "have a column for each output"
                raise DataError(sentence(f"t of {name}", self.name, must, part.t))
            if labels and not 0 <= part.t.min() <= part.t.max() < self.out_features:
                must = f"be in [0, {self.out_features - 1}]"
                got = f"{part.t.min()}..{part.t.max()}"
                raise DataError(sentence(f"t of {name}", self.name, must, got))
            if not labels and part.t.shape[1] != self.out_features:
                must = f"have {counted(self.out_features, 'column')}, as in train"
                raise DataError(sentence(f"t of {name}", self.name, must, part.t.shape[1]))

    def __repr__(self) -> str:
        rows = ", ".join(f"{len(part):,} {name}" for name, part in self.parts().items())
        return f"Dataset({self.name}: {rows}; {self._words()})"

    def _repr_html_(self) -> str:
        """The splits, for notebooks."""
        rows = []
        for name, part in self.parts().items():
            about = [f"{len(part):,}", f"{part.t.min():.4g} to {part.t.max():.4g}"]
            if self.classes is not None:
                counts = np.bincount(part.t, minlength=len(self.classes))
                about[1] = f"{counts.min():,} to {counts.max():,} rows of a class"
            rows.append((name, *about))
        return notebook.table(["split", "rows", "targets"], rows, f"{self.name}: {self._words()}")

    def _words(self) -> str:
        kind = counted(self.out_features, "output" if self.classes is None else "class")
        return f"{counted(self.in_features, 'feature')}, {kind}, {self.task}"

    @property
    def in_features(self) -> int:
        """The number of features, d."""
        return int(self.train.x.shape[1])

    @property
    def out_features(self) -> int:
        """The number of outputs a network needs: classes, or columns of t."""
        return len(self.classes) if self.classes is not None else int(self.train.t.shape[1])

    def parts(self) -> dict[str, Split]:
        """Return the splits that are there.

        Returns
        -------
        dict of str to Split
            By their names "train", "validation" and "test".
        """
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}

    def split(self, validation: Size = 0.2, stratify: bool = True, seed: int = 0) -> Dataset:
        """Carve validation rows from the train rows.

        Parameters
        ----------
        validation : int or float, default 0.2
            A number of rows, or a fraction in (0, 1).
        stratify : bool, default True
            Give both parts the same share of each class.
        seed : int, default 0
            Seeds the draw.

        Returns
        -------
        Dataset
            A data set with a validation split.

        Raises
        ------
        SettingError
            If there is one already, or a part would be empty or would miss a class.
        """
        return self.hold_out("validation", validation, stratify=stratify, seed=seed)

    def hold_out(
        self,
        name: Literal["validation", "test"],
        size: Size,
        *,
        stratify: bool = True,
        seed: int = 0,
    ) -> Dataset:
        """Carve the split `name`, which must be absent, from the train rows.

        Parameters
        ----------
        name : {"validation", "test"}
            The split.
        size : int or float
            A number of rows, or a fraction in (0, 1).
        stratify : bool, default True
            Give both parts the same share of each class.
        seed : int, default 0
            Seeds the draw.

        Returns
        -------
        Dataset
            A data set with this split.

        Raises
        ------
        SettingError
            If there is one already, or a part would be empty or would miss a class.
        """
        one_of(tuple(_DRAWS)).check(name, "name", "Dataset.hold_out")
        if getattr(self, name) is not None:
            must = f"have no {name} split yet"
            remedy = f"dataclasses.replace(data, {name}=None)"
            raise SettingError(sentence("data", self.name, must, getattr(self, name).x, remedy))
        rest, taken = draw_rows(self.train.t, size, stratify=stratify, seed=seed, purpose=name)
        sha256 = _sha256(self.sha256, name, rest.tobytes(), taken.tobytes())
        changed: dict[str, Any] = {name: self.train.take(taken)}
        return dataclasses.replace(self, train=self.train.take(rest), sha256=sha256, **changed)

    def first(
        self, train: int | None = None, validation: int | None = None, test: int | None = None
    ) -> Dataset:
        """Keep the first rows of some splits.

        Parameters
        ----------
        train, validation, test : int, optional
            How many rows; None keeps a split whole.

        Returns
        -------
        Dataset
            The smaller data set.

        Raises
        ------
        SettingError
            If a split does not have so many rows.
        """
        changed: dict[str, Any] = {}
        for name, count in {"train": train, "validation": validation, "test": test}.items():
            if count is None:
                continue
            part: Split | None = getattr(self, name)
            available = 0 if part is None else len(part)
            if part is None or not is_integer(count) or not 1 <= count <= available:
                must = f"be a number of rows in [1, {available}]" if part else "be None"
                raise SettingError(sentence(name, f"first rows of {self.name}", must, count))
            changed[name] = part.take(slice(int(count)))
        sizes = repr([train, validation, test])
        return dataclasses.replace(self, sha256=_sha256(self.sha256, "first", sizes), **changed)

    def describe(self) -> dict[str, Any]:
        """Describe the data as plain JSON.

        Returns
        -------
        dict
            `name`, `sha256`, and in `sizes` the rows of each split that is there.
        """
        sizes = {name: len(part) for name, part in self.parts().items()}
        return {"name": self.name, "sha256": self.sha256, "sizes": sizes}


def _sha256(*parts: str | bytes | memoryview) -> str:
    """SHA-256 of parts, each preceded by its length, so that no two lists share a digest."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()


Held = Size | tuple[Given, ArrayLike] | tuple[Given, ArrayLike, ArrayLike] | None


def from_arrays(
    x: Given,
    t: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    test: Held = None,
    validation: Held = None,
    task: str | None = None,
    name: str = "arrays",
    stratify: bool = True,
    seed: int = 0,
    dtype: str = "float32",
) -> Dataset:
    """Make a data set of arrays: copied, checked, and split.

    Parameters
    ----------
    x : array_like or sparse array, shape (N, d) or (N, ...)
        Inputs, real and finite; they are not scaled.  Images and the like are flattened to
        (N, d).  Sparse arrays, in any of SciPy's formats, stay sparse.
    t : array_like, shape (N,) or (N, out)
        Targets: integers, bools or strings (N,) for classification; floats (N,) or (N, out) for
        regression; 0 and 1 (N, out) for multilabel.
    weight : array_like, shape (N,), optional
        How much each row counts in losses and accuracies; finite and >= 0.
    test, validation : int, float or tuple, optional
        A number of rows, a fraction (of what is left after the test rows), or (x, t) or
        (x, t, weight) of their own.  By default there is no such split.
    task : {"classification", "multilabel", "regression"}, optional
        Overrides what t suggests.  "multilabel" must be named, since it cannot be told from
        one-hot labels.
    name : str, default "arrays"
        The name of the data.
    stratify : bool, default True
        Give all parts the same share of each class.
    seed : int, default 0
        Seeds the draws of `test` and `validation`.
    dtype : {"float32", "float64"}
        What floats are kept in.

    Returns
    -------
    Dataset
        The data set.

    Raises
    ------
    DataError
        For what the arrays hold.
    SettingError
        For the other arguments.

    Warns
    -----
    UserWarning
        Where x has bytes (uint8) above 10, as pixels are.

    Examples
    --------
    >>> data = from_arrays([[0.0], [1.0], [2.0], [3.0]], ["no", "yes", "no", "yes"], test=2)
    >>> data.task, data.classes.tolist(), len(data.train), len(data.test)
    ('classification', ['no', 'yes'], 2, 2)
    """
    either(one_of(TASKS), None).check(task, "task", "from_arrays")
    one_of(tuple(map(str, DTYPES))).check(dtype, "dtype", "from_arrays")
    FLAG.check(stratify, "stratify", "from_arrays")
    TEXT.check(name, "name", "from_arrays")
    inputs = validate_inputs(x, "x", dtype)
    task, targets = validate_targets(t, task, "t", dtype)
    classes = np.unique(targets) if task == "classification" else None
    data = Dataset(
        name=name,
        train=Split(inputs, encode(targets, classes, "t"), validate_weights(weight, "weight")),
        validation=None,
        test=None,
        task=task,
        classes=classes,
        sha256="",
    )
    pairs: dict[str, Any] = {}
    for kind, held in {"test": test, "validation": validation}.items():
        if isinstance(held, tuple):
            if len(held) not in (2, 3):
                must = "be None, a number of rows, a fraction, (x, t) or (x, t, weight)"
                raise SettingError(sentence(kind, "from_arrays", must, held))
            _, own = validate_targets(held[1], task, f"t of {kind}", dtype)
            own = encode(own, classes, f"t of {kind}")
            weights = validate_weights(held[2], f"weight of {kind}") if len(held) == 3 else None
            pairs[kind] = Split(validate_inputs(held[0], f"x of {kind}", dtype), own, weights)
    data = dataclasses.replace(data, **pairs)
    data = dataclasses.replace(data, sha256=content_of(data))
    if test is not None and not isinstance(test, tuple):
        data = data.hold_out("test", test, stratify=stratify, seed=seed)
    if validation is not None and not isinstance(validation, tuple):
        data = data.split(validation, stratify=stratify, seed=seed)
    return data


def content_of(data: Dataset) -> str:
    """SHA-256 of what the splits hold now, whatever was done to them since they were loaded."""
    classes = None if data.classes is None else data.classes.tolist()
    pieces: list[str | bytes | memoryview] = [data.task, repr(classes)]
    for name, part in data.parts().items():
        for array in (part.x, part.t, part.weight):
            if array is not None:
                pieces += [name, *_pieces(array)]
    return _sha256(*pieces)


def _pieces(array: Features | NDArray[Any]) -> list[str | bytes | memoryview]:
    shape = repr(tuple(array.shape))
    if isinstance(array, np.ndarray):
        # Not `tobytes`: a copy of all of it takes as long as the digest.
        content = array.data.cast("B") if array.size else b""
        return [array.dtype.str, shape, content]
    places = [index.astype(np.int64).tobytes() for index in (array.indptr, array.indices)]
    return ["csr", array.dtype.str, shape, *places, array.data.tobytes()]
