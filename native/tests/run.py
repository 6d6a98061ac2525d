"""Builds and runs the tests of the engine's functions: `python native/tests/run.py`.

1. The same bits: bits.cpp for every instruction set that this machine can run, optimised, with
   the sanitizers for memory and undefined behaviour, and by clang++ where it is installed.  Code
   for 64-bit Arm is run as well where a cross-compiler and qemu are.
2. The errors of the elementary functions against 113-bit arithmetic: accuracy.cpp.
3. Activations, losses, norms and draws against the NumPy reference, through ctypes.

Needs g++ (or CXX).  Exits with 1 where a test fails.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final

import click
import numpy as np

from trainlab.network import activations, losses, norms
from trainlab.network.base import Mode
from trainlab.network.workspace import FRESH
from trainlab.streams import PURPOSES, stream

HERE: Final = pathlib.Path(__file__).parent
# GCC 12 finds variables in its own headers of intrinsics that are not initialised.
FLAGS: Final = (
    "-std=gnu++20 -O3 -ffp-contract=off -fno-math-errno "
    "-Wall -Wextra -Wconversion -Wshadow -Werror -Wno-uninitialized"
)
SANITIZERS: Final = "-O1 -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
SETS: Final = {
    "avx512": "-mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma",
    "avx2": "-mavx2 -mfma",
    "plain": "-DTRAINLAB_PLAIN",
}
CPU_FLAGS: Final = {"avx512": ("avx512dq", "avx512vl", "avx512bw"), "avx2": ("avx2", "fma")}
ARM: Final = ("aarch64-linux-gnu-g++", "qemu-aarch64-static")
Array = np.ndarray[Any, Any]


def run(command: list[Any]) -> subprocess.CompletedProcess[str]:
    """Runs the compiler, or what it made."""
    return subprocess.run(  # noqa: S603 - the arguments are written here
        command, check=False, text=True, stdout=subprocess.PIPE
    )


def build(out: pathlib.Path, sources: list[str], flags: str, compiler: str | None = None) -> None:
    """Compiles sources of this folder."""
    command = [compiler or os.environ.get("CXX", "g++"), *shlex.split(FLAGS + " " + flags)]
    command += ["-I", str(HERE.parent / "src"), *(str(HERE / source) for source in sources)]
    libraries = ["-lquadmath"] if "accuracy.cpp" in sources else []
    run([*command, "-o", str(out), *libraries]).check_returncode()


def runnable() -> list[str]:
    """The instruction sets of this machine."""
    found = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return [name for name in SETS if all(flag in found for flag in CPU_FLAGS.get(name, ()))]


def same_bits(folder: pathlib.Path) -> bool:
    """Whether bits.cpp prints the same lines for every instruction set."""
    variants: list[tuple[str, str, str | None]] = [(name, SETS[name], None) for name in runnable()]
    variants += [(f"{name} checked", f"{SETS[name]} {SANITIZERS}", None) for name in runnable()]
    if shutil.which("clang++"):
        variants += [(f"{name} by clang", SETS[name], "clang++") for name in runnable()]
    printed = {}
    for label, flags, compiler in variants:
        build(folder / label, ["bits.cpp", "tested.cpp"], flags, compiler)
        printed[label] = run([folder / label]).stdout
    if all(shutil.which(each) for each in ARM):
        build(folder / "neon", ["bits.cpp", "tested.cpp"], "-static", ARM[0])
        printed["neon"] = run([ARM[1], folder / "neon"]).stdout
    first = next(iter(printed.values()))
    good = all(each == first for each in printed.values()) and "NOT" not in first
    click.echo(f"bits: {len(first.splitlines())} hashes for {', '.join(printed)}: {verdict(good)}")
    return good


def accurate(folder: pathlib.Path, stride: int, count: int) -> bool:
    """Whether the errors of the elementary functions keep their bounds."""
    build(folder / "accuracy", ["accuracy.cpp"], SETS[runnable()[0]])
    done = run([folder / "accuracy", str(stride), str(count)])
    good = done.returncode == 0
    click.echo(done.stdout, nl=False)
    click.echo(f"accuracy: {verdict(good)}")
    return good


def verdict(good: bool) -> str:
    """In a word."""
    return "good" if good else "FAILED"


class Library:
    """The functions of tested.cpp on NumPy arrays of one dtype."""

    def __init__(self, library: ctypes.CDLL, dtype: str) -> None:
        self.library, self.dtype = library, np.dtype(dtype)
        self.block = 64 // self.dtype.itemsize

    def padded(self, x: Array) -> Array:
        """A copy with rows of whole blocks, aligned."""
        rows, features = x.shape
        row = -(-features // self.block) * self.block
        raw = np.zeros(rows * row + self.block, self.dtype)
        start = -raw.ctypes.data % 64 // self.dtype.itemsize
        out = raw[start : start + rows * row].reshape(rows, row)
        out[:, :features] = x
        return out

    def call(self, name: str, *arguments: Any) -> None:
        """Arrays are given as pointers, floats as double, integers as 64 bits."""
        function = getattr(self.library, f"{name}_{self.dtype.name}")
        function.restype = None
        function(*(_argument(each) for each in arguments))


def _argument(value: Any) -> Any:
    if value is None:
        return ctypes.c_void_p(None)
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return ctypes.c_double(value) if isinstance(value, float) else ctypes.c_int64(value)


class Comparison:
    """Differences from the reference, in multiples of the dtype's eps."""

    def __init__(self) -> None:
        self.good = True

    def see(
        self, name: str, own: Array, reference: Array, bound: float, scale: float = 0.0
    ) -> None:
        """|own − reference| ≤ bound · eps · max(|reference|, scale) everywhere."""
        reference = np.asarray(reference)
        eps = np.finfo(reference.dtype).eps
        size = np.maximum(np.abs(reference), scale or np.abs(reference).max() or 1.0)
        with np.errstate(invalid="ignore"):
            worst = float(np.max(np.abs(own - reference) / size) / eps)
        good = worst <= bound
        self.good &= good
        if not good:
            click.echo(
                f"{name} {reference.dtype}: {worst:.1f} eps from the reference, bound {bound}"
            )


