"""The benchmarks: what is timed is what it says, rivals train, results add up, the page is true.

PyTorch, JAX and optax are not needed; where PyTorch and JAX are, their contestants train too.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from rich.console import Console

import trainlab as tl
from benchmarks import __main__ as program
from benchmarks import (
    data,
    figures,
    harness,
    lineup,
    performance_page,
    printing,
    results,
    workloads,
)
from benchmarks.contestants import base, book_loop, lean_loop
from benchmarks.targets import TARGETS, Target
from benchmarks.workloads import Setting, Workload

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WIDTHS = (7, 5, 4, 3)

# The loops add 1e-7 inside the logarithm: up to 1e-7 of a gradient; the rest is rounding.
TOLERANCE = 1e-9

TINY = Workload(
    name="tiny",
    title="six networks on the digits",
    data="digits",
    train_rows=150,
    validation_rows=60,
    members=tuple(
        Setting((16, 12), lr=lr, weight_decay=1e-4, batch_norm=norm)
        for lr in (0.05, 0.1, 0.2)
        for norm in (False, True)
    ),
    batch_size=25,
    steps=240,
    evaluate_every=60,
    on=("train", "validation"),
)
KINDS = dataclasses.replace(
    TINY,
    members=tuple(
        Setting((16, 12), kind, lr, seed=seed)
        for seed, (kind, lr) in enumerate(
            {"sgd": 0.1, "momentum": 0.05, "adagrad": 0.05, "adam": 0.01}.items()
        )
    ),
    batch_size=40,  # the last batch of an epoch has 30 rows
    evaluate_every=240,
    on=("validation",),
)


@pytest.fixture(scope="module")
def arrays() -> data.Data:
    train = tl.load_digits().train
    rows, held = slice(TINY.train_rows), slice(TINY.train_rows, TINY.train_rows + 60)
    return {"train": (train.x[rows], train.t[rows]), "validation": (train.x[held], train.t[held])}


# --- workloads -------------------------------------------------------------------------


def test_workloads_are_what_the_notes_say() -> None:
    search, compared, grid, seeds, one = (workloads.workload(name) for name in "ABCDF")
    assert [len(w.members) for w in (search, compared, grid, seeds, one)] == [100, 4, 32, 1_000, 1]
    assert [w.steps for w in (search, compared, grid, seeds, one)] == [200, 2_000, 200, 450, 470]
    assert [w.epoch for w in (search, compared, grid, seeds, one)] == [4, 468, 10, 45, 235]
    assert search.widths(search.members[0]) == (784, *(100,) * 6, 10)
    assert all(1e-6 <= m.lr <= 1e-2 and 1e-8 <= m.weight_decay <= 1e-4 for m in search.members)
    assert len(search.evaluations()) == 50
    assert (search.train_rows, search.validation_rows) == (400, 100)
    assert [(m.optimizer, m.lr) for m in compared.members] == [
        ("sgd", 0.01),
        ("momentum", 0.01),
        ("adagrad", 0.01),
        ("adam", 0.001),
    ]
    assert compared.replacement
    assert {m.init for m in grid.members} == set(np.logspace(0, -4, 16).tolist())
    assert {(m.init, m.batch_norm) for m in grid.members} == {
        (m.init, norm) for m in grid.members for norm in (False, True)
    }
    assert [m.seed for m in seeds.members] == list(range(1_000))
    assert one.evaluations() == (470,)
    assert search.one_seed
    assert not seeds.one_seed


def test_a_share_of_the_batch_norm_grid_is_fair() -> None:
    first = workloads.batch_norm_grid().members[:8]
    assert sorted({m.init for m in first}) == np.logspace(0, -4, 16)[[12, 8, 4, 0]].tolist()


def test_the_command_runs_the_trainings_that_there_are() -> None:
    command = workloads.experiments().command
    assert {"two-layer-network", "optimizer-comparison", "weight-init-comparison"} <= {*command}
    assert command[-4:] == ("--data", "mnist", "--seeds", "1")


@pytest.mark.parametrize("name", workloads.NAMES)
def test_quick_workloads_keep_whole_epochs_and_evaluations(name: str) -> None:
    whole, quick = workloads.workload(name), workloads.workload(name, quick=True)
    assert quick.steps <= whole.steps
    if quick.ragged:
        assert quick.steps % quick.epoch == 0
    assert bool(quick.evaluations()) == bool(whole.evaluations())
    if quick.evaluations():
        assert quick.evaluations()[-1] == quick.steps


def test_batches_see_every_row_once_an_epoch() -> None:
    batches = list(KINDS.batches(seed=0))
    assert [len(batch) for batch in batches[:4]] == [40, 40, 40, 30]
    assert len(batches) == 240
    assert sorted(np.concatenate(batches[:4])) == list(range(150))
    drawn = list(dataclasses.replace(KINDS, replacement=True, steps=1_001).batches(seed=0))
    assert {len(batch) for batch in drawn} == {40}
    assert len(drawn) == 1_001


def test_an_unknown_workload_is_named() -> None:
    with pytest.raises(ValueError, match="'Z'"):
        workloads.workload("Z")


# --- contestants -----------------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_books_loop_has_our_gradient(batch_norm: bool) -> None:
    rng = np.random.default_rng(3)
    setting = Setting(WIDTHS[1:-1], weight_decay=0.01, batch_norm=batch_norm)
    theirs = book_loop.MultiLayerNet(WIDTHS, setting, np.random.RandomState(0))
    network = tl.MLP(
        hidden=WIDTHS[1:-1],
        weight_decay=0.01,
        norm="batch" if batch_norm else None,
        convention="book",
    ).build(WIDTHS[0], WIDTHS[-1])
    params, grads, buffers = (
        np.zeros(n) for n in (network.size,) * 2 + (network.buffer_layout.size,)
    )
    views = network.layout.views(params)
    for name, values in theirs.params.items():
        views[name][...] = values
    x, t = rng.normal(size=(11, WIDTHS[0])), rng.integers(0, WIDTHS[-1], 11)
    network.loss_and_gradient(network.bind(params, buffers), x, t, network.bind(grads))
    found = theirs.gradient(x, np.eye(WIDTHS[-1])[t])
    for name, values in network.layout.views(grads).items():
        np.testing.assert_allclose(found[name], values.reshape(found[name].shape), atol=1e-7)
    # The lean loop has the book's gradient, from the same parameters.
    statistics = {f"{kind}{i}": np.zeros(WIDTHS[i]) for i in (1, 2) for kind in ("mean", "var")}
    _, lean = lean_loop.loss_and_gradient(theirs.params, statistics, x, t, 0.01)
    assert set(lean) == set(found)
    for name, values in lean.items():
        np.testing.assert_allclose(values, found[name], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [
        ("sgd", tl.SGD.book(0.1)),
        ("momentum", tl.Momentum.book(0.1)),
        ("adagrad", tl.AdaGrad.book(0.1)),
        ("adam", tl.Adam.book(0.01)),
    ],
)
def test_the_loops_take_our_steps(kind: str, optimizer: Any) -> None:
    rng = np.random.default_rng(0)
    network = tl.MLP(hidden=WIDTHS[1:-1]).build(WIDTHS[0], WIDTHS[-1])
    params, grads = np.empty(network.size), np.empty(network.size)
    ours, gradient = network.bind(params), network.bind(grads)
    state = optimizer.init(params)
    books = book_loop.MultiLayerNet(WIDTHS, Setting(WIDTHS[1:-1]), np.random.RandomState(0))
    lean = {name: values.copy() for name, values in books.params.items()}
    update = lean_loop.OPTIMIZERS[kind](optimizer.lr)
    step_of_book = book_loop.OPTIMIZERS[kind](optimizer.lr)
    views = network.layout.views(params)
    for name, values in lean.items():
        views[name][...] = values
    for step in range(20):
        x, t = rng.normal(size=(11, WIDTHS[0])), rng.integers(0, WIDTHS[-1], 11)
        update(lean, lean_loop.loss_and_gradient(lean, {}, x, t)[1])
        step_of_book.update(books.params, books.gradient(x, np.eye(WIDTHS[-1])[t]))
        network.loss_and_gradient(ours, x, t, gradient)
        optimizer.update(params, grads, state, step)
    for name, values in lean.items():
        np.testing.assert_allclose(values, books.params[name], rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(views[name].reshape(values.shape), values, atol=TOLERANCE)


MODULES = {"torch_eager": "torch", "torch_stacked": "torch", "jax_stacked": "jax"}


PLAIN = dataclasses.replace(
    TINY, batch_size=50, steps=330, replacement=True, evaluate_every=None, on=()
)


@pytest.mark.filterwarnings("default")  # libraries warn as they like
@pytest.mark.parametrize("work", [TINY, KINDS, PLAIN], ids=["rates", "optimizers", "plain"])
@pytest.mark.parametrize(
    "module", ["ours", "book_loop", "lean_loop", "torch_eager", "torch_stacked", "jax_stacked"]
)
def test_everybody_learns_and_scores_every_member(
    module: str, work: Workload, arrays: data.Data
) -> None:
    if module in MODULES:
        pytest.importorskip(MODULES[module])
    prepare = importlib.import_module(f"benchmarks.contestants.{module}").prepare
    contestant = prepare(work, arrays)
    found = contestant.run()
    assert set(found) == {"loss", *(f"{split}_accuracy" for split in work.on)}
    assert all(len(values) == len(work.members) for values in found.values())
    assert max(found["loss"]) < 1.7  # from 2.3, or more
    assert all(min(found[f"{split}_accuracy"]) > 0.5 for split in work.on)
    some = prepare(work, arrays, count=2)
    assert some.part == 2 / len(work.members)
    assert len(some.run()["loss"]) == 2


def test_scikit_learn_searches_the_same_settings(arrays: data.Data) -> None:
    from benchmarks.contestants import sklearn_search

    rates = tuple(Setting((16, 12), lr=lr, weight_decay=1e-4) for lr in (1e-6, 0.2, 0.1))
    work = dataclasses.replace(TINY, members=rates)
    found = sklearn_search.prepare(work, arrays, jobs=(1,)).run()
    assert found["validation_accuracy"][0] < 0.5 < min(found["validation_accuracy"][1:])
    alone = {"train": arrays["train"]}
    fits = dataclasses.replace(work, validation_rows=0, on=(), evaluate_every=None)
    assert len(sklearn_search.prepare(fits, alone, jobs=(1,)).run()["loss"]) == 3
    with pytest.raises(NotImplementedError, match="AdaGrad"):
        sklearn_search.prepare(KINDS, arrays)


def test_the_roofline_does_every_product(
    arrays: data.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.contestants import roofline

    flops = []
    matmul = np.matmul

    def counted(a: Any, b: Any, out: Any) -> Any:
        flops.append(2 * out.size * a.shape[-1])
        return matmul(a, b, out=out)

    monkeypatch.setattr(roofline.np, "matmul", counted)
    work = dataclasses.replace(TINY, steps=60)
    roofline.prepare(work, arrays).run()
    products = [64 * 16, 16 * 12, 12 * 10]
    training = 60 * 25 * 2 * (3 * sum(products) - products[0])
    evaluating = (150 + 60) * 2 * sum(products)
    assert sum(flops) == len(work.members) * (training + evaluating)


def test_trials_choose_the_quickest() -> None:
    def trial(option: float) -> float:
        time.sleep(option)
        return 1.0

    assert base.quickest([0.02, 0.0001, 0.03], trial) == 0.0001
    assert base.quickest(["only"], lambda _: pytest.fail("needs no trial")) == "only"


def test_only_those_as_installed_have_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("TRAINLAB_DATA", "here")
    for entrant in lineup.LINEUP:
        found = lineup.environment(entrant)
        assert "OPENBLAS_CORETYPE" not in found
        assert "OMP_NUM_THREADS" not in found
        assert found["TRAINLAB_DATA"] == "here"
        assert ("OPENBLAS_NUM_THREADS" in found) != entrant.as_found


def test_the_command_line_is_timed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.contestants import command

    work = workloads.Workload("E", "a command", command=("run", "derivative"))
    contestant = command.prepare(work, {})
    assert contestant.part == 1
    assert contestant.run() == {}
    failing = command.prepare(dataclasses.replace(work, command=("run", "nothing")), {})
    with pytest.raises(RuntimeError, match="nothing"):
        failing.run()


def test_tables_fit_a_terminal() -> None:
    tables = list(printing.all_tables(document()))
    assert len(tables) > 2
    for table in tables:
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(table)
        shown = console.export_text()
        assert "…" not in shown.replace("time of … ÷ time", "")


def test_every_target_has_entrants() -> None:
    for target in TARGETS:
        assert target.entrants
        for name in target.entrants:
            assert name in lineup.BY_NAME


# --- the harness -----------------------------------------------------------------------


class Fake:
    """A contestant's process that takes known times, or fails, or is interrupted."""

    seconds = 2.0
    fails: ClassVar[dict[str, str]] = {}
    interrupt_at = 10**9
    started: ClassVar[list[str]] = []
    runs = 0

    def __init__(self, entrant: lineup.Entrant, *_: object) -> None:
        self.name = entrant.name
        Fake.started.append(self.name)

    def ask(self, order: str) -> dict[str, Any]:
        if Fake.fails.get(self.name) == order:
            raise harness.ContestantError(f"no {order} today")
        if order == "run":
            Fake.runs += 1
            if Fake.runs == Fake.interrupt_at:
                raise KeyboardInterrupt
        return {
            "compile": {"seconds": None},
            "run": {"seconds": Fake.seconds, "outcome": {"loss": [0.123456] * 50}},
            "describe": {"part": 1.0, "options": {}, "kernels": ["Zen"]},
        }.get(order, {})

    def close(self) -> None:
        Fake.started.remove(self.name)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(harness, "PAUSE", 0.0)
    monkeypatch.setattr(harness, "LOOK", 0.0)
    Fake.fails, Fake.interrupt_at, Fake.started, Fake.runs = {}, 10**9, [], 0
    path = tmp_path / "results.json"

    def make(repeats: int = 3) -> harness.Session:
        old = results.load(path) if path.exists() else results.new({"cores": 2}, quick=False)
        return harness.Session(old, path, tmp_path, repeats, lambda _: None, start=Fake)

    return make


