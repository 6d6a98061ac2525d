"""What a live session begins with, checked, as plain JSON, and back.

Order: an arm, the setup, its JSON, and data by name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from trainlab.data.arrays import Dataset, content_of
from trainlab.data.digits import load_digits
from trainlab.data.mnist import find_mnist, load_mnist
from trainlab.data.planar import PLANAR, load_planar
from trainlab.engine import engine_for
from trainlab.errors import DataError, ModelFileError, SettingError, sentence
from trainlab.limits import ENGINES, MAX_SEED
from trainlab.members import Member
from trainlab.models.records import plain_record, revive
from trainlab.network.architecture import MLP
from trainlab.optimizers import Optimizer
from trainlab.own import noted
from trainlab.population.parts import check_parts, kinds_of
from trainlab.population.validation import check_data
from trainlab.settings import Rule, is_integer, one_of, several, whole_number

if TYPE_CHECKING:
    from trainlab.tables.problem import TableProblem

ARMS: Final = 8
"""The most that train at a time: a chart has as many colours."""
SEEDS: Final = 100
NAME: Final = 60
"""The longest name of an arm."""
EVALUATE: Final = 20
"""Steps between two evaluations in the beginning; they become rarer (curves.py)."""
OWNER: Final = "a live session"

_BATCH: Final = whole_number(1, "20", high=2**20)
_ROWS: Final = whole_number(2, "300", high=2**20)
_ENGINE: Final = one_of(ENGINES)
_EVALUATE: Final = whole_number(1, "20", high=2**20)
_TRIED: Final = 1000
"""Steps at which schedules of the user's own are tried, in a training that has no end."""
ARM_NAME: Final = Rule(
    lambda v: isinstance(v, str) and 0 < len(v) <= NAME and v.isprintable() and v == v.strip(),
    f"be a name of at most {NAME} printable characters",
    str,
)


@dataclasses.dataclass(frozen=True, eq=False)
class LiveSetup:
    """What a session begins with.

    Parameters
    ----------
    data : Dataset
        What is trained on; the validation split, else the test split, is evaluated.
    arms : dict of Member
        By name, 1 to 8; the seeds of these members do not count.
    seeds : sequence of int
        1 to 100, the same for each arm, so that arms can be compared in pairs.
    batch_size : int
        Samples per step.
    evaluate : int
        Steps between two evaluations in the beginning.
    engine : str
        What computes the steps.
    source : dict, optional
        How the data is had again, as `load_source` takes it; None for arrays of one's own.

    Raises
    ------
    SettingError, DataError
        For what cannot be trained.
    """

    data: Dataset
    arms: Mapping[str, Member]
    seeds: Sequence[int] = tuple(range(10))
    batch_size: int = 20
    evaluate: int = EVALUATE
    engine: str = "auto"
    source: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.arms, Mapping) or not 1 <= len(self.arms) <= ARMS:
            got = len(self.arms) if isinstance(self.arms, Mapping) else self.arms
            raise SettingError(sentence("arms", OWNER, f"be 1 to {ARMS}", got))
        for name, member in self.arms.items():
            ARM_NAME.check(name, "name", "an arm")
            if not isinstance(member, Member):
                raise SettingError(sentence(f"arm {name!r}", OWNER, "be a Member", member))
            _check_schedule(name, member.optimizer)
        seeds = several(self.seeds, SEEDS)
        if seeds is None or not all(is_integer(one) and 0 <= one <= MAX_SEED for one in seeds):
            raise SettingError(sentence("seeds", OWNER, "be a list of seeds", self.seeds))
        if not 1 <= len(seeds) <= SEEDS or len(set(seeds)) < len(seeds):
            must = f"be 1 to {SEEDS} different ones"
            raise SettingError(sentence("seeds", OWNER, must, self.seeds, "range(10)"))
        object.__setattr__(self, "seeds", tuple(map(int, seeds)))
        object.__setattr__(self, "arms", dict(self.arms))
        _BATCH.check(self.batch_size, "batch_size", OWNER)
        _EVALUATE.check(self.evaluate, "evaluate", OWNER)
        members = list(self.arms.values())
        splits, widths = check_data(self.data, members, self.dtype)
        try:
            check_parts(kinds_of(members), splits["train"], widths, self.dtype, _TRIED)
        except Exception as error:
            noted(error)
            raise
        own = engine_for(_ENGINE.check(self.engine, "engine", OWNER), members, OWNER)
        object.__setattr__(self, "engine", own.name)  # a session is continued by the same one

    @property
    def dtype(self) -> str:
        """That of all arrays."""
        return "float32"

    @property
    def members(self) -> int:
        """How many networks there are."""
        return len(self.arms) * len(self.seeds)

    def described(self) -> dict[str, Any]:
        """The setup as plain JSON; SettingError for classes that are not registered."""
        return {
            "source": None if self.source is None else dict(self.source),
            "data": content_of(self.data),
            "arms": [
                {
                    "name": name,
                    "network": plain_record(member.network),
                    "optimizer": plain_record(member.optimizer),
                }
                for name, member in self.arms.items()
            ],
            "seeds": list(self.seeds),
            "batch_size": self.batch_size,
            "evaluate": self.evaluate,
            "engine": self.engine,
        }


def _check_schedule(name: str, optimizer: Optimizer) -> None:
    """SettingError for a schedule that asks how long training is: a live one has no end."""
    try:
        optimizer.schedule.multiplier(0, None)
    except SettingError as error:
        must = "not depend on the length of the training, which has no end here"
        got = type(optimizer.schedule).__name__
        text = sentence("schedule", f"arm {name!r}", must, got, f"{got}(steps=1000)")
        raise SettingError(text) from error


