"""MNIST: where it is looked for, what is refused, and the real files where there are any."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sys
import warnings

import numpy as np
import pytest

from trainlab.data import download, mnist
from trainlab.data.idx import IdxFile
from trainlab.errors import DataError, DownloadError


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


RNG = np.random.default_rng(1)
ARRAYS = (
    RNG.integers(256, size=(30, 4, 3), dtype=np.uint8),
    RNG.integers(10, size=30, dtype=np.uint8),
    RNG.integers(256, size=(20, 4, 3), dtype=np.uint8),
    RNG.integers(10, size=20, dtype=np.uint8),
)
SMALL = tuple(
    IdxFile(file.name, array.shape, hashlib.sha256(idx(array)).hexdigest())
    for file, array in zip(mnist.FILES, ARRAYS, strict=True)
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Small files in the place of MNIST's, an empty cache, no environment, no network."""
    fetched = []

    def fetch(file, folder, mirrors, **_):
        fetched.append(file.name)
        if not mirrors or mirrors == ("down",):
            raise DownloadError("down")
        folder.mkdir(parents=True, exist_ok=True)
        return write(folder, file.name, packed=True)

    monkeypatch.setattr(mnist, "FILES", SMALL)
    monkeypatch.setattr(mnist, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.delenv(mnist.ENVIRONMENT, raising=False)
    return type("Home", (), {"path": tmp_path, "cache": tmp_path / "cache", "fetched": fetched})


def test_no_warning_of_the_bars_of_others_is_shown(tmp_path, monkeypatch):
    """In a notebook without ipywidgets the import of tqdm, by pooch, warns."""
    made = "import warnings\n\nwarnings.warn('IProgress not found')\nos_cache = str\n"
    (tmp_path / "pooch.py").write_text(made, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pooch", raising=False)
    with warnings.catch_warnings(action="error"):
        assert mnist.cache_folder().name == "trainlab"


def write(folder, name, packed=False, rename=None, content=None):
    if content is None:
        content = idx(ARRAYS[[file.name for file in SMALL].index(name)])
    path = folder / ((rename or name) + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def write_all(folder, **options):
    folder.mkdir(parents=True, exist_ok=True)
    for file in SMALL:
        write(folder, file.name, **options)
    return folder


def assert_small(data):
    np.testing.assert_array_equal(data.train.t, ARRAYS[1])
    np.testing.assert_array_equal(data.test.x * 255, ARRAYS[2].reshape(20, 12))
    assert data.validation is None
    assert data.out_features == 10


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("below", [".", "mnist"])
@pytest.mark.parametrize("way", ["argument", "environment", "cache"])
def test_found_in_every_place_without_a_download(home, monkeypatch, packed, below, way):
    folder = home.cache if way == "cache" else home.path / "mine"
    write_all(folder / below, packed=packed)
    if way == "environment":
        monkeypatch.setenv(mnist.ENVIRONMENT, str(folder))
    argument = str(folder) if way == "argument" else None
    assert_small(mnist.load_mnist(argument, download=False))
    assert home.fetched == []


def test_names_with_a_dot_are_found(home):
    folder = home.path / "dots"
    folder.mkdir()
    for file in SMALL:
        write(folder, file.name, rename=file.name.replace("-idx", ".idx"))
    assert_small(mnist.load_mnist(folder, download=False))


def test_the_order_is_argument_environment_cache(home, monkeypatch):
    places = [write_all(home.path / name) for name in ("argument", "environment", "cache")]
    monkeypatch.setenv(mnist.ENVIRONMENT, str(places[1]))
    for place in places:
        found = mnist.find_mnist(places[0])
        assert {path.parent for path in found.values()} == {place}
        for file in SMALL:
            (place / file.name).unlink()
    assert set(mnist.find_mnist(places[0]).values()) == {None}


def test_what_is_nowhere_is_fetched_once_into_the_cache(home):
    assert_small(mnist.load_mnist(progress=False))
    assert home.fetched == [file.name for file in SMALL]
    assert_small(mnist.load_mnist(progress=False))
    assert len(home.fetched) == 4


def test_only_the_missing_file_is_fetched(home):
    folder = write_all(home.path / "mine")
    (folder / SMALL[3].name).unlink()
    assert_small(mnist.load_mnist(folder, progress=False))
    assert home.fetched == [SMALL[3].name]
    assert not (folder / SMALL[3].name).exists()


def test_without_a_download_the_error_says_where_it_looked_and_what_helps(home):
    with pytest.raises(DownloadError, match=r"train-images.*cache.*--data-dir or TRAINLAB_DATA"):
        mnist.load_mnist(download=False)
    assert home.fetched == []


@pytest.mark.parametrize("way", ["argument", "environment"])
def test_a_named_folder_that_is_not_there_is_refused(home, monkeypatch, way):
    missing = str(home.path / "no such")
    if way == "environment":
        monkeypatch.setenv(mnist.ENVIRONMENT, missing)
    with pytest.raises(DataError, match="no such"):
        mnist.load_mnist(missing if way == "argument" else None)
    assert home.fetched == []


def test_a_wrong_file_of_the_users_is_an_error_and_stays(home):
    folder = write_all(home.path / "mine")
    path = write(folder, SMALL[0].name, content=idx(255 - ARRAYS[0]))
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"SHA-256 of .*mine/train-images"):
        mnist.load_mnist(folder)
    assert path.read_bytes() == before
    assert home.fetched == []


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_a_wrong_file_in_the_cache_is_fetched_anew(home, packed):
    write_all(home.cache)
    (home.cache / SMALL[2].name).unlink()
    write(home.cache, SMALL[2].name, packed=packed, content=b"broken")
    with pytest.raises(DataError, match="t10k-images"):
        mnist.load_mnist(download=False)
    assert_small(mnist.load_mnist(progress=False))
    assert home.fetched == [SMALL[2].name]
    assert_small(mnist.load_mnist(download=False))


def test_a_wrong_file_is_kept_until_there_is_a_better_one(home, monkeypatch):
    folder = write_all(home.path / "target")
    path = write(folder, SMALL[1].name, content=b"broken")
    monkeypatch.setattr(mnist, "MIRRORS", ("down",))
    with pytest.raises(DownloadError):
        mnist.fetch_mnist(folder, progress=False)
    assert path.read_bytes() == b"broken"


def test_fetch_names_the_four_files_of_a_folder(home):
    paths = mnist.fetch_mnist(home.path / "target", progress=True)
    assert [path.name for path in paths] == [f"{file.name}.gz" for file in SMALL]
    assert mnist.fetch_mnist(home.path / "target") == paths
    assert len(home.fetched) == 4


@pytest.mark.parametrize("below", [".", "mnist"])
def test_fetch_finds_what_is_there_already(home, monkeypatch, below):
    named = home.path / "named"
    write_all(named / below)
    assert len(mnist.fetch_mnist(named)) == 4
    monkeypatch.setenv(mnist.ENVIRONMENT, str(named))
    assert {path.parent for path in mnist.fetch_mnist()} == {named / below}
    assert home.fetched == []
    (named / below / SMALL[1].name).unlink()
    paths = mnist.fetch_mnist(progress=False)  # what is missing goes to the cache
    assert paths[1].parent == home.cache
    assert home.fetched == [SMALL[1].name]
    write(named / below, SMALL[0].name, content=b"broken")
    with pytest.raises(DataError, match="train-images"):  # a user's folder is not ours to mend
        mnist.fetch_mnist(progress=False)


def test_every_load_verifies(home):
    folder = write_all(home.path / "mine")
    mnist.load_mnist(folder)
    write(folder, SMALL[1].name, content=idx(9 - ARRAYS[1]))
    with pytest.raises(DataError, match="SHA-256"):
        mnist.load_mnist(folder)


IMAGES = np.zeros((3, 2, 2), np.uint8)


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2, 3], [0, 1, 10], [0, 255, 1], [[0, 1, 2]]])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(DataError, match="labels of L must be"):
        mnist.pair(IMAGES, np.array(labels, np.uint8), "L")