ENTRANTS = lineup.LINEUP[2:5]


def test_everybody_is_measured_in_turns_and_saved(session: Any) -> None:
    measured = session()
    measured.measure(TINY, ENTRANTS)
    assert Fake.started == []
    document = results.load(measured.path)
    entries = document["workloads"]["tiny"]["entrants"]
    assert {name: entry["seconds"] for name, entry in entries.items()} == {
        entrant.name: [2.0] * 3 for entrant in ENTRANTS
    }
    assert all(len(entry["outcome"]["loss"]) == results.SHOWN_MEMBERS for entry in entries.values())


@pytest.mark.parametrize("order", ["prepare", "run"])
def test_a_failure_is_recorded_and_the_others_go_on(session: Any, order: str) -> None:
    Fake.fails = {ENTRANTS[1].name: order}
    measured = session()
    measured.measure(TINY, ENTRANTS)
    entries = results.load(measured.path)["workloads"]["tiny"]["entrants"]
    assert entries[ENTRANTS[1].name]["error"] == f"no {order} today"
    assert [len(entries[e.name]["seconds"]) for e in ENTRANTS] == [3, 0, 3]
    assert ENTRANTS[1].name in printing.workload(measured.document, "tiny").markdown()


def test_ctrl_c_keeps_what_was_measured_and_resuming_does_the_rest(session: Any) -> None:
    Fake.interrupt_at = 5
    first = session()
    with pytest.raises(KeyboardInterrupt):
        first.measure(TINY, ENTRANTS)
    assert Fake.started == []
    entries = results.load(first.path)["workloads"]["tiny"]["entrants"]
    assert [len(entries[e.name]["seconds"]) for e in ENTRANTS] == [2, 1, 1]
    before, Fake.interrupt_at = Fake.runs, 10**9
    second = session()
    second.measure(TINY, ENTRANTS)
    assert Fake.runs - before == 3 * 3 - 4
    session().measure(TINY, ENTRANTS)
    assert Fake.runs - before == 3 * 3 - 4  # nothing was missing
    entries = results.load(first.path)["workloads"]["tiny"]["entrants"]
    assert [len(entries[e.name]["seconds"]) for e in ENTRANTS] == [3, 3, 3]