ACTIVATIONS: Final = (
    activations.Identity(),
    activations.ReLU(),
    activations.LeakyReLU(slope=0.3),
    activations.ELU(alpha=0.3),
    activations.Sigmoid(),
    activations.Tanh(),
    activations.Softplus(),
    activations.GELU(),
)
SHAPES: Final = ((1, 1), (2, 3), (7, 10), (33, 100), (100, 117))


def compare_activations(c: Comparison, library: Library, rng: np.random.Generator) -> None:
    """Value and pullback of each."""
    for index, activation in enumerate(ACTIVATIONS):
        for rows, features in SHAPES:
            x = rng.normal(0, 3, (rows, features)).astype(library.dtype)
            dy = rng.normal(0, 1, (rows, features)).astype(library.dtype)
            own_x, own_dy = library.padded(x), library.padded(dy)
            own_y, own_dx = library.padded(x), library.padded(x)
            library.call("activation", index, 0.3, rows, features, own_x, own_dy, own_y, own_dx)
            y = activation.value(x, np.empty_like(x))
            dx = activation.pullback(x, y, dy, np.empty_like(x))
            name = type(activation).__name__
            # SciPy's normal distribution is off by several eps in its tail.
            bound = 40 if isinstance(activation, activations.GELU) else 6
            c.see(name, own_y[:, :features], y, bound, 1e-3)
            c.see(name + " pullback", own_dx[:, :features], dx, 6, 1.0)
            c.good &= not own_y[:, features:].any() and not own_dx[:, features:].any()


LOSSES: Final[tuple[Callable[[float], Any], ...]] = (
    lambda _: losses.MeanSquaredError(),
    lambda delta: losses.Huber(delta=delta),
    lambda _: losses.SigmoidCrossEntropy(),
    lambda s: losses.SoftmaxCrossEntropy(label_smoothing=s),
)


def compare_losses(c: Comparison, library: Library, rng: np.random.Generator) -> None:
    """Loss, gradient, right predictions; with and without weights and smoothing."""
    for index, make in enumerate(LOSSES):
        for rows, outputs in SHAPES:
            for setting in (0.1, 0.8) if index == 1 else (0.0, 0.1):
                for weighed in (False, True):
                    loss = make(setting)
                    y = rng.normal(0, 3, (rows, outputs)).astype(library.dtype)
                    y[0, 0] = y[0, -1] = y[0].max()  # a tie
                    classes = rng.integers(0, outputs, rows)
                    t = rng.random((rows, outputs)).astype(library.dtype)
                    weight = (3 * rng.random(rows)).astype(library.dtype) if weighed else None
                    target = classes if index == 3 else t
                    value, cache = loss.forward(y, target, FRESH, weight)
                    gradient = loss.backward(cache, FRESH)
                    own_dy, results = library.padded(y), np.empty(3)
                    library.call(
                        "loss", index, float(setting), rows, outputs, library.padded(y), classes,
                        library.padded(t), weight, own_dy, results,
                    )  # fmt: skip
                    name = type(loss).__name__
                    c.see(name, results[:1].astype(library.dtype), np.atleast_1d(value), 12)
                    whole = (results[1:2] / rows).astype(library.dtype)
                    c.see(name + " summed", whole, np.atleast_1d(value), 12)
                    c.see(name + " gradient", own_dy[:, :outputs], gradient, 8)
                    c.good &= not own_dy[:, outputs:].any()
                    right = loss.correct(y, target)
                    if right is not None:
                        counted = right if weight is None else weight[right].astype(np.float64)
                        c.see(name + " right", results[2:], np.array([float(counted.sum())]), 8)


