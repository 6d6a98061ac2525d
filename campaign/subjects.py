"""The files that trainlab reads, and what may come of a damaged one.

`judge(path, content)` returns "refused" or "read"; anything else is told by WrongError.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
import struct
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.pipeline import Pipeline

import trainlab as tl
from campaign.damage import damaged, mended_length
from campaign.forging import forged
from campaign.works import digest, of_population, population, rows
from trainlab.data.idx import DTYPES, read_idx
from trainlab.data.table import TableFile, read_table, write_table
from trainlab.errors import DataError, ModelFileError, StoreError
from trainlab.experiments import EXPERIMENTS
from trainlab.experiments.results import FILE as RESULTS
from trainlab.experiments.results import Results
from trainlab.report import reading
from trainlab.store import FILE as RUNS
from trainlab.store import Store, listed


class WrongError(Exception):
    """A promise was broken."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """One kind of file.

    samples  sound files;  read: a digest of what is read
    error    what it may raise, and no subclass
    means    the digest that the content of a damaged file must have where that is not one of
             the sound files', None where it must be refused: for formats without a checksum
    damage   how damaged copies are made: (content, another file, rng) → (kinds, content)
    pack     what is done to the damaged content, as to compress it
    """

    samples: Sequence[bytes]
    read: Callable[[Path], str]
    error: type[Exception]
    means: Callable[[bytes], str | None] | None = None
    pack: Callable[[bytes], bytes] = bytes
    damage: Callable[[bytes, bytes, Any], tuple[str, bytes]] = damaged

    def judge(self, path: Path, content: bytes) -> str:
        """Reads a damaged file; "refused" or "read", or WrongError."""
        path.write_bytes(self.pack(content))
        try:
            found = self.read(path)
        except self.error as error:
            if type(error) is not self.error:
                raise
            return "refused"
        if self.means is not None:
            right = {self.means(content)}
        else:
            right = set(map(self.truth, self.samples))
        if found not in right:
            raise WrongError("something else was read")
        return "read"

    def truth(self, sample: bytes) -> str:
        """The digest of a sound file."""
        known = _TRUTHS.get((id(self.read), sample))
        if known is None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "sound")
                path.write_bytes(sample)  # `pack` may repair what is damaged, and harm what is not
                known = _TRUTHS[id(self.read), sample] = self.read(path)
        return known


_TRUTHS: Final[dict[tuple[int, bytes], str]] = {}


# --- IDX -------------------------------------------------------------------------------


def idx(array: Any, code: int) -> bytes:
    """A sound file."""
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    content: bytes = array.astype(DTYPES[code]).tobytes()
    return header + content


def idx_means(content: bytes) -> str | None:
    """What the format says, read in the plainest way; None for what is no sound file."""
    if len(content) < 8 or content[:2] != b"\0\0" or content[2] not in DTYPES:
        return None
    dtype, axes = np.dtype(DTYPES[content[2]]), content[3]
    if not 1 <= axes <= 8 or len(content) < 4 + 4 * axes:
        return None
    shape = struct.unpack(f">{axes}i", content[4 : 4 + 4 * axes])
    size = dtype.itemsize
    for length in shape:
        size *= length
    if min(shape) < 1 or size != len(content) - 4 - 4 * axes:
        return None
    array = np.frombuffer(content, dtype, offset=4 + 4 * axes).reshape(shape)
    return digest(array.astype(dtype.newbyteorder("=")))


def _read_idx(path: Path) -> str:
    return digest(read_idx(path, max_bytes=1 << 20))


IDX: Final = (
    idx(np.arange(60).reshape(3, 4, 5), 0x08),
    idx(np.linspace(-1, 1, 24).reshape(6, 4), 0x0D),
    idx(np.arange(-9, 9), 0x0B),
)


# --- models ----------------------------------------------------------------------------


def _read_model(path: Path) -> str:
    model = tl.load(path, max_bytes=1 << 24)
    if isinstance(model, (tl.Population, tl.Network)):
        own = model.population if isinstance(model, tl.Network) else model
        return digest(type(model).__name__, of_population(own))
    x: Any = rows()[0]
    if isinstance(model, Pipeline):
        x = _words()
    found = model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)
    return digest(type(model).__name__, found, getattr(model, "classes_", None))


def _load(path: Path) -> str:
    tl.load(path, max_bytes=1 << 24)
    return MODEL


MODEL: Final = "a model"  # whichever: who forges a checksum may say anything


def _words() -> Any:
    x = rows()[0][:, :3].astype(object)
    x[:, 2] = np.where(x[:, 2] > 0, "red", "blue")
    return x


def models() -> Mapping[str, Sequence[bytes]]:
    """Two files of each kind of model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs are enough here
        return _models()


