"""Changed experiments: other settings or other arms, and no claim unless a new one is given.

What is expected of an experiment is expected of its own arms; of others nothing is known.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from trainlab.errors import SettingError, nearest, sentence
from trainlab.experiments.base import (
    AnyExperiment,
    Better,
    Expectation,
    Setup,
    TrainingExperiment,
)
from trainlab.experiments.figures import summary
from trainlab.experiments.registry import command_of
from trainlab.experiments.validation import check_expected, check_experiment
from trainlab.limits import MEMBERS
from trainlab.members import describe, field_names, label
from trainlab.optimizers import OPTIMIZERS, Optimizer
from trainlab.settings import TEXT, Rule, Settings, either, one_of, whole_number

OF_SETUP: Final[Mapping[str, Rule]] = {
    "batch_size": whole_number(1, "100"),
    "steps": whole_number(1, "1000"),
    "rows": either(whole_number(1), None),
    "batches": one_of(("permutation", "book")),
}
"""What can be changed beside the fields of a member."""

SAID: Final[Mapping[str, str]] = {
    **dict.fromkeys(("rate", "learning_rate", "eta", "alpha"), "lr"),
    **dict.fromkeys(("iterations", "max_iterations", "updates"), "steps"),
    **dict.fromkeys(("layers", "width", "widths"), "hidden"),
    **dict.fromkeys(("batch_norm", "batchnorm", "use_batchnorm"), "norm"),
    "mini_batch_size": "batch_size",
    "weight_init_std": "init",
}
"""Names that fields have elsewhere, which are too far from ours to be taken for misspelt ones."""

_WORDS: Final[Mapping[str, Any]] = {"none": None, "true": True, "false": False, "linear": ()}
_WIDTHS: Final = re.compile(r"\d+(x\d+)*")
_OWNER: Final = "a changed experiment"


def changed(
    experiment: AnyExperiment,
    settings: Mapping[str, Any] | None = None,
    vary: Mapping[str, Iterable[Any]] | None = None,
    claim: str = "",
    expect: Sequence[Expectation] = (),
) -> TrainingExperiment:
    """Make an experiment with other settings, or with other arms.

    Parameters
    ----------
    experiment : TrainingExperiment
        What is changed.
    settings : dict, optional
        Name → value, for all arms: fields of the network and the optimizer, "optimizer",
        "batch_size", "steps", "rows" and "batches".
    vary : dict, optional
        Name → values: each combination is an arm, in place of the arms that there were.  An
        optimizer that is given by its name is that of the experiment where it has one of its kind.
    claim : str, optional
        What the new experiment says; by default nothing.
    expect : sequence of Better or Within, optional
        What is expected of its arms; without any nothing is judged.

    Returns
    -------
    TrainingExperiment
        The other experiment; its name ends in a code for what was changed.

    Raises
    ------
    SettingError
        For names, values and arms that cannot be, and experiments that do not declare a base.

    Examples
    --------
    >>> from trainlab.experiments import EXPERIMENTS
    >>> found = changed(EXPERIMENTS["dropout"], {"lr": 0.1}, {"dropout": [0.0, 0.5]})
    >>> list(found.vary), found.expect
    (['dropout 0', 'dropout 0.5'], ())
    """
    if not isinstance(experiment, TrainingExperiment):
        name = getattr(experiment, "name", experiment)
        must = "be one that trains a single population"
        raise SettingError(sentence("original", _OWNER, must, name, "optimizer-comparison"))
    own, axes = _by_name(settings, "settings"), _by_name(vary, "vary")
    if axes and experiment.changes:  # other arms would lose the settings that these were given
        must = "be given with the settings, in one change"
        raise SettingError(sentence("vary", _OWNER, must, vary))
    TEXT.check(claim, "claim", _OWNER)
    for name, values in axes.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise SettingError(sentence(name, _OWNER, "have a list of values", values))
        axes[name] = list(values)
    _check_names(experiment, own, axes)
    fields = {k: _value(experiment, k, v) for k, v in own.items() if k not in OF_SETUP}
    arms = _arms(experiment, axes) if axes else experiment.vary
    for arm in arms.values():
        for name in fields:
            if name in arm:
                must = "be of all arms, and this experiment varies it"
                remedy = f"--vary {name}=VALUES"
                raise SettingError(sentence(name, _OWNER, must, own[name], remedy))
    of_setup = {k: OF_SETUP[k].check(v, k, _OWNER) for k, v in own.items() if k in OF_SETUP}
    check_expected(expect, arms, "--better", _OWNER)
    lists = {**{name: [value] for name, value in own.items()}, **axes}
    made = dataclasses.replace(
        experiment,
        name=f"{experiment.name}-{_code(own, axes, claim, expect)}",
        number=None,
        title=experiment.title if experiment.changes else f"{experiment.title}, changed",
        claim=claim,
        base={data: _setup(setup, of_setup) for data, setup in experiment.base.items()},
        vary={name: {**arm, **fields} for name, arm in arms.items()},
        expect=tuple(expect),
        equations=() if axes else experiment.equations,  # they are of the arms that there were
        figure=summary(experiment.measure),
        curves=("train_loss",),
        caption="Loss of each batch before its update, smoothed, and "
        f"{experiment.measure.words} of each run.",
        changes="; ".join(filter(None, (experiment.changes, _told(lists)))),
        command=_command(experiment, lists, axes, claim, expect),
    )
    check_experiment(made)
    return made


class ChangeOptions(NamedTuple):
    """The options of the command line that change experiments: --set, --vary, --claim, --better."""

    settings: Sequence[str]
    vary: Sequence[str]
    claim: str
    better: Sequence[tuple[str, str]]

    def change(
        self, experiments: Sequence[AnyExperiment], seeds: int | None
    ) -> tuple[Sequence[AnyExperiment], int | None]:
        """The experiments and the number of seeds with the changes; SettingError as `changed`."""
        own = _pairs(self.settings, "--set")
        axes = _pairs(self.vary, "--vary")
        for name, values in own.items():
            if len(values) != 1:
                words = [str(_word(value)) for value in values]
                remedy = f"--vary {name}={','.join(words)}"
                if name == "hidden":  # more likely layers than arms
                    remedy = f"--set hidden={'x'.join(words)}"
                must = "be one value"
                raise SettingError(sentence(name, "--set", must, values, remedy))
        settings = {name: values[0] for name, values in own.items()}
        if "seeds" in settings:
            chosen = settings.pop("seeds")
            if seeds is not None:
                must = "be given once"
                raise SettingError(sentence("seeds", "run", must, f"{seeds} and {chosen}"))
            seeds = whole_number(1, "10", high=MEMBERS).check(chosen, "seeds", "run")
        if not (settings or axes or self.claim or self.better):
            return experiments, seeds
        if len(experiments) != 1:
            must, got = "be a single one, to be changed", [one.name for one in experiments]
            raise SettingError(sentence("experiments", "run", must, got, "optimizer-comparison"))
        expect = [Better(*arms) for arms in self.better]
        return [changed(experiments[0], settings, axes, self.claim, expect)], seeds


def _pairs(texts: Sequence[str], option: str) -> dict[str, list[Any]]:
    """Name → values of the words of an option, each name once."""
    found = [parsed(text, option) for text in texts]
    names = [name for name, _ in found]
    for name in names:
        if names.count(name) > 1:
            raise SettingError(sentence(name, option, "be given once", names.count(name)))
    return dict(found)


def parsed(text: str, option: str) -> tuple[str, list[Any]]:
    """The name and the values in words such as "optimizer=sgd,adam".

    >>> parsed("hidden=50x50,100", "--vary"), parsed("norm=none", "--set")
    (('hidden', ['50x50', 100]), ('norm', [None]))
    """
    name, sign, values = text.partition("=")
    words = [word.strip() for word in values.split(",")]
    if not (sign and name.strip() and all(words)):
        must, remedy = "be a name, =, and values", f"{option} lr=0.1"
        raise SettingError(sentence(option, "run", must, text, remedy))
    return name.strip().replace("-", "_"), [_read(word) for word in words]


def _read(word: str) -> Any:
    """What a word of the command line stands for: a number, None, a bool, else itself."""
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _word(value: Any) -> str | None:
    """The word that `_read` takes for a value; None where there is none."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "x".join(map(str, value)) or "linear"
    return str(value) if isinstance(value, (str, int, float)) else None


