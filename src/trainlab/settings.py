"""Settings: frozen records whose valid ranges are data, and which stack into populations.

Layers, losses, optimizers, schedules and networks are all settings.  Each field says
what it may be (`number`, `integer`, `choice`, ...), so that one function checks
every constructor and writes every error in the same words.

A field declared `per_member=True` may differ between the members of one population
without changing the shape of the work: `stack` turns K records of one structure
into one record that holds such fields as arrays (K, 1, ...), or as one number where
all records agree.  These arrays are float64: a formula computes its coefficients in
float64 and casts each of them once (`cast`), whether it is given one number or K.

A field with `start_only` in its metadata matters before the first step alone (an
initializer); records that differ in nothing else stack.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import itertools
import math
import numbers
import types
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

import numpy as np

from trainlab.digests import attributes
from trainlab.errors import SettingError, describe, nearest, sentence, too_many, unexpected
from trainlab.limits import MEMBERS

S = TypeVar("S", bound="Settings")
Check = Callable[[Any], bool]
Given = TypeVar("Given", contravariant=True)
Kept = TypeVar("Kept", covariant=True)

# These count as integers among Python's classes of numbers.
_NO_NUMBERS: Final = (bool, np.bool_, np.timedelta64)

MOST: Final = 2**53
"""The largest integer of a setting: float64, in which settings stack, holds all up to it."""


class Takes(Generic[Given, Kept]):
    """The annotation of a field whose constructor takes more types than the record keeps.

    `activation: Takes[Activation | str, Activation]` may be given by its name, and is always
    read as an Activation.  Type checkers take it for a descriptor: they read the type of the
    constructor's parameter from `__set__` and the type of the attribute from `__get__`.  It is
    an annotation only: at run time the field is a plain attribute, which its rule converts.
    (In subclasses of the class that declares the field, mypy reads what is given, too.)
    """

    if TYPE_CHECKING:

        def __get__(self, record: object | None, kind: type) -> Kept: ...

        def __set__(self, record: object, value: Given) -> None: ...


def check_arguments(kind: type, places: int, given: Iterable[str]) -> None:
    """TypeError, with the nearest name, for arguments that the constructor of a class lacks.

    places  how many arguments are given without a name
    """
    known = _arguments(kind)
    if known and places > _places(kind):
        raise too_many(f"{kind.__name__}()", places, known[: _places(kind)])
    for name in given:
        if known and name not in known and not hasattr(kind, name):  # which has deprecated ones
            raise unexpected(f"{kind.__name__}()", name, known, _beside(kind, name))


def _beside(kind: Any, name: str) -> str:
    """The class of the same base that has such an argument, as a call; "" if none has it."""
    base = kind.__base__
    others = () if base is Settings else base.__subclasses__()
    return next((f"{one.__name__}({name}=…)" for one in others if name in _arguments(one)), "")


@functools.cache
def _arguments(kind: Any) -> tuple[str, ...]:
    """The names of the arguments of a constructor; () where it takes all."""
    found = list(inspect.signature(kind.__init__).parameters.values())[1:]
    takes_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in found)
    return () if takes_all else tuple(one.name for one in found)


@functools.cache
def _places(kind: Any) -> int:
    """How many arguments of a constructor may be given without a name: the first ones."""
    found = [one.kind for one in inspect.signature(kind.__init__).parameters.values()][1:]
    takes_all = inspect.Parameter.VAR_POSITIONAL in found
    return MOST if takes_all else sum(one in _BY_PLACE for one in found)


_BY_PLACE: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def takes(function: Any, places: int) -> bool:
    """Whether it can be called with so many arguments without a name; true where it does not say.

    Of what a decorator made, its own arguments count, not those of the function that it calls.

    >>> takes(lambda member, updates, metrics: None, 3), takes(lambda: None, 3), takes(print, 3)
    (True, False, True)
    >>> takes("loss", 1)
    False
    """
    try:
        inspect.signature(function, follow_wrapped=False).bind(*[None] * places)
    except TypeError:
        return False
    except ValueError:  # of a function that is written in C
        return True
    return True


def is_deferred(function: Any) -> bool:
    """Whether a call of it runs none of its lines: a generator, or a coroutine.

    >>> def ended(moment):
    ...     yield moment.updates > 3
    >>> is_deferred(ended), is_deferred(print)
    (True, False)
    """
    kinds = inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction
    call = getattr(function, "__call__", None)  # noqa: B004  # of an object, not whether it has one
    return any(is_one(each) for is_one in kinds for each in (function, call))


def check_runs(function: Any, name: str, owner: str) -> None:
    """SettingError for a function that is called, and would not run."""
    if is_deferred(function):
        must, remedy = "run when called", "def without yield, async and await"
        raise SettingError(sentence(name, owner, must, "a generator or coroutine", remedy))


def check_methods(kind: type) -> None:
    """SettingError where a method of a class of the user's own cannot be called, or would not run.

    It takes the arguments of the method of trainlab's that it stands in place of; what is optional
    there, every call gives to a method that a class must have.
    """
    if is_ours(kind):
        return
    for name, method in vars(kind).items():
        bases = (vars(one) for one in kind.__mro__[1:] if is_ours(one))
        base = next((each[name] for each in bases if name in each), None)
        if name.startswith("_") or not isinstance(base, types.FunctionType):
            continue
        check_runs(getattr(method, "__func__", method), name, kind.__name__)
        known = [p for p in inspect.signature(base).parameters.values() if p.kind in _BY_PLACE]
        if not getattr(base, "__isabstractmethod__", False):
            known = [p for p in known if p.default is inspect.Parameter.empty]
        if isinstance(method, types.FunctionType) and not takes(method, len(known)):
            must = f"take ({', '.join(p.name for p in known)})"
            own = inspect.signature(method, follow_wrapped=False)
            got = f"({', '.join(own.parameters)})"
            raise SettingError(sentence(name, kind.__name__, must, got))


def is_ours(kind: type) -> bool:
    """Whether trainlab defines a class."""
    return kind.__module__.partition(".")[0] == "trainlab"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of all frozen records of settings: checks its fields when it is made."""

    owner: ClassVar[str] = ""
    """Whose the fields are, as errors say it; the name of the class where it is empty."""
    _in_grids: ClassVar[bool] = False
    """Whether `Population.grid` takes lists of values of its fields."""

    if not TYPE_CHECKING:  # who reads the types of arguments from `__init__`

        def __new__(cls, *args: Any, **fields: Any) -> Any:
            _rules(cls)  # of a class whose fields no dataclass has read it says so
            _learn(cls)
            check_arguments(cls, len(args), fields)
            return super().__new__(cls)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check_methods(cls)

    def __post_init__(self) -> None:
        kind: Any = type(self)
        owner = self.owner or kind.__name__
        for name, rule, default, usual in _rules(kind):
            value = getattr(self, name)
            if value is default:  # a population makes thousands of records, of defaults mostly
                object.__setattr__(self, name, usual)
                continue
            try:
                kept = rule.check(value, name, owner)
            except SettingError:
                values = _several_of(rule, value) if self._in_grids else None
                if values is None:
                    raise
                remedy = f"Population.grid(..., {name}={describe(values)})"
                raise SettingError(sentence(name, owner, rule.must, value, remedy)) from None
            object.__setattr__(self, name, kept)

    def _resolved(self, name: str) -> Any:
        """A field as it is used: a name whose meaning another field decides is that record."""
        return getattr(self, name)


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a field may be: a test, the words for it, a remedy, and names that may be meant."""

    valid: Check
    must: str
    convert: Callable[[Any], Any]
    remedy: str | None = None
    names: Collection[str] = ()
    written: Callable[[str], str] = repr
    """How one of the names is written."""
    meant: Callable[[Any], str | None] | None = None
    """What may be meant by what is not valid, in place of the number that a word stands for."""

    def check(self, value: Any, name: str, owner: str) -> Any:
        """The value as the record keeps it, or the error that says what is wrong."""
        if not self.valid(value):
            near = nearest(_name_of(value), self.names)
            instead = self.remedy if near is None else self.written(near)
            meant = self.meant(value) if self.meant else number_in(value, self.valid)
            instead = called(value, self.valid) or meant or instead
            remedy = f"{name}={instead}" if instead else None
            raise SettingError(sentence(name, owner, self.must, value, remedy))
        return self.convert(value)


def _several_of(rule: Rule, value: Any) -> list[Any] | None:
    """The values in a list, each of which a field may have; None for what is no such list.

    >>> _several_of(real(), (0.1, 0.2)), _several_of(real(), [0.1, "much"])
    ([0.1, 0.2], None)
    """
    if isinstance(value, np.ndarray) and value.ndim == 1 and len(value) <= MEMBERS:
        value = value.tolist()
    if not isinstance(value, (list, tuple)) or not value or rule.valid(value[:1]):
        return None  # a list of which the beginning is one value is a value that is too long
    return list(value) if all(map(rule.valid, value)) else None


def _name_of(value: Any) -> Any:
    """A word, or what a class, a function or a dtype is called: np.tanh may stand for "tanh"."""
    named = isinstance(value, type | np.ufunc | types.FunctionType | types.BuiltinFunctionType)
    return value.__name__ if named else value.name if isinstance(value, np.dtype) else value


def called(value: Any, valid: Check) -> str | None:
    """The call that makes what is valid of a class of settings, or of a list of such classes.

    >>> from trainlab.optimizers import Adam, Optimizer
    >>> called(Adam, lambda value: isinstance(value, Optimizer))
    'Adam()'
    """
    kinds = value if isinstance(value, list) else [value]
    if not kinds or not all(isinstance(one, type) and issubclass(one, Settings) for one in kinds):
        return None
    try:
        made = [one() for one in kinds]
        fits = valid(made if isinstance(value, list) else made[0])
    except (TypeError, ValueError):  # a field without a default, or a class that is a base
        return None
    calls = ", ".join(f"{one.__name__}()" for one in kinds)
    return None if not fits else f"[{calls}]" if isinstance(value, list) else calls


def number_in(value: Any, valid: Check) -> str | None:
    """The valid number that a word stands for, or a whole one that is written with a point.

    >>> number_in("64", whole_number(1).valid), number_in(64.0, whole_number(1).valid)
    ('64', '64')
    """
    if isinstance(value, str | float):
        for read in (int, float, lambda v: int(float(v))):
            with contextlib.suppress(ValueError, OverflowError):
                number = read(value)
                if number == float(value) and math.isfinite(number) and valid(number):
                    return repr(number)
    return None


@functools.cache
def _learn(kind: type) -> None:
    """Has the attributes of a class and its bases known as they are before its methods run."""
    for one in kind.__mro__:
        if not is_ours(one):
            attributes(one)


@functools.cache
def _rules(kind: Any) -> tuple[tuple[str, Rule, Any, Any], ...]:
    """The fields of a class that have a rule: name, rule, default, and what is kept of that."""
    declared = vars(kind)
    if "__dataclass_params__" not in declared:
        unread = [name for name, it in declared.items() if isinstance(it, dataclasses.Field)]
        if unread:
            owner, must = kind.__name__, "be a frozen dataclass, to have its fields"
            raise SettingError(
                sentence("class", owner, must, unread, "@dataclasses.dataclass(frozen=True)")
            )
    found: list[tuple[str, Rule, Any, Any]] = []
    for field in _fields(kind):
        if "rule" in field.metadata:
            rule: Rule = field.metadata["rule"]
            is_usable = field.default is not dataclasses.MISSING and rule.valid(field.default)
            default = field.default if is_usable else dataclasses.MISSING
            found.append((field.name, rule, default, rule.convert(default) if is_usable else None))
    return tuple(found)


def fields_of(record: Settings) -> tuple[dataclasses.Field[Any], ...]:
    """The fields of a record."""
    kind: Any = type(record)  # mypy takes a class with `__hash__` for something without a hash
    return _fields(kind)


@functools.cache
def _fields(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


def ruled(rule: Rule, default: Any, *, per_member: bool = False, start_only: bool = False) -> Any:
    """A field that holds what a rule allows."""
    about = {"rule": rule, "per_member": per_member, "start_only": start_only}
    return dataclasses.field(default=default, metadata=about)


def is_real(value: Any) -> bool:
    """True for a real number that is not a bool, not NaN and not beyond what a float can hold."""
    if not isinstance(value, numbers.Real) or isinstance(value, _NO_NUMBERS):
        return False
    try:
        return not math.isnan(float(value))
    except OverflowError:  # an int or a Fraction has no largest value
        return False


def is_integer(value: Any) -> bool:
    """True for an integer (Python's or NumPy's) that is not a bool."""
    is_usual = type(value) is int  # which is quickly seen
    return is_usual or (isinstance(value, numbers.Integral) and not isinstance(value, _NO_NUMBERS))


def several(value: Any, most: int) -> list[Any] | None:
    """What can be iterated over as a list, of at most one more than `most`; None if it cannot.

    One more is enough to say that there are too many, and an endless iterator has an end.
    """
    try:
        return list(itertools.islice(value, most + 1))
    except TypeError:  # an array without axes says that it can be iterated over
        return None


def interval(low: float, high: float, closed: str) -> tuple[Check, str]:
    """The test and the words for an interval; `closed` is one of "[]", "[)", "(]", "()"."""

    def inside(value: Any) -> bool:
        above = value >= low if closed[0] == "[" else value > low
        below = value <= high if closed[1] == "]" else value < high
        return bool(above and below)

    return inside, f"in {closed[0]}{low}, {high}{closed[1]}"


def number(
    default: Any = dataclasses.MISSING,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    closed: str = "()",
    per_member: bool = True,
    remedy: str | None = None,
) -> Any:
    """A field that holds a real number inside an interval (ends excluded unless `closed`)."""
    return ruled(real(low, high, closed, remedy), default, per_member=per_member)


def real(
    low: float = -math.inf, high: float = math.inf, closed: str = "()", remedy: str | None = None
) -> Rule:
    """The rule of real numbers in an interval (ends excluded unless `closed`).

    >>> real(0.0, 1.0, "[)").must
    'be a number in [0.0, 1.0)'
    """
    inside, words = interval(low, high, closed)
    # A Fraction above 0 may be 0 as a float: what counts is the number that is kept.
    return Rule(lambda v: is_real(v) and inside(float(v)), f"be a number {words}", float, remedy)


def whole_number(low: int, remedy: str | None = None, *, high: int = MOST) -> Rule:
    """The rule of integers in [low, high].

    >>> whole_number(1).must, whole_number(1, high=5).must
    ('be an integer in [1, 2**53]', 'be an integer in [1, 5]')
    """
    must = f"be an integer in [{low}, {'2**53' if high == MOST else high}]"
    return Rule(lambda v: is_integer(v) and low <= v <= high, must, int, remedy)


def either(rule: Rule, other: Any) -> Rule:
    """The rule that allows one more value: None, or a name."""

    def is_other(value: Any) -> bool:
        named = isinstance(other, str) and isinstance(value, str)
        return value is other or (named and value == other)

    return dataclasses.replace(
        rule,
        valid=lambda v: is_other(v) or rule.valid(v),
        must=f"{rule.must} or {other!r}",
        convert=lambda v: v if is_other(v) else rule.convert(v),
        names=(*rule.names, other) if isinstance(other, str) else rule.names,
    )


def integer(
    default: Any = dataclasses.MISSING,
    *,
    low: int,
    optional: bool = False,
    per_member: bool = False,
    remedy: str | None = None,
) -> Any:
    """A field that holds an integer in [low, MOST], or None if `optional`."""
    rule = whole_number(low, remedy)
    return ruled(either(rule, None) if optional else rule, default, per_member=per_member)


FLAG: Final = Rule(lambda v: isinstance(v, (bool, np.bool_)), "be True or False", bool)
"""What is on or off: a word such as "no" would count as True."""


def flag(default: bool) -> Any:
    """A field that holds True or False."""
    return ruled(FLAG, default)


def choice(options: Sequence[str], default: Any = dataclasses.MISSING) -> Any:
    """A field that holds one of the named options."""
    return ruled(one_of(options), default)


def one_of(options: Sequence[str]) -> Rule:
    """The rule of words out of a list."""
    words = "be one of " + ", ".join(repr(option) for option in options)
    first = repr(options[0])
    return Rule(lambda v: isinstance(v, str) and v in options, words, str, first, options)


TEXT: Final = Rule(lambda v: isinstance(v, str), "be a string", str)
"""What is said, and has no meaning to us."""


def record(kind: type, names: Mapping[str, Callable[[], Any]], default: Any) -> Any:
    """A field that holds a `kind` of settings, or the name of one in an explicit table."""
    return ruled(record_of(kind, names), default)


def record_of(kind: type, names: Mapping[str, Callable[[], Any]]) -> Rule:
    """The rule of a `kind` of settings, and of the names of some in an explicit table."""
    listed, article = ", ".join(map(repr, names)), "an" if kind.__name__[0] in "AEIOU" else "a"

    def valid(value: Any) -> bool:
        return isinstance(value, kind) or (isinstance(value, str) and value in names)

    def convert(value: Any) -> Any:
        return names[value]() if isinstance(value, str) else value

    must = f"be one of {listed} or {article} {kind.__name__}"
    return Rule(valid, must, convert, repr(next(iter(names))), names)


def instance(
    kind: type,
    default: Callable[[], Any],
    *,
    start_only: bool = False,
    names: Collection[str] = (),
) -> Any:
    """A field that holds an instance of `kind`; `default` makes the one it has by default."""
    rule = instance_of(kind, names)
    return dataclasses.field(
        default_factory=default, metadata={"rule": rule, "start_only": start_only}
    )


def instance_of(kind: type, names: Collection[str] = ()) -> Rule:
    """The rule of instances of a class; errors propose one of the classes of these names."""
    must = f"be an instance of {kind.__name__}"
    return Rule(
        lambda v: isinstance(v, kind), must, lambda v: v, None, names, lambda near: f"{near}()"
    )


def nested(value: Any) -> Iterator[Settings]:
    """The records in a value at any depth, itself included; it may be a tuple of them."""
    if isinstance(value, Settings):
        yield value
        value = tuple(getattr(value, field.name) for field in fields_of(value))
    if isinstance(value, tuple):
        for item in value:
            if isinstance(item, Settings | tuple):
                yield from nested(item)


def structure(settings: Settings) -> Hashable:
    """What must be equal for records to stack: their types and every field but the per-member ones.

    >>> from trainlab.optimizers import SGD, Momentum
    >>> structure(SGD(0.1)) == structure(SGD(0.2)), structure(SGD(0.1)) == structure(Momentum(0.1))
    (True, False)
    """
    return (type(settings), *(_part(settings, field) for field in fields_of(settings)))


def _part(settings: Settings, field: dataclasses.Field[Any]) -> Hashable:
    if field.metadata.get("per_member") or field.metadata.get("start_only"):
        return None
    value: Hashable = settings._resolved(field.name)
    return structure(value) if isinstance(value, Settings) else value


def stack(records: Sequence[S], trailing: int) -> S:
    """K records of one structure as one record: per-member fields that differ become
    arrays (K, 1 × trailing).

    The result skips the checks of the constructor: its parts have passed them.
    """
    first = records[0]
    stacked = object.__new__(type(first))
    for field in fields_of(first):
        values = [record._resolved(field.name) for record in records]
        value: Any = values[0]
        if isinstance(value, Settings) and not field.metadata.get("start_only"):
            value = stack(values, trailing)
        elif field.metadata.get("per_member") and any(other != value for other in values):
            value = np.array(values, dtype=np.float64).reshape(-1, *(1,) * trailing)
        object.__setattr__(stacked, field.name, value)
    return stacked


def cast(coefficient: Any, dtype: Any) -> Any:
    """A float64 coefficient, number or array, in the dtype of the arrays it will meet.

    Without it a float64 array (K, 1) would promote float32 work to float64.
    """
    return np.asarray(coefficient).astype(dtype)[()]
