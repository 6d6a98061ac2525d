"""docs/performance.md: made from a document of results alone, so that no number is typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks import figures, lineup, printing, results
from benchmarks.lineup import OURS
from benchmarks.results import Document
from benchmarks.workloads import MAIN, SIZE_SWEEP, WIDTH_SWEEP

PAGE: Final = "performance.md"
RESULTS: Final = "performance.json"
PREFIX: Final = "performance"

INTRODUCTION: Final = """\
# Performance

How fast is trainlab, and where does it lose? It is timed beside PyTorch, JAX, scikit-learn and the loops that
a reader of the book *Deep Learning from Scratch* writes: the same networks, steps, batch sizes and evaluations,
on one machine, in turns.
"""

MADE: Final = """\
This page is made from `docs/performance.json` by `make bench`; no number on it is typed by hand.
"""

RIVALS: Final[Mapping[str, str]] = {
    # Family → its name in the answer; of several ways of one, the fastest counts.
    "book": "the book's loop",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "jax": "JAX",
}

EARLIER: Final = """\
> **Of an earlier version.** "trainlab" is its NumPy engine here, in the version of the day that *Machine* names. The
> [native engine](engines.md), which *What it means* is about, is in none of these tables.
"""

QUICK: Final = """\
> **A quick look only.** These numbers come from `make bench BENCH=--quick`: a tenth of the steps, so
> that the start of a run weighs too much. They show that everything runs, and prove nothing.
"""

BUSY: Final = """\
> **The machine was not quiet.** Between the runs other programs kept {:.1f} cores busy. Whoever uses
> two threads suffers most from that; measure again before drawing conclusions.
"""

# ruff: noqa: E501 - rows of a Markdown table cannot be broken
METHOD: Final = """\
## Method

- Each contestant lives in a process of its own, for as long as its workload lasts, so that thread
  pools and libraries do not meet. In each repeat all of them run one after the other: a change of
  the machine's speed meets everybody. Tables give the median, the least and the most.
- Before that each has prepared its data, chosen its options by short trials, compiled, and run
  once to warm up. None of this is in the times. The column *first call* is the first call of what
  is compiled, compiling and running together. *chose* is what the trials chose.
- A run begins with nothing but the data in memory: it draws the initial weights, trains, evaluates
  where the workload says so, and ends with the final losses and accuracies of all networks.
- `*`: networks that are trained one after the other are timed on the first of them, and the time is
  scaled to all. The order of the networks is such that the first are a fair sample.
- Everybody makes random draws of its own; those of the lean loop, PyTorch and JAX are the same.
  The fourth column of numbers is what the networks that everybody has trained came to, equal within the
  chances of the draws: their final losses or accuracies, of a search the best one.
- float32, but for the two loops, which are in float64 as the book is. Variables of the environment
  for threads and kernels are removed; everybody but `book's loop` and `scikit-learn, as installed`
  then gets `OPENBLAS_NUM_THREADS=1`. The kernels are those that OpenBLAS chooses for the processor.

| contestant | what it is |
|---|---|
| trainlab | `Population.fit`, all options left to it: the [native engine](engines.md) |
| trainlab, AVX2 | the same, without AVX-512 |
| trainlab, NumPy | the same with `engine="numpy"` |
| trainlab, first edition | commit 218ed3b, which had NumPy alone, with processes |
| book's loop | layers, one-hot targets, gradient of every input, `choice` for batches, a second forward pass for the loss after each update; run as a reader's script is |
| lean loop | the same in float64 without the waste, one thread |
| scikit-learn | `RandomizedSearchCV` over `MLPClassifier` (A), a fit per network elsewhere, float32, one or two jobs; validated once at the end, since it offers no more |
| scikit-learn, as installed | the same with two jobs and no variable set |
| PyTorch, one by one | `nn.Sequential`, fused optimizers; one or two threads, or two processes |
| PyTorch, stacked | weights with a population axis, `baddbmm`, summed losses, fused optimizers |
| PyTorch, compiled | the same under `torch.compile` |
| JAX, vmap and scan | the whole run of a stack as one compiled call |
| matrix products alone | the dense float32 products of the workload by OpenBLAS on two threads, and nothing else: what nobody who uses these products can undercut |

- Stopping early: networks that diverge are stopped by trainlab and left running by the others. In C
  this saves it the rest of those networks, which start with weights of standard deviation 1 or near.
- The networks of A, B and C share one seed, and so their batches; those of D and of the sweeps have
  a seed each. PyTorch's weight decay in *one by one* includes the biases.
"""

MEANING: Final = """\
## What it means

A step of a network is matrix products and everything else: biases, activations, losses, and the
optimizer's passes over its parameters. With NumPy everything else takes a quarter to three quarters of the
time, since each operation passes over memory, and Python calls each. The native engine saves it so:

- **One call.** Hundreds of steps of all members are one call from Python, without the interpreter's lock.
- **One pass.** Bias and activation are applied to a block of a product while it is in registers or the nearest cache; so
  are the activation's derivative, the penalty and the optimizer. Gradients of weights are never written to memory.