def test_times_of_other_work_are_not_resumed(session: Any) -> None:
    session().measure(TINY, ENTRANTS)
    Fake.runs = 0
    session().measure(dataclasses.replace(TINY, steps=61), ENTRANTS)
    assert Fake.runs == 9


def test_a_worker_answers_and_says_why_it_cannot(tmp_path: Path) -> None:
    data.write(tmp_path, "digits")
    work = workloads.workload("size-1", quick=True)
    lean = lineup.BY_NAME["lean loop"]
    process = harness.Process(lean, work, tmp_path, True)
    try:
        for order in ("prepare", "tune", "compile"):
            process.ask(order)
        answer = process.ask("run")
        assert answer["seconds"] > 0
        assert len(answer["outcome"]["loss"]) == 1
        assert process.ask("describe")["part"] == 1
        with pytest.raises(harness.ContestantError, match="AttributeError"):
            process.ask("dance")
    finally:
        process.close()
    lost = harness.Process(lean, work, tmp_path / "nowhere", True)
    try:
        with pytest.raises(harness.ContestantError, match="FileNotFoundError"):
            lost.ask("prepare")
    finally:
        lost.close()


def test_a_worker_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    work = workloads.workload("size-1", quick=True)
    slow = harness.Process(lineup.BY_NAME["lean loop"], work, tmp_path, True, limit=0.01)
    try:
        with pytest.raises(harness.ContestantError, match="took more than"):
            slow.ask("prepare")
    finally:
        slow.close()


