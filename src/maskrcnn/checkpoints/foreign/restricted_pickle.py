"""What a pickle says, without running it: a pickle is a program, and this reads the few instructions that build data.

``pickletools`` (standard library) cuts the stream into instructions; here numbers, strings, lists, tuples, dicts and
numeric arrays are put together from them. Nothing is imported, no class is instantiated, no attribute is set: a name
in the stream is looked up in a small table of our own functions, and one that is not there ends the reading.
Instructions as in PEP 307, 3154 and 574; arrays as numpy (1 and 2, from Python 2 too) pickles them.
"""

from __future__ import annotations

import io
import mmap
import pickletools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from maskrcnn.checkpoints.foreign.pickled_arrays import Array, Damaged, DType, Refused, encode, finished, numpy_names
from maskrcnn.errors import CheckpointError
from maskrcnn.schema import one_line, said

Table = Mapping[str, Callable[..., Any]]
# Instructions that push what follows them in the stream.
# fmt: off
LITERALS = frozenset((
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE",
    "BINUNICODE", "BINUNICODE8",
))
# fmt: on
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
}
SMALL_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)

USES, FREE = 4, 2**20  # how often, on average, each byte may go into a call, and bytes that nobody counts
LONGEST_REASON = 200  # characters of what a library says of damage


class Name:
    """A name of the table, until it is called."""

    def __init__(self, name: str) -> None:
        self.name = name


def _dict(pairs: Any = ()) -> dict[Any, Any]:
    """Of an OrderedDict: Python 2 wrote its pairs as a list, and nobody writes anything but names and numbers first."""
    if not isinstance(pairs, list | tuple) or not all(isinstance(pair, list | tuple) for pair in pairs):
        raise Damaged("a dict without pairs")
    return {_key(key): finished(value) for key, value in pairs}


def _key(key: Any) -> Any:
    """A name or a number: the hash of tuples that hold one another may take longer than the world is old."""
    if not isinstance(key, str | bytes | int | float | None):
        raise Damaged(f"{said(key)} as a name")
    return key


PLAIN: Table = {
    **numpy_names(),
    "_codecs.encode": encode,
    "__builtin__.bytes": lambda: b"",  # how Python 3 writes no bytes at all for Python 2
    "collections.OrderedDict": _dict,
}


class Reader:
    """Follows one pickle.

    Args:
        table: what a name in the stream stands for.
        stored: what a persistent id stands for (torch keeps the numbers of tensors outside of the pickle); None:
            there are none.
    """

    def __init__(self, table: Table = PLAIN, stored: Callable[[Any], Any] | None = None) -> None:
        self.table, self.stored = table, stored
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.position, self.spent = 0, 0

    def read(self, stream: io.BufferedIOBase | mmap.mmap | io.BytesIO) -> Any:
        """The object that the pickle at the stream's position describes; the stream stands behind it afterwards.

        Raises:
            Refused: it asks for what is no plain data.
            Damaged: it is no pickle, or a truncated one.
        """
        try:
            for code, argument, position in pickletools.genops(stream):  # type: ignore[arg-type]
                self.position = position or 0
                self._follow(code.name, argument)
            return finished(self.stack.pop())
        except DAMAGED as error:
            raise Damaged(one_line(error, LONGEST_REASON)) from None

    def _follow(self, code: str, argument: Any) -> None:
        if code in LITERALS:
            self.stack.append(argument)
        elif code in CONSTANTS:
            self.stack.append(CONSTANTS[code]())
        elif code in SMALL_TUPLES:
            self.stack.append(tuple(finished(self._pop()) for _ in range(SMALL_TUPLES[code]))[::-1])
        elif code in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif code in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif code == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif code in INSTRUCTIONS:
            INSTRUCTIONS[code](self, argument)
        elif code not in ("PROTO", "FRAME", "STOP"):
            raise Refused(f"the instruction {code}")

    def _pop(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise Damaged("nothing left to take")
        return self.stack.pop()

    def _since_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _name(self, name: str) -> None:
        if name not in self.table:
            raise Refused(one_line(name, LONGEST_REASON))
        self.stack.append(Name(name))

    def _stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise Damaged("a name that is no text")
        self._name(f"{module}.{name}")

    def _reduce(self, _: Any) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise Refused(f"a call of {type(function).__name__}")
        self._pay(arguments)
        self.stack.append(self.table[function.name](*arguments))

    def _build(self, _: Any) -> None:
        """Only what is in the making has a state; a dict's attributes (torch writes version numbers there) go by."""
        state, made = self._pop(), self.stack[-1]
        if isinstance(made, Array | DType):
            self._pay(state)
            made.build(state)
        elif not isinstance(made, dict):
            raise Refused(f"a state for {type(made).__name__}")

    def _pay(self, values: Sequence[Any]) -> None:
        """Count what a call is given: a stream that hands the same megabyte to a million calls would fill the memory.

        Raises:
            Damaged: it is far more than there was to read so far.
        """
        self.spent += sum(len(value) for value in values if isinstance(value, str | bytes | bytearray | list | tuple))
        if self.spent > USES * self.position + FREE:
            raise Damaged("the same data used over and over")

    def _set_items(self, _: Any) -> None:
        pairs = self._since_mark()
        self._fill(pairs)

    def _set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._fill([key, value])

    def _fill(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(pairs) % 2:
            raise Damaged("entries without a dict")
        target.update((_key(key), finished(value)) for key, value in zip(pairs[::2], pairs[1::2]))

    def _append(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise Damaged("elements without a list")
        self.stack[-1].extend(finished(item) for item in items)

    def _persistent(self, _: Any) -> None:
        if self.stored is None:
            raise Refused("data outside of the pickle")
        self.stack.append(self.stored(self._pop()))

    def _dict(self, _: Any) -> None:
        pairs = self._since_mark()
        self.stack.append({})
        self._fill(pairs)


INSTRUCTIONS: dict[str, Callable[[Reader, Any], Any]] = {
    "MARK": lambda r, _: r.marks.append(len(r.stack)),
    "POP": lambda r, _: r._pop(),
    "POP_MARK": lambda r, _: r._since_mark(),
    "DUP": lambda r, _: r.stack.append(r.stack[-1]),
    "APPEND": lambda r, _: r._append([r._pop()]),
    "APPENDS": lambda r, _: r._append(r._since_mark()),
    "LIST": lambda r, _: r.stack.append([finished(item) for item in r._since_mark()]),
    "TUPLE": lambda r, _: r.stack.append(tuple(finished(item) for item in r._since_mark())),
    "DICT": Reader._dict,
    "SETITEM": Reader._set_item,
    "SETITEMS": Reader._set_items,
    "GLOBAL": lambda r, argument: r._name(argument.replace(" ", ".", 1)),
    "STACK_GLOBAL": Reader._stack_global,
    "REDUCE": Reader._reduce,
    "BUILD": Reader._build,
    "BINPERSID": Reader._persistent,
}


def refusal(path: object, what: object) -> CheckpointError:
    """The sentence for a file that asks for more than data."""
    return CheckpointError(
        f"{path} asks for {what}, which is more than numbers and names, and nothing of a model file is ever run; "
        f"save its state dict alone."
    )