@pytest.fixture(scope="module")
def real(mnist_dir):
    return mnist.load_mnist(mnist_dir, download=False)


@pytest.mark.mnist
def test_the_real_files(real):
    assert real.describe()["sizes"] == {"train": 60_000, "test": 10_000}
    assert real.train.x.shape == (60_000, 784)
    assert real.train.x.dtype == np.float32
    assert (real.train.x.min(), real.train.x.max()) == (0.0, 1.0)
    # The published mean of the pixels of the train images, to its four decimals.
    assert real.train.x.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert real.train.t[:5].tolist() == [5, 0, 4, 1, 9]
    assert real.test.t[:3].tolist() == [7, 2, 1]
    assert np.bincount(real.train.t)[[0, 1, 9]].tolist() == [5923, 6742, 5949]


@pytest.mark.mnist
def test_a_real_file_with_one_byte_changed_is_refused(mnist_dir, tmp_path):
    for file in mnist.FILES:
        found = mnist._find(file, (mnist_dir,))
        shutil.copy(found, tmp_path / found.name)
    labels = tmp_path / f"{mnist.FILES[3].name}.gz"
    if not labels.exists():
        pytest.skip("the real files are not compressed")
    content = bytearray(gzip.decompress(labels.read_bytes()))
    content[-1] = (content[-1] + 1) % 10
    labels.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(DataError, match=r"SHA-256 of .*t10k-labels"):
        mnist.FILES[3].read(labels)
