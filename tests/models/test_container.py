"""The limits of a file of a model."""

from __future__ import annotations

import json
import math
import warnings
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import trainlab as tl
from complaints import complains
from trainlab.errors import ModelFileError
from trainlab.models import container, scoring
from trainlab.models.container import Content, pack, read, unpack

NONE = {"none": np.zeros(0)}  # without an array old versions of safetensors read no file


def test_limits() -> None:
    """docs/model-files.md names the first; the second must be what older versions read."""
    assert container.MAX_BYTES == 4 * 2**30
    assert container.MAX_HEADER == 32 * 2**20


def test_settings_that_could_not_be_read_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = tl.Population.grid()
    population.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    monkeypatch.setattr(container, "MAX_HEADER", 100)
    text = "settings of a model must be at most 100 bytes of JSON"
    complains(lambda: tl.save(population, tmp_path / "model"), ModelFileError, text)
    assert not (tmp_path / "model").exists()


def test_settings_of_the_greatest_length_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = tl.Population.grid()
    population.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    path = tmp_path / "model"
    tl.save(population, path)
    monkeypatch.setattr(container, "MAX_HEADER", int.from_bytes(path.read_bytes()[:8], "little"))
    tl.save(population, path)
    assert len(tl.load(path)) == 1


def test_equal_content_has_equal_bytes_which_are_ascii() -> None:
    one = pack(Content("a kind", {"a": "ü", "b": 2}, NONE))
    assert one == pack(Content("a kind", {"b": 2, "a": "ü"}, NONE))
    assert one[8:].isascii()  # behind its length
    assert unpack(one, "bytes").document == {"a": "ü", "b": 2}


def test_a_file_has_the_first_version_that_knows_what_is_in_it() -> None:
    """An earlier trainlab refuses a later one by its number, and reads what it knows."""
    none = NONE["none"]
    for document, arrays, version in (
        ({"a": ["classes"], "b": 'classes":'}, {"0.params": none, "sources": none}, 3),
        ({"a": [{"classes": 1}]}, NONE, 4),
        ({}, {"beside.0.source": none}, 4),
    ):
        assert unpack(pack(Content("a kind", document, arrays)), "bytes").version == version
    assert unpack(pack(Content("a kind", {}, NONE, version=1)), "bytes").version == 1


def test_what_is_no_number_is_neither_written_nor_read() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack(Content("a kind", {"a": math.nan}, {}))
    for name in ("NaN", "Infinity", "-Infinity"):
        text = f"content of the file must be strict JSON; got '{name}'"
        read = partial(container._parse, f"[{name}]", "the file", "content")
        complains(read, ModelFileError, text)


def test_a_whole_number_is_one_that_can_be_compared_with_a_float() -> None:
    assert container._parse(f"[{10**308}]", "the file", "content") == [10**308]
    for number in (10**309, -(10**309)):
        read = partial(container._parse, f"[{number}]", "the file", "content")
        complains(read, ModelFileError, "content of the file must be strict JSON; got")


def test_no_key_may_be_there_twice() -> None:
    """Readers differ in which of the two counts, and the checksum is that of the last."""
    packed = pack(Content("a kind", {}, NONE))
    header = json.loads(packed[8:])
    header["__metadata__"]["trainlab"] = header["__metadata__"]["trainlab"].replace(
        '{"document":', '{"kind":"another","document":'
    )
    text = json.dumps(header).encode()
    must = "metadata of bytes must be strict JSON; got 'a key that is there twice'"
    twice = len(text).to_bytes(8, "little") + text
    complains(lambda: unpack(twice, "bytes"), ModelFileError, must)


def test_a_file_that_ends_with_its_header_is_read(tmp_path: Path) -> None:
    path, content = tmp_path / "model", Content("a kind", {"a": 1}, NONE)
    path.write_bytes(pack(content))
    assert read(path).document == {"a": 1}


def test_arrays_of_other_types_are_refused() -> None:
    about = json.dumps({"kind": "a kind"})
    packed = safetensors.numpy.save({"a": np.zeros(3, np.float16)}, {"trainlab": about})
    (_, entry), *_ = safetensors.deserialize(packed)
    complains(
        lambda: container._array("a", entry, "the file"),
        ModelFileError,
        "dtype of 'a' of the file must be one of F32, F64, I64, BOOL; got 'F16'",
    )


def test_one_warning_of_scikit_learn_is_silenced_and_no_other() -> None:
    with warnings.catch_warnings(record=True) as seen, scoring.unnamed():
        warnings.simplefilter("always", append=True)
        warnings.warn("X does not have valid feature names, but ...", UserWarning, stacklevel=1)
    assert seen == []
    with pytest.warns(UserWarning, match="another"), scoring.unnamed():
        warnings.warn("another", UserWarning, stacklevel=1)


def test_the_source_alone_saves_models_without_being_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = metadata.version

    def version(name: str) -> str:
        if name == "trainlab":
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(metadata, "version", version)
    network = tl.Network()
    network.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    tl.save(network, tmp_path / "model")
    tl.export_onnx(network, tmp_path / "graph")
    assert b"not installed" in (tmp_path / "model").read_bytes()
    assert b"not installed" in (tmp_path / "graph").read_bytes()