- **What is zero is left out.** Four fifths of MNIST's pixels are zero. A batch is decoded once for all
  members that share it, and the first layer multiplies only what is there. This is how a step can take less
  time than its dense products.
- **A population is a leading axis.** Members share batches, and the cores share the members. A network that is trained
  alone shares its rows and columns among the cores. Each number is one chain of fused multiply-adds all the same, so
  that neither changes a bit.

The price of bits that are the same everywhere is a transposed copy of each weight matrix in the backward step, and
sums in a fixed order.
"""

AGAIN: Final = """\
## Do it again

```sh
make bench                                           # everything; renews this page
make bench BENCH="--workloads A B --repeats 5"       # some of it; results/ only
make bench BENCH=--quick                             # a tenth of the steps
make bench BENCH=--resume                            # continue after Ctrl-C
```

It makes an environment of its own with the pinned versions of the rivals, and needs MNIST (see
[The command line](command-line.md)). Results and figures go to `results/`. The code is in `benchmarks/`: `workloads.py` says what
is done, `contestants/` who does it.
"""


TIMED: Final = (*MAIN, *SIZE_SWEEP, *WIDTH_SWEEP)

COMPILING: Final = ("JAX", "PyTorch, compiled")
COMPILES: Final = """\
Compiling is not in these times; it comes again with each new shape (column *first call* above).
"""


def page(document: Document) -> str:
    """The page, in Markdown."""
    return "\n".join(part.strip("\n") + "\n" for part in _parts(document))


def _parts(document: Document) -> Iterator[str]:
    yield INTRODUCTION
    if not any(entry["options"].get("engine") for entry in _entries(document)):
        yield EARLIER
    if document["quick"]:
        yield QUICK
    busy = results.background(document)
    if busy is not None and busy > results.QUIET:
        yield BUSY.format(busy)
    yield from _answer(document)
    yield _machine(document)
    yield MADE
    drawn = figures.drawn(document)
    if "relative" in drawn:
        yield _figure("relative", "Time relative to trainlab's, for each workload and contestant")
    yield "## Workloads"
    measured = [name for name in MAIN if _is_measured(document, name)]
    missing = [name for name in MAIN if name not in measured]
    if missing:
        yield f"Not measured in this run: {', '.join(missing)}."
    for name in measured:
        yield _workload(document, name)
    yield from _sweeps(document, list(drawn))
    yield _losses(document)
    yield MEANING
    yield METHOD
    yield AGAIN
    goals = printing.targets(document)
    if goals.rows:
        yield f"## Targets\n\n{goals.markdown()}\n\n{_summary(document)}"


# --- the answer ------------------------------------------------------------------------


def _answer(document: Document) -> Iterator[str]:
    """How much faster than whom, and where it loses, in sentences and one small table."""
    found = _fastest(document)
    if not found:
        return
    yield "## In short"
    lines = []
    for family, rival in RIVALS.items():
        own = {name: ratios[family] for name, ratios in found.items() if family in ratios}
        if own:
            lines.append(f"- {_in_words(rival, own)}")
    lines.append(f"- {_lost(document)}")
    yield "\n".join(lines)
    columns = ("time ÷ trainlab's", *RIVALS.values())
    rows = [
        (
            f"{name}: {document['workloads'][name]['title']}",
            *(
                f"{printing.ratio(ratios[family])} ×" if family in ratios else printing.MISSING
                for family in RIVALS
            ),
        )
        for name, ratios in found.items()
    ]
    yield printing.Table("", columns, tuple(rows)).markdown()
    yield "Above 1 trainlab is faster. Of PyTorch's and scikit-learn's ways the fastest counts."


def _fastest(document: Document) -> dict[str, dict[str, float]]:
    """Workload → family → the time of the fastest of it, relative to trainlab's."""
    found = {}
    for name in MAIN:
        ratios: dict[str, float] = {}
        for entrant, ratio in results.ratios(document, name).items():
            family = lineup.BY_NAME[entrant].family
            if family in RIVALS:
                ratios[family] = min(ratio, ratios.get(family, ratio))
        if ratios:
            found[name] = ratios
    return found


def _in_words(rival: str, found: Mapping[str, float]) -> str:
    """A sentence on a rival, whose times relative to trainlab's are given by workload."""
    low, high = (printing.ratio(end(found.values())) for end in (min, max))
    span = low if low == high else f"{low} to {high}"
    counted = f"{len(found)} workload{'s' if len(found) > 1 else ''}"
    who, ahead = f"**{rival.replace('the', 'The')}**", [n for n, r in found.items() if r < 1]
    if len(ahead) == len(found):
        return f"{who} is faster than trainlab: it takes {span} of its time ({counted})."
    text = f"{who} takes {span} times as long as trainlab ({counted})"
    return f"{text}; it is faster at {', '.join(ahead)}." if ahead else f"{text}."