def _by_name(given: Any, what: str) -> dict[str, Any]:
    """A dict from names to anything; SettingError for what is none."""
    if given is not None and not isinstance(given, Mapping):
        raise SettingError(sentence(what, _OWNER, "be a dict", given, f"{what}={{}}"))
    return dict(given or {})


def _check_names(
    experiment: TrainingExperiment, own: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]
) -> None:
    """SettingError for names that cannot be changed, or are both set and varied."""
    if not own and not axes:
        must, remedy = "have settings or arms of its own", "--set lr=0.1"
        raise SettingError(sentence("changes", _OWNER, must, "none", remedy))
    optimizers = _optimizers(experiment)
    optimizers += [kind() for name, kind in OPTIMIZERS.items() if name in axes.get("optimizer", ())]
    of_member = {name for one in optimizers for name in field_names(one)}
    of_member |= {name for setup in experiment.base.values() for name in field_names(setup.network)}
    for option, names in (("--set", own), ("--vary", axes)):
        known = sorted({*of_member, "optimizer", *(OF_SETUP if names is own else ())})
        for name in names:
            if name == "seeds":
                must, remedy = "be a number, the same for all arms", "--seeds 30"
                raise SettingError(sentence(name, _OWNER, must, names[name], remedy))
            if name not in known:
                listed = [*known, "seeds"] if names is own else known
                said = SAID.get(name)
                near = said if said in known else nearest(name, known)
                must = f"be one of {', '.join(listed)}"
                meant = near and f"{option} {near}=VALUE"
                raise SettingError(sentence(option, _OWNER, must, name, meant))
    for name, values in axes.items():
        if name in own or not values:
            must = "be set or varied, not both" if name in own else "have values"
            raise SettingError(sentence(name, _OWNER, must, values or "none"))


