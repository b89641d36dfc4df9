"""Plain values, as json holds them, become frozen records, each field by the type and the range that it declares.

Ranges are marks in a field's type: ``Annotated[int, Between(1, 8)]``.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

DEEPEST = 16  # lists within lists of a value whose type is Any
LONGEST_SAID = 60  # characters of a wrong value that a sentence repeats


class Misfit(ValueError):
    """A value that its field cannot have; the text names both."""


class UnknownField(Misfit):
    """A name that is no field of its record."""


@dataclass(frozen=True)
class Between:
    """A number from ``low`` to ``high``, both included."""

    low: float
    high: float

    def check(self, value: float, where: str) -> None:
        if not self.low <= value <= self.high:
            raise Misfit(f"{where} is {said(value)}, not between {self.low:g} and {self.high:g}")


@dataclass(frozen=True)
class OneOf:
    """One of these words."""

    words: tuple[str, ...]

    def check(self, value: str, where: str) -> None:
        if value not in self.words:
            raise Misfit(f"{where} is {said(value)}, not one of {', '.join(self.words)}")


@dataclass(frozen=True)
class Entries:
    """A tuple of ``least`` to ``most`` entries."""

    least: int
    most: int

    def check(self, value: Sequence[Any], where: str) -> None:
        if not self.least <= len(value) <= self.most:
            raise Misfit(f"{where} has {len(value)} entries, not {self.least} to {self.most}")


def restore(value: Any, hint: Any, where: str) -> Any:
    """Restore a value from json in the type that its field has: lists become tuples, dicts records,
    whole numbers floats where floats are asked.

    Args:
        value: as json has it.
        hint: a frozen dataclass, or what its fields may be: bool, int, float, str, ``tuple[X,
            ...]``, ``tuple[X, Y]``, ``dict[str, X]``, ``X | None``, Any, each perhaps ``Annotated``
            with marks of this file.
        where: what the value is, for the sentence.

    Returns:
        The value in that type.

    Raises:
        UnknownField: a name that a record does not have.
        Misfit: another type, a number out of its range, one that is not finite.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        restored = restore(value, arguments[0], where)
        for mark in arguments[1:]:
            mark.check(restored, where)
        return restored
    if origin in (types.UnionType, typing.Union):
        return None if value is None else restore(value, _without_none(arguments), where)
    if origin is tuple:
        return _restore_tuple(value, arguments, where)
    if origin is dict:
        items = _of_type(value, Mapping, "names and values", where)
        return {str(name): restore(item, arguments[1], f"{where} {said(str(name))}") for name, item in items.items()}
    if dataclasses.is_dataclass(hint):
        return _restore_record(value, typing.cast(type, hint), where)
    if hint is Any:
        return _plain(value, where)
    return _restore_number(value, hint, where) if hint in (int, float) else _of_type(value, hint, hint.__name__, where)


def said(value: object) -> str:
    """A value in few characters, however large or deep it is."""
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST_SAID else value[:LONGEST_SAID] + "...")
    if isinstance(value, bool | float | None):
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**LONGEST_SAID else "a number too large to write"
    return f"a {type(value).__name__}"


def one_line(text: object, most: int = 200) -> str:
    """What a library or a file says, to stand in a sentence: without line breaks, and not too long."""
    return " ".join(str(text).split())[:most]


def _restore_record(value: Any, kind: type, where: str) -> Any:
    values = _of_type(value, Mapping, f"the fields of a {kind.__name__}", where)
    hints = typing.get_type_hints(kind, include_extras=True)
    unknown = sorted(name for name in values if name not in hints)
    if unknown:
        raise UnknownField(
            f"{kind.__name__} has no field {', '.join(one_line(name, LONGEST_SAID) for name in unknown[:3])}"
        )
    return kind(**{name: restore(item, hints[name], _inside(where, name)) for name, item in values.items()})


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _restore_tuple(value: Any, arguments: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    items = _of_type(value, list | tuple, "a list", where)
    if arguments[-1] is Ellipsis:
        return tuple(restore(item, arguments[0], where) for item in items)
    if len(items) != len(arguments):
        raise Misfit(f"{where} has {len(items)} entries, not {len(arguments)}")
    return tuple(restore(item, hint, where) for item, hint in zip(items, arguments))


def _restore_number(value: Any, kind: type, where: str) -> Any:
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or abs(value) > 1e300 or not math.isfinite(value):
        raise Misfit(f"{where} is {said(value)}, not a finite number")
    if kind is int and value != int(value):
        raise Misfit(f"{where} is {said(value)}, not a whole number")
    return kind(value)


def _of_type(value: Any, kind: Any, what: str, where: str) -> Any:
    if not isinstance(value, kind):
        raise Misfit(f"{where or 'it'} is {said(value)}, not {what}")
    return value


def _plain(value: Any, where: str, depth: int = 0) -> Any:
    """As it is, but never deeper than what can be walked through and written again."""
    if depth > DEEPEST:
        raise Misfit(f"{where} holds lists within lists within lists")
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in inside:
        _plain(item, where, depth + 1)
    return value


def _without_none(options: Sequence[Any]) -> Any:
    return next(option for option in options if option is not types.NoneType)