# --- results, tables, figures, the page ------------------------------------------------


def document(repeats: int = 5, names: tuple[str, ...] = workloads.NAMES) -> results.Document:
    """Results of everybody everywhere, made up, with one failure and one diverged network."""
    machine = {
        "date": "2001-02-03",
        "processor": "Abacus",
        "cores": 2,
        "memory_gib": 4.0,
        "caches": {"L2": "1024K"},
        "system": "Linux x86_64",
        "python": "3.11.7",
        "versions": {"numpy": "2.0", "torch": None},
    }
    made = results.new(machine, quick=False)
    for name in names:
        work = workloads.workload(name)
        results.section(made, work)["background"].append(0.0)
        for place, entrant in enumerate(lineup.LINEUP, start=1):
            if name in entrant.workloads:
                entry = results.entry(made, work, entrant)
                entry["seconds"] = [float(place + i % 3) for i in range(repeats)]
                entry["outcome"] = {"loss": [0.5, None], "validation_accuracy": [0.25, 0.75]}
    failed = made["workloads"]["A"]["entrants"]["PyTorch, compiled"]
    failed.update(seconds=[], error="no compiler")
    results.check(made)
    return made


def test_times_are_medians_scaled_by_the_part() -> None:
    entry = {"seconds": [3.0, 1.0, 2.0, 10.0], "part": 0.5}
    assert results.times(entry) == results.Times(5.0, 2.0, 20.0, 4, 0.5)
    assert results.times({"seconds": [], "part": 1.0}) is None