def _optimizers(experiment: TrainingExperiment) -> list[Optimizer]:
    """Those of the arms, then those of the bases."""
    found = [arm["optimizer"] for arm in experiment.vary.values() if "optimizer" in arm]
    return [*found, *(setup.optimizer for setup in experiment.base.values())]


def _value(experiment: TrainingExperiment, name: str, value: Any) -> Any:
    """A value as a member takes it."""
    if name == "hidden":
        if isinstance(value, str) and _WIDTHS.fullmatch(value):
            return tuple(map(int, value.split("x")))
        if isinstance(value, str):
            raise SettingError(sentence(name, _OWNER, "be widths", value, "hidden=100x50"))
        return (value,) if isinstance(value, int) else value
    if name != "optimizer" or isinstance(value, Optimizer):
        return value
    one_of(tuple(OPTIMIZERS)).check(value, name, _OWNER)
    kind: Any = OPTIMIZERS[value]
    for known in _optimizers(experiment):
        if type(known) is kind:
            return known
    books = {setup.network.convention for setup in experiment.base.values()} == {"book"}
    return kind.book() if books and hasattr(kind, "book") else kind()


def _arms(
    experiment: TrainingExperiment, axes: Mapping[str, Sequence[Any]]
) -> dict[str, dict[str, Any]]:
    """The name of each combination, and its fields."""
    arms: dict[str, dict[str, Any]] = {}
    labels = [_apart(functools.partial(_label, name), values) for name, values in axes.items()]
    combined = zip(itertools.product(*labels), itertools.product(*axes.values()), strict=True)
    for words, values in itertools.islice(combined, MEMBERS + 1):
        fields, arm = dict(zip(axes, values, strict=True)), ", ".join(words)
        if arm in arms:
            raise SettingError(sentence("arms", _OWNER, "be different", arm, "each value once"))
        arms[arm] = {name: _value(experiment, name, value) for name, value in fields.items()}
    return arms


def _apart(show: Callable[[Any, bool], str], values: Sequence[Any]) -> list[str]:
    """Values in words: in full where short words are alike."""
    short = [show(value, False) for value in values]
    return short if len({*short}) == len(short) else [show(value, True) for value in values]


def _label(name: str, value: Any, in_full: bool) -> str:
    """A value of an arm: an optimizer by its name alone."""
    if name == "optimizer":
        named = isinstance(value, str) and value in OPTIMIZERS
        return OPTIMIZERS[value].__name__ if named else label(value, in_full)
    return f"{name.replace('_', ' ')} {_shown(value, in_full)}"


def _shown(value: Any, in_full: bool) -> str:
    plain = value is None or isinstance(value, bool)
    return str(value).lower() if plain else label(value, in_full)


def _setup(setup: Setup, changes: Mapping[str, Any]) -> Setup:
    """A setup with other settings; no quick run is longer than a whole one."""
    made = dataclasses.replace(setup, **changes)
    return dataclasses.replace(made, quick_steps=min(made.quick_steps, made.steps))


def _told(changes: Mapping[str, Sequence[Any]]) -> str:
    """What was changed, in words."""
    return "; ".join(
        f"{name.replace('_', ' ')} {', '.join(_apart(_shown, values))}"
        for name, values in changes.items()
    )


def _code(*changes: Any) -> str:
    """Six letters that stand for changes."""
    text = json.dumps(changes, default=_plain)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:6]


def _plain(value: Any) -> Any:
    return describe(value) if isinstance(value, Settings) else repr(value)


def _command(
    experiment: TrainingExperiment,
    changes: Mapping[str, Sequence[Any]],
    axes: Container[str],
    claim: str,
    expect: Sequence[Expectation],
) -> tuple[str, ...]:
    """The words after `trainlab run` that make the same changes, of which `axes` are varied.

    () where a value or an expectation has no word, or what is changed was itself changed by
    options, which are about one experiment.
    """
    words = list(command_of(experiment))
    if len(words) != 1 or not all(isinstance(one, Better) for one in expect):
        return ()
    for name, values in changes.items():
        said = [_word(value) for value in values]
        if None in said:
            return ()
        words += ["--vary" if name in axes else "--set", f"{name}={','.join(map(str, said))}"]
    words += ["--claim", claim] if claim else []
    for one in expect:
        words += ["--better", *dataclasses.astuple(one)]
    return tuple(words)
