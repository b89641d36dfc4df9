"""Plain values become records by their types and ranges, and what does not fit is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from maskrcnn.schema import Between, Entries, Misfit, OneOf, UnknownField, restore, said

Small = Annotated[int, Between(1, 8)]


@dataclass(frozen=True)
class Inner:
    size: Small = 1
    name: Annotated[str, OneOf(("a", "b"))] = "a"


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    maybe: Inner | None = None
    sides: Annotated[tuple[float, ...], Entries(1, 3)] = (1.0,)
    pairs: tuple[tuple[int, str], ...] = ()
    flag: bool = False
    notes: Any = None


def test_a_record_comes_back_from_plain_values():
    found = restore(
        {"inner": {"size": 3}, "maybe": {}, "sides": [1, 2.5], "pairs": [[1, "x"]], "flag": True}, Outer, ""
    )
    assert found == Outer(Inner(3), Inner(), (1.0, 2.5), ((1, "x"),), True)
    assert type(found.sides[0]) is float


def test_what_is_absent_has_its_default():
    assert restore({}, Outer, "") == Outer()


def test_a_whole_float_is_a_whole_number():
    assert restore({"size": 3.0}, Inner, "") == Inner(3)


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"inner": {"size": 0}}, "inner.size is 0, not between 1 and 8"),
        ({"inner": {"size": 1.5}}, "inner.size is 1.5, not a whole number"),
        ({"inner": {"size": True}}, "inner.size is True, not a finite number"),
        ({"inner": {"size": None}}, "inner.size is None, not a finite number"),
        ({"inner": {"size": 10**400}}, "inner.size is a number too large to write, not a finite number"),
        ({"inner": {"name": "c"}}, "inner.name is 'c', not one of a, b"),
        ({"inner": {"name": "c" * 999}}, f"inner.name is '{'c' * 60}...', not one of a, b"),
        ({"inner": None}, "inner is None, not the fields of a Inner"),
        ({"sides": []}, "sides has 0 entries, not 1 to 3"),
        ({"sides": [float("nan")]}, "sides is nan, not a finite number"),
        ({"sides": [[1]]}, "sides is a list, not a finite number"),
        ({"sides": "1"}, "sides is '1', not a list"),
        ({"pairs": [[1]]}, "pairs has 1 entries, not 2"),
        ({"flag": 1}, "flag is 1, not bool"),
    ],
)
def test_what_does_not_fit_is_named(values, sentence):
    with pytest.raises(Misfit) as caught:
        restore(values, Outer, "")
    assert str(caught.value) == sentence


def test_an_unknown_field_is_named():
    with pytest.raises(UnknownField, match="Inner has no field colour"):
        restore({"inner": {"colour": 1}}, Outer, "")


def test_lists_within_lists_end_somewhere():
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(Misfit, match="notes holds lists within lists"):
        restore({"notes": deep}, Outer, "")


def test_what_holds_itself_many_times_is_said_at_once():
    bomb: tuple[Any, ...] = (1,)
    for _ in range(60):
        bomb = (bomb, bomb)
    assert said(bomb) == "a tuple"
