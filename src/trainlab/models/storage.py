"""`save` and `load`: a trained model as one file, and the model that a file holds."""

from __future__ import annotations

import os
from typing import Any

from trainlab import files
from trainlab.errors import ModelFileError, sentence
from trainlab.models.container import MAX_BYTES, pack, read, unpack
from trainlab.models.graph import network_graph, population_graph
from trainlab.models.kinds import Kind, kind_named, kind_of, register
from trainlab.models.populations import (
    pack_network,
    pack_population,
    unpack_network,
    unpack_population,
)
from trainlab.population import Network, Population
from trainlab.settings import whole_number

register(Kind("network", Network, pack_network, unpack_network, network_graph))
register(Kind("population", Population, pack_population, unpack_population, population_graph))


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Writes a trained model to one file, all or nothing; an older file is replaced.

    The file is in the safetensors format, with JSON beside the arrays (see
    docs/model-files.md).  What was trained with keep="state" can be trained on after `load`.
    Raises NotTrainedError for a model that holds no numbers, SettingError for what is no
    model, and ModelFileError where the file cannot be written; an older file then stays, unless
    the error says that the new one was "written, but not synced to disk".

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
    content = kind.pack(model)
    packed = pack(content)
    # A file that could not be read again would be found out when the model is gone.
    kind.unpack(unpack(packed, "what save writes"), "what save writes")
    try:
        files.write(path, packed)
    except OSError as error:
        text = error.strerror or str(error)
        must = "be in a folder that can be written to, with room for it"
        raise ModelFileError(sentence("file", str(path), must, text)) from error


def load(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Any:
    """The model that `save` wrote: the same settings, the same numbers to the bit.

    Nothing in the file is run or imported; its checksum, sizes, dtypes and settings are
    judged before a model is made of them.  Raises ModelFileError unless the file, of at most
    `max_bytes`, is exactly one model of a version of the format that is known.
    """
    path = files.as_path(path, "path", "load")
    max_bytes = whole_number(1).check(max_bytes, "max_bytes", "load")
    try:
        content = read(path, max_bytes)
        return kind_named(content.kind, str(path)).unpack(content, str(path))
    except RecursionError as error:
        must = "be nested a few levels deep"
        raise ModelFileError(sentence("settings", str(path), must, str(error))) from error