def test_ratios_and_targets() -> None:
    made = results.new({}, quick=False)
    work = workloads.workload("A")
    for name, seconds in {
        "trainlab": 2.0,
        "book's loop": 30.0,
        "matrix products alone": 1.4,
    }.items():
        results.entry(made, work, lineup.BY_NAME[name])["seconds"] = [seconds]
    assert results.ratios(made, "A")["book's loop"] == 15
    assert results.ratios(made, "B") == {}
    found = {t.family: t.found(made) for t in TARGETS if t.workload == "A"}
    assert found["book"] == ("book's loop", 15)
    assert found["torch"] is None
    book = Target("A", "book", 12)
    assert [book.verdict(v) for v in (11.99, 12.0)] == ["missed", "reached"]
    assert Target("F", "jax", None).verdict(0.1) == "reported"
    results.entry(made, work, lineup.BY_NAME[lineup.AVX2])["seconds"] = [5.0]
    assert Target("A", "book", 1.5, lineup.AVX2).found(made) == ("book's loop", 6)
    rows = {row[1]: row[2:] for row in printing.targets(made).rows}
    assert rows["book's loop"] == ("≥ 22 ×", "15 ×", "missed")
    assert rows["matrix products alone"] == ("≥ 1.8 ×", "0.70 ×", "missed")