def _models() -> Mapping[str, Sequence[bytes]]:
    x, t = rows()
    data = tl.from_arrays(x, t)
    quick: dict[str, Any] = {"max_iter": 3, "random_state": 0, "workers": 1}

    def trained_population(members: int) -> Any:
        own = tl.Population(list(population())[:members])
        own.fit(data, steps=3, keep="state", workers=1)
        return own

    def network(width: int) -> Any:
        own = tl.Network(tl.MLP((width,)), tl.Adam(0.01))
        own.fit(data, steps=3, workers=1)
        return own

    pipeline = [("encoder", tl.TableEncoder()), ("network", tl.MLPClassifier((4,), **quick))]
    few: dict[str, Any] = {"n_architectures": 2, "n_folds": 2, **quick}
    labels = np.array(["a", "b", "c"])[t]
    made = {
        "population": [trained_population(2), trained_population(4)],
        "network": [network(3), network(4)],
        "estimator": [
            tl.MLPClassifier((4,), **quick).fit(x, labels),
            tl.MLPRegressor((3,), **quick).fit(x, x[:, 0]),
        ],
        "ensemble": [
            tl.PopulationEnsembleClassifier(3, **few).fit(x, labels),
            tl.PopulationEnsembleRegressor(3, **few).fit(x, x[:, 0]),
        ],
        "pipeline": [Pipeline(pipeline).fit(_words(), labels)] * 2,
    }
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        for name, both in made.items():
            contents = []
            for one in both:
                tl.save(one, path)
                contents.append(path.read_bytes())
            found[name] = contents
    return found


# --- results and tables ----------------------------------------------------------------


def results() -> bytes:
    """The file of an experiment."""
    from trainlab.experiments import Options, find
    from trainlab.experiments.runner import measure

    (experiment,) = find(["derivative"])
    found = measure(experiment, None, Options(seeds=2, quick=True))
    return json.dumps(found.to_json(), allow_nan=False, ensure_ascii=False).encode()


def _read_results(path: Path) -> str:
    folder = path.with_name("derivative")
    folder.mkdir(exist_ok=True)
    (folder / RESULTS).write_bytes(path.read_bytes())
    assert "derivative" in EXPERIMENTS
    found = reading.read(folder, "derivative").to_json()
    again = Results.from_json(json.loads(json.dumps(found, allow_nan=False))).to_json()
    if again != found:
        raise WrongError("what was read does not survive being written")
    return digest(found)


def results_mean(content: bytes) -> str | None:
    """What a JSON of results says; keys that nobody asks for count for nothing."""
    try:
        return digest(Results.from_json(json.loads(content.decode("utf-8"))).to_json())
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it must be refused
        return None


TABLE: Final = "a table"  # whatever it holds
TABLES: Final = (
    b"width,length,kind\n" + b"".join(b"%d.5,-%d,1e-%d\n" % (i, i * 7, i) for i in range(12)),
    b'"a b";c\n' + b"".join(b"%d.5;%d\n" % (i, i) for i in range(9)),
    b"id\ttext\n" + b"".join(b"%d\tword %d\n" % (i, i % 3) for i in range(9)),
    'größe,"x, y"\r\n1e-3,"2"\r\n 4 ,5.25\r\n'.encode(),
    gzip.compress(b"a,b\n" + b"1,2\n" * 40, mtime=0),
)


