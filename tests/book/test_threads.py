"""One thread of BLAS while the book's modules compute, and as many as before when they are done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from book_command import run, written
from trainlab.blas import describe, threads
from trainlab.book import script as runner
from trainlab.book.layers import Relu
from trainlab.book.multi_layer_net import MultiLayerNet
from trainlab.book.multi_layer_net_extend import MultiLayerNetExtend
from trainlab.book.simple_convnet import SimpleConvNet
from trainlab.book.two_layer_net import TwoLayerNet

pytestmark = pytest.mark.skipif(describe() == "unknown", reason="BLAS cannot be asked")

CHILDREN = """
import multiprocessing
from common.layers import *
from trainlab.blas import threads

def tell(name):
    print(name, threads(), flush=True)

if __name__ == "__main__":
    tell("script")
    for method in ("spawn", "fork"):
        child = multiprocessing.get_context(method).Process(target=tell, args=(method,))
        child.start()
        child.join()
"""


def test_a_script_and_its_children_have_one(tmp_path: Path) -> None:
    done = run(written(tmp_path / "one", CHILDREN), OPENBLAS_NUM_THREADS="2", MKL_NUM_THREADS="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["script", "1", "spawn", "1", "fork", "1"]


@pytest.mark.parametrize("fails", [False, True])
def test_what_it_was_is_restored(tmp_path: Path, fails: bool) -> None:
    text = "from trainlab.blas import threads\nassert threads() == 1\n" + fails * "raise ValueError"
    with threadpool_limits(2, user_api="blas"):
        assert runner.run(written(tmp_path, text)) == int(fails)
        assert threads() == 2


class Watch(Relu):
    """Remembers how many threads there were."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()

    def forward(self, x: Any) -> Any:
        self.seen.add(threads())
        return super().forward(x)


@pytest.mark.parametrize(
    ("net", "key"),
    [
        (MultiLayerNet(5, [4], 3), "Activation_function1"),
        (MultiLayerNetExtend(5, [4], 3), "Activation_function1"),
        (TwoLayerNet(5, 4, 3), "Relu1"),
        (SimpleConvNet((1, 8, 8), {"filter_num": 2, "filter_size": 3}, 4, 3), "Relu1"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_networks_compute_on_one(net: Any, key: str) -> None:
    x, t = np.ones((2, *((1, 8, 8) if isinstance(net, SimpleConvNet) else (5,)))), np.array([0, 2])
    for method in ("loss", "accuracy", "gradient", "numerical_gradient"):
        if not hasattr(net, method):
            continue
        net.layers[key] = watch = Watch()
        with threadpool_limits(2, user_api="blas"):
            getattr(net, method)(x, t)
            assert threads() == 2
        assert watch.seen == {1}, method
