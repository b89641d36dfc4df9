"""Values of flags that are one of a few words, or a number."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from maskrcnn.errors import UsageError

NUMBERS: dict[Any, str] = {int: "a whole number", float: "a number"}
# What else is said of a value that people bring from other programs.
SAID = {
    "freeze": "layers are not counted here: early is the body's first ones, all is the whole body",
    "precision": "bf16 has the range of fp32, and needs no scaling of the loss",
}


def with_values_spelled(arguments: Sequence[str], record: Any) -> list[str]:
    """Spell each value as the command does (``AdamW`` is ``adamw``).

    Args:
        arguments: of the command line, behind the command.
        record: the command's dataclass.

    Returns:
        The arguments.

    Raises:
        UsageError: a value is none of those that its flag takes, or no number where one is needed.
    """
    words, kinds = list(arguments), _kinds_of(record)
    for place, flag in enumerate(arguments):
        name, equals, value = flag.partition("=")
        kind = kinds.get(name.removeprefix("--").replace("_", "-")) if name.startswith("--") else None
        if kind is None:
            continue
        if equals:
            words[place] = f"{name}={_spelled(name, value, kind)}"
            continue
        for at in _values(arguments, place + 1, kind.several):
            words[at] = _spelled(name, arguments[at], kind)
    return words


@dataclasses.dataclass(frozen=True)
class _Kind:
    """What a flag takes."""

    choices: tuple[str, ...]
    number: type | None
    several: bool


def _kinds_of(record: Any) -> dict[str, _Kind]:
    """Of the flags that take words of a list, or numbers; those of records in it too."""
    kinds: dict[str, _Kind] = {}
    hints = get_type_hints(record, include_extras=True)
    for field in dataclasses.fields(record):
        if dataclasses.is_dataclass(field.default):
            kinds |= _kinds_of(type(field.default))
        elif kind := _kind(hints[field.name]):
            kinds[field.name.replace("_", "-")] = kind
    return kinds


def _kind(hint: Any, several: bool = False) -> _Kind | None:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return None if any(getattr(extra, "constructor", None) for extra in inner[1:]) else _kind(inner[0], several)
    if origin in (Union, types.UnionType):
        given = [one for one in inner if one is not type(None)]
        return _kind(given[0], several) if len(given) == 1 else None
    if origin is tuple:
        return _kind(inner[0], several=True) if len(set(inner) - {...}) == 1 else None
    if origin is Literal and all(isinstance(choice, str) for choice in inner):
        return _Kind(inner, None, several)
    return _Kind((), hint, several) if hint in NUMBERS else None


def _values(arguments: Sequence[str], place: int, several: bool) -> Iterator[int]:
    """Places of the values from a place on; none where the next flag follows."""
    for at in range(place, len(arguments) if several else min(place + 1, len(arguments))):
        if arguments[at].startswith("-") and not arguments[at][1:2].isdigit():
            return
        yield at


def _spelled(flag: str, value: str, kind: _Kind) -> str:
    """A value as the command spells it; of several only numbers are left alone, since files may follow."""
    if kind.number:
        try:
            kind.number(value)
        except ValueError:
            if kind.several:
                return value
            raise UsageError(f"{flag} takes {NUMBERS[kind.number]}, not {value}.") from None
        return value
    spelled = next((choice for choice in kind.choices if choice.casefold() == value.casefold()), None)
    if spelled is not None or kind.several:
        return spelled or value
    more = SAID.get(flag.removeprefix("--"))
    takes = f"{', '.join(kind.choices[:-1])} or {kind.choices[-1]}"
    raise UsageError(f"{flag} takes {takes}, not {value}" + (f"; {more}." if more else "."))