@pytest.mark.parametrize(
    ("value", "shown"), [(0.984, "0.98"), (0.996, "1.0"), (1.96, "2.0"), (9.96, "10"), (120, "120")]
)
def test_ratios_have_two_digits(value: float, shown: str) -> None:
    assert printing.ratio(value) == shown


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"format": 0}, "format"),
        ({"quick": None}, "quick"),
        ({"workloads": {"A": {"title": ""}}}, "workload A"),
    ],
)
def test_damaged_results_are_refused(damage: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document() | damage), encoding="utf-8")
    with pytest.raises(results.ResultsError, match=said):
        results.load(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(results.ResultsError, match="holds no results"):
        results.load(path)


def test_results_survive_saving(tmp_path: Path) -> None:
    made = document()
    results.save(made, tmp_path / "folder" / "results.json")
    assert results.load(tmp_path / "folder" / "results.json") == made
    assert os.listdir(tmp_path / "folder") == ["results.json"]
    assert results.thin({"loss": [0.123456, float("nan"), 1.0]}) == {"loss": [0.1235, None, 1.0]}


def test_the_page_says_everything(tmp_path: Path) -> None:
    made = document()
    written = performance_page.write(made, tmp_path)
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert {path.name for path in written} >= {"performance.md", "performance.json"}
    for name in ("relative", "sizes", "widths"):
        assert f"(performance-{name}.svg)" in page
        assert (tmp_path / f"performance-{name}.svg").stat().st_size > 5_000
    for entrant in lineup.LINEUP:
        assert f"| {entrant.name} |" in page
    assert "PyTorch, compiled failed: no compiler" in page
    assert "Nowhere in these workloads" in page
    assert "**Nobody is faster**" in page
    heads = [page.index(f"## {name}\n") for name in ("In short", "Machine", "Workloads", "Targets")]
    assert heads == sorted(heads)  # the answer first, what was hoped for last
    assert page.index("## Do it again") < heads[-1]
    assert page == performance_page.page(results.load(tmp_path / "performance.json"))
    made["workloads"]["D"]["entrants"]["JAX, vmap and scan"]["seconds"] = [0.5]
    made["workloads"]["D"]["background"] = [0.9] * 99
    changed = performance_page.page(made)
    assert "| JAX, vmap and scan | 2.0 × |" not in changed
    assert "JAX, vmap and scan | 4.0 × |" in changed
    assert "to JAX, vmap and scan, which is 4.0 times as fast at" in changed
    assert "was not quiet" in changed
    assert "A quick look only" in performance_page.page(made | {"quick": True})


@pytest.mark.parametrize(
    ("ratios", "said"),
    [
        ({"A": 1.2, "D": 12.0}, "**JAX** takes 1.2 to 12 times as long as trainlab (2 workloads)."),
        ({"A": 0.9, "D": 2.0}, "(2 workloads); it is faster at A."),
        ({"A": 0.74}, "**JAX** is faster than trainlab: it takes 0.74 of its time (1 workload)."),
    ],
)
def test_the_page_says_in_words_who_is_faster(ratios: dict[str, float], said: str) -> None:
    assert performance_page._in_words("JAX", ratios).endswith(said)


def test_figures_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    made = document(repeats=1)
    first = [path.read_bytes() for path in figures.write(made, tmp_path / "1", "a")]
    assert first == [path.read_bytes() for path in figures.write(made, tmp_path / "2", "b")]
    assert figures.write(results.new({}, quick=True), tmp_path, "none") == []


def test_only_a_full_run_renews_the_page() -> None:
    assert program.complete(document())
    assert not program.complete(document(repeats=4))
    assert not program.complete(document(names=("A", "B")))
    assert not program.complete(document() | {"quick": True})


def test_the_command_line_refuses_nonsense(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--repeats", "0"], ["--workloads", "Z"], ["--entrants", "nobody"]):
        with pytest.raises(SystemExit):
            program.main(words)
    assert "must be an integer >= 1; got 0" in capsys.readouterr().err


def test_the_page_is_what_its_results_make() -> None:
    """Of docs/performance.md, which a full `make bench` leaves."""
    found = [path.exists() for path in (DOCS / "performance.md", DOCS / "performance.json")]
    if not any(found):
        pytest.skip("no full run has been published yet")
    made = results.load(DOCS / "performance.json")
    assert (DOCS / "performance.md").read_text(encoding="utf-8") == performance_page.page(made)
    for name in figures.drawn(made):
        assert (DOCS / f"performance-{name}.svg").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=lambda p: p.name)
def test_files_fit_in_the_head(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_an_earlier_version_is_taken_from_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, folder = tmp_path / "project", tmp_path / "folder"
    (project / "src").mkdir(parents=True)
    folder.mkdir()
    file = project / "src" / "module.py"

    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", *who, *words]
        return subprocess.run(
            command, cwd=project, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    file.write_text("first")
    git("add", ".")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    file.write_text("later")
    monkeypatch.setattr(harness, "ROOT", project)
    entrant = dataclasses.replace(lineup.BY_NAME[lineup.FIRST], commit=commit)
    found = harness.source(entrant, folder)
    assert found is not None
    assert (found / "module.py").read_text() == "first"
    assert lineup.environment(entrant, found)["PYTHONPATH"] == str(found)
    assert harness.source(lineup.BY_NAME[lineup.OURS], folder) is None
    with pytest.raises(harness.ContestantError, match="git archive"):
        harness.source(dataclasses.replace(entrant, commit="0" * 40), folder)


def test_variables_of_one_contestant_alone() -> None:
    forced = lineup.variables(lineup.BY_NAME[lineup.AVX2])
    assert forced["TRAINLAB_NATIVE_ISA"] == "avx2"
    assert "TRAINLAB_NATIVE_ISA" not in lineup.variables(lineup.BY_NAME[lineup.OURS])