def compare_norms(c: Comparison, library: Library, rng: np.random.Generator) -> None:
    """Training with its gradients, evaluation, running statistics."""
    for rows, features in SHAPES[1:]:
        for layer, kind, unbiased in (
            (norms.BatchNorm(), 1, 1),
            (norms.BatchNorm.book(), 1, 0),
            (norms.LayerNorm(), 2, 0),
        ):
            drawn = rng.normal(0.5, 1, (2 * rows + 4, features)).astype(library.dtype)
            x, dy = drawn[:rows], drawn[rows : 2 * rows]
            gamma, beta, buffers = drawn[-4:-3], drawn[-3:-2], np.abs(drawn[-2:])
            statistics = {"running_mean": buffers[:1], "running_var": buffers[1:]}
            p = {"gamma": gamma, "beta": beta, **statistics}
            y, cache, updated = layer.forward(p, x, Mode(True), FRESH)
            y, updated = y.copy(), {name: each.copy() for name, each in updated.items()}
            grads = {"gamma": np.empty_like(gamma), "beta": np.empty_like(beta)}
            dx = layer.backward(p, cache, dy, grads, FRESH)
            evaluated = layer.forward(p, x, Mode(False), FRESH)[0]
            own = {name: library.padded(np.zeros((rows, features))) for name in ("e", "y", "dx")}
            own_grads = [library.padded(np.zeros((1, features))) for _ in range(2)]
            own_buffers = library.padded(buffers)
            settings = np.array([layer.eps, getattr(layer, "ema_decay", 0.0)])
            library.call(
                "norm", kind, unbiased, settings, rows, features, library.padded(gamma),
                library.padded(beta), own_buffers, library.padded(x), library.padded(dy), own["e"],
                own["y"], own["dx"], *own_grads,
            )  # fmt: skip
            name = type(layer).__name__
            bound = 40.0 if rows > 2 else 4000.0  # a difference of two numbers may nearly cancel
            c.see(name, own["y"][:, :features], y, bound)
            c.see(name + " dx", own["dx"][:, :features], dx, 10 * bound, np.abs(dy).max())
            for mine, reference in zip(own_grads, grads.values(), strict=True):
                c.see(name + " gradients", mine[:, :features], reference, 10 * bound)
            if kind == 1:
                c.see(name + " evaluation", own["e"][:, :features], evaluated, bound)
                c.see(name + " mean", own_buffers[:1, :features], updated["running_mean"], bound)
                c.see(name + " variance", own_buffers[1:, :features], updated["running_var"], bound)


def compare_draws(library: ctypes.CDLL) -> bool:
    """Whether the draws are NumPy's."""
    good = True
    for seed in (0, 1, 2**63 + 5, 2**64 - 1):
        for n in (1, 7, 8, 9, 1003):
            key = ctypes.c_uint64((PURPOSES["dropout"] << 56) | (12345 << 28) | 3)
            floats, words = np.empty(n, np.float32), np.empty(n, np.uint64)
            library.uniforms(ctypes.c_uint64(seed), key, ctypes.c_int64(n), _argument(floats))
            library.words(ctypes.c_uint64(seed), key, ctypes.c_int64(n), _argument(words))
            rng = stream(seed, "dropout", 12345, 3)
            good &= np.array_equal(floats, rng.random(n, dtype=np.float32))
            bits = stream(seed, "dropout", 12345, 3).bit_generator
            good &= np.array_equal(words, bits.random_raw(n))
    return bool(good)


def agrees_with_numpy(folder: pathlib.Path) -> bool:
    """Whether activations, losses, norms and draws are the reference's."""
    path = folder / "tested.so"
    build(path, ["tested.cpp"], SETS[runnable()[0]] + " -shared -fPIC")
    library = ctypes.CDLL(str(path))
    c = Comparison()
    for dtype in ("float32", "float64"):
        for compare in (compare_activations, compare_losses, compare_norms):
            compare(c, Library(library, dtype), np.random.default_rng(5))
    c.good &= compare_draws(library)
    click.echo(f"against NumPy: {verdict(c.good)}")
    return c.good


def main() -> int:
    """All of it."""
    parser = argparse.ArgumentParser(description="Tests of the engine's functions.")
    parser.add_argument("--stride", type=int, default=10007, help="of the floats that are tried")
    parser.add_argument("--count", type=int, default=20000, help="doubles that are tried")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        done = [
            same_bits(folder),
            accurate(folder, chosen.stride, chosen.count),
            agrees_with_numpy(folder),
        ]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
