"""`save` and `load`: a trained model as one file, and the model that a file holds."""

from __future__ import annotations

import os
from typing import Any, TypeVar, overload

from trainlab import files
from trainlab.errors import ModelFileError, sentence
from trainlab.models.container import MAX_BYTES, pack, read, unpack, write
from trainlab.models.kinds import kind_named, kind_of
from trainlab.settings import instance_of, whole_number

M = TypeVar("M")


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a trained model to one file, all or nothing; an older file is replaced.

    The file is in the safetensors format, with JSON beside the arrays (see
    docs/model-files.md).  A model that was trained with keep="state" can be trained further
    after `load`.

    Parameters
    ----------
    model : Network, Population, or a fitted estimator
        The model.
    path : str or path
        The file to write.

    Raises
    ------
    NotTrainedError
        For a model that has not been trained.
    SettingError
        For anything that is not a model.
    ModelFileError
        Where the file cannot be written.  An older file then stays, unless the error says that
        the new one was "written, but not synced to disk".

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import trainlab as tl
    >>> data, network = tl.load_digits(), tl.Network(tl.MLP(hidden=(20,)), tl.Adam(0.01))
    >>> history = network.fit(data, epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "digits.safetensors")
    ...     tl.save(network, path)
    ...     again = tl.load(path)
    >>> bool((again.predict_proba(data.test.x) == network.predict_proba(data.test.x)).all())
    True
    """
    path, kind = files.as_path(path, "path", "save", file=True), kind_of(model, "save")
    packed = pack(kind.pack(model))
    # Otherwise a file that cannot be read would be noticed only when the model is gone.
    kind.unpack(unpack(packed, "what save writes"), "what save writes")
    write(path, packed)


@overload
def load(path: str | os.PathLike[str], *, max_bytes: int = ...) -> Any: ...
@overload
def load(path: str | os.PathLike[str], kind: type[M], *, max_bytes: int = ...) -> M: ...
def load(
    path: str | os.PathLike[str], kind: type | None = None, *, max_bytes: int = MAX_BYTES
) -> Any:
    """Read the model that `save` wrote: the same settings, the same numbers to the bit.

    Nothing in the file is run or imported; its checksum, sizes, dtypes and settings are
    checked before a model is made of them.

    Parameters
    ----------
    path : str or path
        The file.
    kind : class, optional
        What the model must be, such as `Network`; type checkers then know its class.
        By default any model is read.
    max_bytes : int, default 2**32
        The largest file that is read.

    Returns
    -------
    Network, Population, or a fitted estimator
        The model.

    Raises
    ------
    ModelFileError
        Unless the file is exactly one model, of a version of the format that is known, and an
        instance of `kind`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import trainlab as tl
    >>> data, network = tl.load_digits(), tl.Network(tl.MLP(hidden=(20,)), tl.Adam(0.01))
    >>> history = network.fit(data, epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "digits.safetensors")
    ...     tl.save(network, path)
    ...     again = tl.load(path, tl.Network)
    >>> again.member == network.member
    True
    """
    path = files.as_path(path, "path", "load")
    max_bytes = whole_number(1).check(max_bytes, "max_bytes", "load")
    if kind is not None:
        instance_of(type).check(kind, "kind", "load")
    try:
        content = read(path, max_bytes)
        model = kind_named(content.kind, str(path)).unpack(content, str(path))
    except RecursionError as error:
        must = "be nested a few levels deep"
        raise ModelFileError(sentence("settings", str(path), must, str(error))) from error
    if kind is not None and not isinstance(model, kind):
        must, got = f"be a {kind.__name__}", type(model).__name__
        raise ModelFileError(sentence("model", str(path), must, got, f"load(path, {got})"))
    return model
