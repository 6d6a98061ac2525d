"""The book's numbers, to the last digit: ours and a plain implementation print the same lines.

A script is run twice, on ours and on tests/book/plain, which writes the book's formulas out one
by one.  Both add and multiply in the same order, so nothing is left for a tolerance: with
the same seed every printed digit is the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
PLAIN = HERE / "plain"
SOURCE = HERE.parents[1] / "src"

START = """
import numpy as np
np.random.seed(3)
from common.layers import *
from common.optimizer import *
from common.gradient import numerical_gradient
from common.multi_layer_net import MultiLayerNet
from common.multi_layer_net_extend import MultiLayerNetExtend
from common.trainer import Trainer
from common.util import smooth_curve, shuffle_dataset
from two_layer_net import TwoLayerNet
x = np.random.rand(90, 12).astype(np.float32)
t = (x[:, :3] @ [1, 2, 4] > 3.5).astype(np.uint8) + (x[:, 3] > 0.5)
x, t = shuffle_dataset(x, t)
"""
TRAIN = """
net = MultiLayerNet(12, [7, 6], 3, activation={activation!r}, weight_init_std={std!r},
                    weight_decay_lambda={decay})
optimizer = {optimizer}
for i in range(40):
    rows = np.random.choice(len(x), 20)
    optimizer.update(net.params, net.gradient(x[rows], {labels}[rows]))
    print(repr(float(net.loss(x[rows], {labels}[rows]))), float(net.accuracy(x, {labels})))
print([net.params[key].tolist() for key in sorted(net.params)])
"""
EXTENDED = """
net = MultiLayerNetExtend(12, [7, 6], 3, weight_decay_lambda=0.01, use_dropout={dropout},
                          dropout_ration=0.3, use_batchnorm=True)
trainer = Trainer(net, x[:60], t[:60], x[60:], t[60:], epochs=4, mini_batch_size=15,
                  optimizer="Adam", optimizer_param={{"lr": 0.01}},
                  evaluate_sample_num_per_epoch=25)
trainer.train()
print(smooth_curve(trainer.train_loss_list).tolist())
print(net.layers["BatchNorm1"].running_mean.tolist(), net.layers["Affine1"].dW.tolist())
"""
TWO_LAYERS = """
net = TwoLayerNet(12, 9, 3)
for i in range(30):
    grads = net.gradient(x, np.eye(3)[t] if i % 2 else t)
    for key in ("W1", "b1", "W2", "b2"):
        net.params[key] -= 0.1 * grads[key]
    print(repr(float(net.loss(x, t))), net.params["W1"].sum())
"""
DIFFERENCES = """
net = MultiLayerNetExtend(12, [4], 3, use_batchnorm=True)
for key, value in net.numerical_gradient(x[:5], t[:5]).items():
    print(key, value.tolist())
params = {"x": -7.0, "y": 2.0}
for optimizer in (SGD(0.95), Momentum(0.1), Nesterov(0.1), AdaGrad(1.5), RMSprop(0.1), Adam(0.3)):
    params["x"], params["y"] = -7.0, 2.0
    for i in range(30):
        optimizer.update(params, {"x": params["x"] / 10.0, "y": 2.0 * params["y"]})
        print(float(params["x"]), float(params["y"]))
"""
WIDE = """
x = np.random.rand(150, 150) * (np.random.rand(150, 150) < 0.3)
t = np.random.randint(0, 10, 150)
net = MultiLayerNetExtend(150, [100, 90], 10, use_batchnorm=True, use_dropout=True)
Trainer(net, x[:100], t[:100], x[100:], t[100:], epochs=5, mini_batch_size=20,
        optimizer="momentum", optimizer_param={"lr": 0.01}).train()
print(net.params["W1"].tolist())
"""
LABELS = {"indices": "t", "one-hot": "np.eye(3)[t]"}
OPTIMIZERS = (
    "SGD(0.1)",
    "Momentum(0.1)",
    "Nesterov(0.1)",
    "AdaGrad(0.1)",
    "RMSprop()",
    "Adam(0.01)",
)


def cases() -> dict[str, str]:
    """Scripts by name."""
    found = {"two layers": TWO_LAYERS, "differences": DIFFERENCES, "wide": WIDE}
    for dropout in (False, True):
        found[f"trainer, dropout {dropout}"] = EXTENDED.format(dropout=dropout)
    settings = [("relu", "relu", 0), ("relu", "xavier", 0.1), ("sigmoid", 0.5, 0.1)]
    for i, optimizer in enumerate(OPTIMIZERS):
        activation, std, decay = settings[i % 3]
        labels = LABELS[("indices", "one-hot")[i % 2]]
        found[optimizer] = TRAIN.format(
            activation=activation, std=std, decay=decay, optimizer=optimizer, labels=labels
        )
    return found


def lines(script: Path, words: list[str], ours: bool, **environment: str) -> list[str]:
    """What the script prints, without the paths of figures."""
    path = [str(SOURCE), *([] if ours else [str(PLAIN)])]
    command = [sys.executable, "-W", "ignore", *(["-m", "trainlab", "book"] if ours else [])]
    done = subprocess.run(
        [*command, str(script), *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), **environment},
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("Figure: ")]


def test_every_printed_digit_is_the_same(tmp_path: Path) -> None:
    """All cases in one process of each kind: a start takes longer than any of them."""
    script = tmp_path / "script.py"
    parts = [f"print('# {name}')\n{START}{text}" for name, text in cases().items()]
    script.write_text("\n".join(parts), encoding="utf-8")
    ours, plain = lines(script, [], ours=True), lines(script, [], ours=False)
    # A variable that names no instruction set keeps the native functions from being found.
    assert lines(script, [], ours=True, TRAINLAB_NATIVE_ISA="none") == ours
    assert len(plain) > 500
    title = ""
    for mine, theirs in zip(ours, plain, strict=True):
        title = theirs if theirs.startswith("#") else title
        assert mine == theirs, title
    assert not any("nan" in line for line in plain)


@pytest.mark.mnist
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("two_layer_network", 101),
        ("optimizer_comparison", 101),
        ("weight_init_comparison", 101),
        ("weight_decay", 4),
    ],
)
def test_the_experiments_print_the_same(
    name: str, steps: int, mnist_dir: Path, tmp_path: Path
) -> None:
    script = tmp_path / f"{name}.py"
    script.write_text((HERE / "timed" / script.name).read_text(encoding="utf-8"))
    ours, plain = (lines(script, [str(steps)], ours) for ours in (True, False))
    assert ours == plain
    assert len(plain) >= (1 if name == "two_layer_network" else 8)


def test_the_optimizers_agree_with_those_of_the_laboratory() -> None:
    """One formula, two ways of writing it: rounding alone differs."""
    from trainlab import optimizers
    from trainlab.book import optimizer as book

    rng = np.random.default_rng(0)
    start, steps = rng.standard_normal(50), 20
    for name in ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"):
        params, mine = {"W": start.copy()}, getattr(book, name)()
        theirs = getattr(optimizers, name).book()
        p = start.copy()
        state = theirs.init(p)
        for step in range(steps):
            g = np.sin(3 * params["W"]) + 0.1
            mine.update(params, {"W": g})
            theirs.update(p, g.copy(), state, step)
        # a step rounds about ten times, each by less than 1.2e-16 of numbers below 4
        assert np.abs(params["W"] - p).max() < steps * 10 * 4 * 1.2e-16, name