def _read_table(path: Path) -> str:
    """As numbers, which must survive being written; where that is refused, as words."""
    try:
        table = read_table(path)
    except DataError:
        with TableFile(path) as file:
            names = file.names
        read_table(path, numbers=[], text=names)
        return TABLE
    columns = {name: table.numbers[:, i] for i, name in enumerate(table.names)}
    path.write_bytes(write_table(columns))
    again = read_table(path)
    same = again.names == table.names or len(set(table.names)) < len(table.names)
    if not same or not np.array_equal(again.numbers, table.numbers, equal_nan=True):
        raise WrongError("what was read does not survive being written")
    return TABLE


# --- stores ----------------------------------------------------------------------------

SETTINGS: Final = {"epochs": 4, "lr": 0.1}
STORED: Final = {(key, "result", i): key.encode() * (i + 1) * 40 for key in "ab" for i in range(4)}


@functools.cache
def store() -> tuple[bytes, bytes, bytes]:
    """The SQLite file of a store of two runs; and that file with its log while it is open."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, RUNS)
        with Store(folder) as made:
            for key in "ab":
                run = made.run(key, SETTINGS, 4)
                for (of, kind, place), content in STORED.items():
                    if of == key:
                        run.save({(kind, place): content})
            early, log = path.read_bytes(), path.with_name(f"{RUNS}-wal").read_bytes()
        return path.read_bytes(), early, log


def _read_store(path: Path) -> str:
    for name in (RUNS, f"{RUNS}-wal", f"{RUNS}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.rename(path.with_name(RUNS))
    return _read_runs(path.parent)


def _read_log(path: Path) -> str:
    path.with_name(f"{RUNS}-shm").unlink(missing_ok=True)
    path.with_name(RUNS).write_bytes(store()[1])
    path.rename(path.with_name(f"{RUNS}-wal"))
    return _read_runs(path.parent)


def _read_runs(folder: Path) -> str:
    for about in listed(folder):
        if about.key not in ("a", "b") or about.settings != SETTINGS:
            raise WrongError(f"a run that nobody began: {about}")
    with Store(folder) as found:
        for key in "ab":
            for place, content in found.run(key, SETTINGS, 4).load("result").items():
                if STORED.get((key, "result", place)) != content:
                    raise WrongError(f"a part that nobody saved: {key} {place}")
    return "a store"


def subjects() -> Mapping[str, Subject]:
    """All kinds of files, by name."""
    files = models()
    found = {
        "idx": Subject(IDX, _read_idx, DataError, idx_means),
        "idx gz": Subject([gzip.compress(one, mtime=0) for one in IDX], _read_idx, DataError),
        "idx gz sound": Subject(IDX, _read_idx, DataError, idx_means, gzip.compress),
        "csv": Subject(TABLES, _read_table, DataError, lambda _: TABLE),
        "results.json": Subject([results()], _read_results, DataError, results_mean),
        "store": Subject([store()[0]], _read_store, StoreError),
        "store log": Subject([store()[2]], _read_log, StoreError),
    }
    for name, samples in files.items():
        found[name] = Subject(samples, _read_model, ModelFileError)
        found[f"{name}, length mended"] = Subject(
            samples, _read_model, ModelFileError, pack=mended_length
        )
        found[f"{name}, forged"] = Subject(
            samples, _load, ModelFileError, lambda _: MODEL, damage=forged
        )
    return found


NAMES: Final = (
    *("idx", "idx gz", "idx gz sound", "csv", "results.json", "store", "store log"),
    *(
        name + more
        for name in ("population", "network", "estimator", "ensemble", "pipeline")
        for more in ("", ", length mended", ", forged")
    ),
)
