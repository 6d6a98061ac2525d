"""The gradient check of a network: every backward pass against evaluations alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from trainlab.blas import one_thread
from trainlab.differentiation.differences import COMPLEX_STEP, STEP, Scheme, scheme
from trainlab.differentiation.numeric import numeric
from trainlab.differentiation.problem import INPUT, Part, Problem
from trainlab.differentiation.report import (
    ROUNDING,
    GradientComparison,
    GradientReport,
    floors,
    report,
)
from trainlab.differentiation.shapes import check_shapes
from trainlab.network.workspace import Array
from trainlab.settings import FLAG, either, real, whole_number

STEPS: Final = {"central4": 2e-4, "central": 6e-6, "complex": COMPLEX_STEP}
"""h for each method.  central4: truncation h⁴ f⁽⁵⁾/30 ~ 5e-17 f⁽⁵⁾ and rounding
1.5 eps |f|/h ~ 2e-12 |f|, both far below TOLERANCE · FLOOR = 1e-9.  central: the cube root
of eps, where h² f‴/6 and eps |f|/h meet at some 1e-11: enough for smooth, shallow networks."""
TOLERANCE: Final = 1e-6
"""Relative error allowed with differences; a derivative wrong by 0.05 % is 500 times that."""
COMPLEX_TOLERANCE: Final = 1e-11
"""The same with complex steps: what is left is the rounding of the two passes, some
eps times the condition number of the network (up to 10⁴ here)."""
REFINEMENT: Final = 10.0
"""What is crossed or wrong at h is looked at once more at h/10: fewer kinks are that near, and
truncation, which grows where a norm divides by next to nothing, is 10⁴ times smaller.  A
wrong gradient is wrong at both.  Of a layer's outputs, h/100 is tried as well."""


@one_thread()
def gradient_check(
    network: Part,
    x: Any = None,
    t: Any = None,
    *,
    seed: int = 0,
    members: int | None = None,
    params: Any = None,
    out_features: int | None = None,
    include_input: bool = True,
    entries: int | None = 200,
    method: str = "central4",
    h: float | None = None,
    tolerance: float | None = None,
) -> GradientReport:
    """Compare every gradient of a network, in training mode, with its numerical gradient.

    Parameters
    ----------
    network : MLP, Architecture, Layer, Activation or Loss
        The network, or a part (also one of your own), which is checked inside a small network.
    x : array_like, shape (B, in) or (K, B, in), optional
        Inputs; drawn if they are not given.
    t : array_like, optional
        Targets as the loss wants them, shared or with the K axis; drawn if they are not given.
    seed : int, default 0
        Seeds all random draws.
    members : int, optional
        K: a population of K (an Architecture made of K settings needs it), each with parameters
        and dropout draws of its own.  By default one network.
    params : array_like, shape (P,) or (K, P), optional
        The parameters.  By default they are drawn from `seed`: weights N(0, 1/fan_in), and
        biases, γ and β around their usual start.
    out_features : int, optional
        Outputs of an MLP; by default as many as t shows.
    include_input : bool, default True
        Check the gradient with respect to x too.
    entries : int or None, default 200
        Compare at most so many entries of each parameter, chosen at random; None: all.
    method : {"central4", "central", "complex"}
        "central4": central difference of fourth order, points ±h and ±2h; "central": of second
        order; "complex": complex steps (all layers and losses of trainlab take complex numbers).
    h : float, optional
        The step; by default one that suits the method.
    tolerance : float, optional
        The largest relative error allowed; by default one that suits the method.

    Returns
    -------
    GradientReport
        `ok`, and a row for each objective and parameter; `print(report)` shows it as a table.

    Raises
    ------
    SettingError, DataError
        For settings or arrays that do not fit, or a part that returns something invalid.

    Notes
    -----
    Two objectives are differentiated, in float64 and for each member of a population:
    `loss`, the training loss times a random number plus the penalties, through the same
    call that training makes; and `outputs`, a sum of outputs times random numbers, under
    which no backward pass can hide behind a loss that does not see it.

    In an array with more entries than its layer has outputs, all but a few entries are differenced
    by way of those outputs: 90,000 parameters take 1.3 s of a core.  Dropout draws are the same in
    every evaluation.

    An entry whose points lie on two sides of a kink (ReLU, ELU, Huber, |W|), at h and again at
    h/10, is counted as crossed and not compared.  If most entries of a parameter are, the report
    does not pass; try another seed.  Entries that differ by no more than rounding agree, however
    small `tolerance` is.  Layers in evaluation mode are not checked.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> from trainlab import MLP
    >>> x, t = rng.standard_normal((5, 4)), np.array([0, 1, 2, 0, 1])
    >>> gradient_check(MLP(hidden=(3,), activation="tanh", norm="batch"), x, t).ok
    True
    """
    by = scheme(method, STEP if h is None else h, "gradient_check", tuple(STEPS))
    h = STEPS[method] if h is None else h
    complex_steps = method == "complex"
    entries = either(whole_number(1), None).check(entries, "entries", "gradient_check")
    tolerance = either(real(0.0), None).check(tolerance, "tolerance", "gradient_check")
    seed = whole_number(0, "0").check(seed, "seed", "gradient_check")
    FLAG.check(include_input, "include_input", "gradient_check")
    if tolerance is None:
        tolerance = COMPLEX_TOLERANCE if complex_steps else TOLERANCE
    problem = Problem.of(network, x, t, seed, members, params, out_features)
    check_shapes(problem)
    rng = np.random.default_rng([seed, 1])
    steps = (h,) if complex_steps else (h, h / REFINEMENT, h / REFINEMENT**2)
    gradients = problem.analytic()
    comparisons, noise = [], np.zeros_like(problem.passes)
    for name, analytic in gradients.items():
        if name == INPUT and not include_input:
            continue
        size = math.prod(analytic.shape[-2:])
        some = np.arange(size)
        if entries is not None and entries < size:
            some = np.sort(rng.choice(size, entries, replace=False))
        found = numeric(problem, problem.variable(name), some, by, steps)
        flat = analytic.reshape(*analytic.shape[:-2], size)[..., some]
        comparisons.append(
            GradientComparison(name, analytic.shape[1:], some, flat, found.values, found.crossed)
        )
        if not complex_steps:
            noise = np.fmax(noise, ROUNDING * found.size / h)
    floor = floors(comparisons, noise, problem.passes, tolerance)
    if not complex_steps:
        for comparison in comparisons:
            _refine(problem, comparison, comparison.doubtful(floor, tolerance), by, steps[1:])
        floor = floors(comparisons, noise, problem.passes, tolerance)
    return report(comparisons, floor, tolerance, method)


def _refine(
    problem: Problem,
    comparison: GradientComparison,
    doubtful: Array,
    by: Scheme,
    steps: Sequence[float],
) -> None:
    """Replaces the doubtful differences of a comparison by those of smaller steps."""
    if doubtful.size:
        variable = problem.variable(comparison.parameter)
        found = numeric(problem, variable, comparison.entries[doubtful], by, steps)
        comparison.numeric[..., doubtful] = found.values
        comparison.crossed[..., doubtful] = found.crossed