def revived(value: Any, file: str, data: Dataset | None = None) -> LiveSetup:
    """The setup that `described` gave this value for; ModelFileError names the file otherwise.

    data  for a setup whose data was given, not drawn or loaded by its name alone; its content
          must be the same
    """
    if not isinstance(value, dict) or set(value) != _FIELDS:
        got = sorted(value) if isinstance(value, dict) else value
        must = f"have the fields {', '.join(sorted(_FIELDS))}"
        raise ModelFileError(sentence("setup", file, must, got))
    source = value["source"]
    if isinstance(source, dict) and source.get("name") != "table":
        data = None  # a page that was given data may have begun a session on others
    if data is None:
        if not isinstance(source, dict):
            must, remedy = "be given again, since it has no name", "tl.live(population, data)"
            raise DataError(sentence("data", file, must, source, remedy))
        data = load_source(source, trusted=True)
    if content_of(data) != value["data"]:
        must = f"have the content that the session had, {str(value['data'])[:12]}…"
        remedy = "the data that it had, or another store"
        raise DataError(sentence("data", file, must, f"{content_of(data)[:12]}…", remedy))
    listed = value["arms"]
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and set(one) == set(_ARM) for one in listed
    ):
        raise ModelFileError(sentence("arms", file, "be name, network and optimizer", listed))
    arms = revived_arms((tuple(map(one.get, _ARM)) for one in listed), file)
    if len(arms) < len(listed):
        raise ModelFileError(sentence("arms", file, "have different names", list(arms)))
    return LiveSetup(
        data,
        arms,
        value["seeds"],
        value["batch_size"],
        value["evaluate"],
        value["engine"],
        source,
    )


def revived_arms(listed: Iterable[Sequence[Any]], file: str) -> dict[str, Member]:
    """The arms by name, of the name, the network and the optimizer of each as plain JSON."""
    return {
        ARM_NAME.check(name, "name", "an arm"): Member(
            revive(network, MLP, file),
            revive(optimizer, Optimizer, file),  # type: ignore[type-abstract]
        )
        for name, network, optimizer in listed
    }


_FIELDS: Final = {"source", "data", "arms", "seeds", "batch_size", "evaluate", "engine"}
_ARM: Final = ("name", "network", "optimizer")

NAMELESS: Final = "network"
"""What an arm is called that has nothing of its own."""

HELD: Final = 2_000
"""Rows of MNIST that are evaluated: all 10,000 would take most of the time."""


def load_source(source: Mapping[str, Any], trusted: bool = False) -> Dataset:
    """The data that a source names; SettingError for anything else.

    trusted  whether it may name a file, as what stands in our own files may
    """
    fields = dict(source)
    name = one_of((*PLANAR, "digits", "mnist", "table")).check(
        fields.pop("name", None), "data", OWNER
    )
    known = _KNOWN.get(name, _PLANAR)
    if not set(fields) <= set(known) or (name == "table" and not trusted):
        must = f"have no fields but {', '.join(known)}"
        raise SettingError(sentence("data", OWNER, must, sorted(fields)))
    if name in PLANAR:
        return load_planar(name, **fields)
    if name == "table":
        return load_table(**fields)
    if name == "digits":
        return _fewer(load_digits(test=None, validation=360), fields)
    if not has_mnist():
        must, remedy = "be on this machine", "trainlab data --fetch"
        raise DataError(sentence("mnist", OWNER, must, "no files", remedy))
    return _fewer(load_mnist(download=False).first(test=HELD), fields)


_PLANAR: Final = ("rows", "validation", "noise", "seed")
_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "digits": ("rows",),
    "mnist": ("rows",),
    "table": (
        *("csv", "target", "drop", "delimiter", "skip_lines", "encoding", "decimal", "task"),
        *("drop_missing_target", "use", "text", "words"),
    ),
}


def has_mnist() -> bool:
    """Whether its four files are here."""
    return all(path is not None for path in find_mnist().values())


def _fewer(data: Dataset, fields: Mapping[str, Any]) -> Dataset:
    rows = fields.get("rows")
    if rows is None:
        return data
    return data.first(train=_ROWS.check(rows, "rows", "the data"))


def load_table(
    csv: str, target: str, drop: Sequence[str] = (), task: Any = None, **how: Any
) -> Dataset:
    """A table as `trainlab search` reads it, as `dataset_of` splits it."""
    from trainlab.tables.problem import problem

    return dataset_of(problem(csv, target, tuple(drop), task, **how))


def dataset_of(of: TableProblem, name: str | None = None) -> Dataset:
    """The rows of a table: a fifth of them, drawn at random, is for validation.

    Words become columns.  Columns, and the target of a regression, are standardized by what the
    other rows are like.
    """
    # Imported here: most sessions have no table.
    from sklearn.preprocessing import StandardScaler

    from trainlab.data.arrays import draw_rows, from_arrays

    classifies = of.task == "classification"
    rest, taken = draw_rows(of.y, 0.2, stratify=False, seed=0, purpose="validation")
    steps = [of.encoder()] if of.columns else []
    x, held = of.x[rest], of.x[taken]
    for step in (*steps, StandardScaler()):
        x, held = step.fit_transform(x), step.transform(held)
    y = of.y if classifies else StandardScaler().fit(of.y[rest, None]).transform(of.y[:, None])
    return from_arrays(x, y[rest], validation=(held, y[taken]), task=of.task, name=name or of.name)