def _lost(document: Document) -> str:
    """A sentence on where trainlab loses."""
    lost = list(_quicker(document))
    if not lost:
        return "**Nobody is faster** than trainlab in these workloads and sweeps."
    timed = sum(bool(results.ratios(document, name)) for name in TIMED)
    names = {name for name, _, _ in lost}
    name, entrant, ratio = min(lost, key=lambda row: row[2])
    title = document["workloads"][name]["title"]
    return (
        f"**It loses** to somebody in {len(names)} of {timed} workloads and points of the sweeps "
        f"([all of them](#where-trainlab-loses)); by most to {entrant}, which is "
        f"{printing.ratio(1 / ratio)} times as fast at {title}."
    )


# --- parts -----------------------------------------------------------------------------


def _machine(document: Document) -> str:
    machine = document["machine"]
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    versions = ", ".join(f"{n} {v}" for n, v in machine["versions"].items() if v)
    kernels = sorted({kernel for entry in _entries(document) for kernel in entry["kernels"]})
    repeats = sorted({len(entry["seconds"]) for entry in _entries(document) if entry["seconds"]})
    counted = (
        " to ".join(str(n) for n in dict.fromkeys((repeats[0], repeats[-1]))) if repeats else 0
    )
    return f"""\
## Machine

- {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB; {caches}
- {machine["system"]}, Python {machine["python"]}; {versions}
- OpenBLAS kernels: {", ".join(kernels) or "unknown"}{_peak(machine)}
- measured on {machine["date"]}, {counted} repeats
"""


def _peak(machine: Mapping[str, Any]) -> str:
    """What all cores could do at most, where it was measured."""
    peak = machine.get("peak_gflops")
    return f"\n- fused multiply-adds of float32 on all cores: {peak:.0f} GFLOP/s" if peak else ""


def _entries(document: Document) -> Iterator[results.Document]:
    for work in document["workloads"].values():
        yield from work["entrants"].values()


def _is_measured(document: Document, name: str) -> bool:
    section = document["workloads"].get(name, {"entrants": {}})
    return any(entry["seconds"] or entry["error"] for entry in section["entrants"].values())


def _figure(name: str, words: str) -> str:
    return f"![{words}]({PREFIX}-{name}.svg)\n"


def _summary(document: Document) -> str:
    """What the targets come to."""
    verdicts = [row[-1] for row in printing.targets(document).rows]
    reached, missed = verdicts.count("reached"), verdicts.count("missed")
    return f"{reached} of {reached + missed} targets are reached. Of PyTorch's ways the quickest counts, as of scikit-learn's."


def _workload(document: Document, name: str) -> str:
    section = document["workloads"][name]
    lines = [f"### {name}: {section['title']}", ""]
    if section["command"]:
        lines += [f"`{section['command']}`, from the first import to the last file.", ""]
    lines.append(printing.workload(document, name).markdown())
    failed = {n: e["error"] for n, e in section["entrants"].items() if e["error"]}
    if failed:
        lines += ["", *(f"- {entrant} failed: {message}" for entrant, message in failed.items())]
    ended = section["entrants"].get(OURS, {}).get("options", {}).get("diverged and stopped")
    if ended:
        lines += ["", f"{ended} of the {section['members']} networks diverge; trainlab stops them."]
    return "\n".join(lines)


def _sweeps(document: Document, drawn: list[str]) -> Iterator[str]:
    if "sizes" in drawn:
        words = "Time of a step of one network by the number of networks"
        table = printing.sizes(document)
        yield f"## How many networks\n\n{_figure('sizes', words)}"
        yield f"{table.title}:\n\n{table.markdown()}"
    if "widths" in drawn:
        words = "Time of a step of one network by width"
        table = printing.widths(document)
        yield f"## How wide\n\n{_figure('widths', words)}"
        yield f"{table.title}:\n\n{table.markdown()}"


def _quicker(document: Document) -> Iterator[tuple[str, str, float]]:
    """(workload, who is quicker than trainlab there, its relative time), the roofline aside."""
    for name in TIMED:
        ratios = sorted(results.ratios(document, name).items(), key=lambda item: item[1])
        for entrant, ratio in ratios:
            if ratio < 1 and lineup.BY_NAME[entrant].family not in (*lineup.OWN, "limit"):
                yield name, entrant, ratio


def _losses(document: Document) -> str:
    """Every place where somebody is quicker than trainlab."""
    rows = [
        (name, document["workloads"][name]["title"], entrant, f"{1 / ratio:.1f} ×")
        for name, entrant, ratio in _quicker(document)
    ]
    head = "## Where trainlab loses\n\n"
    if not rows:
        return head + "Nowhere in these workloads and sweeps."
    table = printing.Table("", ("", "workload", "who is quicker", "by"), tuple(rows), (0, 1, 2))
    note = f"\n\n{COMPILES}" if any(row[2].startswith(COMPILING) for row in rows) else ""
    return head + table.markdown() + note


def write(document: Document, folder: Path) -> list[Path]:
    """Writes the page, its figures and the results it shows; returns the files."""
    results.save(document, folder / RESULTS)
    (folder / PAGE).write_text(page(document), encoding="utf-8")
    return [folder / PAGE, folder / RESULTS, *figures.write(document, folder, PREFIX)]
