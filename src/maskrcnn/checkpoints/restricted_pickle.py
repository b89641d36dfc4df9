"""What a pickle says, without running it: a pickle is a program, and this reads the few instructions that build data.

``pickletools`` (standard library) cuts the stream into instructions; here numbers, strings, lists, tuples, dicts and
numeric arrays are put together from them. Nothing is imported, no class is instantiated, no attribute is set: a name
in the stream is looked up in a small table of our own functions, and one that is not there ends the reading.
Instructions as in PEP 307, 3154 and 574; arrays as numpy (1 and 2, from Python 2 too) pickles them.
"""

from __future__ import annotations

import io
import math
import mmap
import pickletools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from maskrcnn.errors import CheckpointError

Table = Mapping[str, Callable[..., Any]]
NUMERIC = re.compile(r"[fiub][1248]|b1|\?")  # numpy's short names of types without Python objects in them
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
DAMAGED = (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError, RuntimeError)


class Refused(Exception):
    """The stream asks for something that is no plain data; the text names it."""


class Damaged(Exception):
    """The stream is no pickle, or ends too early."""


class Name:
    """A name of the table, until it is called."""

    def __init__(self, name: str) -> None:
        self.name = name


class DType:
    """A numpy type in the making."""

    def __init__(self, name: str, *_: object) -> None:
        if not (isinstance(name, str) and NUMERIC.fullmatch(name)):
            raise Refused(f"an array of type {name!r}, which is not numeric")
        self.value = np.dtype(name)

    def build(self, state: Sequence[Any]) -> None:
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


class Array:
    """A numpy array in the making: created empty, then told its shape, type and bytes."""

    def __init__(self, *_: object) -> None:
        self.value = np.empty(0, np.float32)

    def build(self, state: Sequence[Any]) -> None:
        shape, dtype, fortran, raw = state[-4:]
        self.value = _array(raw, dtype, shape, "F" if fortran else "C")


def _array(raw: Any, dtype: Any, shape: Any, order: str = "C") -> np.ndarray:
    """A read-only array over ``raw``, which must hold exactly what the shape says."""
    if not isinstance(dtype, DType):
        raise Damaged("an array without a type")
    data = _as_bytes(raw)
    if not all(isinstance(n, int) and n >= 0 for n in shape) or math.prod(shape) * dtype.value.itemsize != len(data):
        raise Damaged(f"an array of shape {tuple(shape)} with {len(data)} bytes")
    array = np.frombuffer(data, dtype.value).reshape(tuple(shape), order="F" if order == "F" else "C")
    return array.astype(dtype.value.newbyteorder("="), copy=False)


def _as_bytes(raw: Any) -> bytes | bytearray:
    """Python 2 wrote bytes as text of the first 256 characters."""
    if isinstance(raw, str):
        return raw.encode("latin1")
    if not isinstance(raw, bytes | bytearray):
        raise Refused("an array of Python objects")
    return raw


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: str = "C") -> Array:
    made = Array()
    made.value = _array(raw, dtype, shape, order)
    return made


def _scalar(dtype: Any, raw: Any) -> Any:
    return _array(raw, dtype, ()).item()


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise Refused(f"text in {encoding!r}")
    return text.encode("latin1")


def _dict(*pairs: Any) -> dict[Any, Any]:
    return dict(*pairs)


def _numpy_names() -> dict[str, Callable[..., Any]]:
    """Numpy's modules were renamed in its version 2."""
    table: dict[str, Callable[..., Any]] = {"numpy.dtype": DType, "numpy.ndarray": Array}
    for core in ("numpy.core", "numpy._core"):
        table[f"{core}.multiarray._reconstruct"] = Array
        table[f"{core}.multiarray.scalar"] = _scalar
        table[f"{core}.numeric._frombuffer"] = _from_buffer
    return table


PLAIN: Table = {
    **_numpy_names(),
    "_codecs.encode": _encode,
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

    def read(self, stream: io.BufferedIOBase | mmap.mmap | io.BytesIO) -> Any:
        """The object that the pickle at the stream's position describes; the stream stands behind it afterwards.

        Raises:
            Refused: it asks for what is no plain data.
            Damaged: it is no pickle, or a truncated one.
        """
        try:
            for code, argument, _ in pickletools.genops(stream):  # type: ignore[arg-type]
                self._follow(code.name, argument)
            return finished(self.stack.pop())
        except DAMAGED as error:
            raise Damaged(str(error)) from None

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
            raise Refused(name)
        self.stack.append(Name(name))

    def _stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self._name(f"{module}.{name}")

    def _reduce(self, _: Any) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise Refused(f"a call of {type(function).__name__}")
        self.stack.append(self.table[function.name](*arguments))

    def _build(self, _: Any) -> None:
        """Only what is in the making has a state; a dict's attributes (torch writes version numbers there) go by."""
        state, made = self._pop(), self.stack[-1]
        if isinstance(made, Array | DType):
            made.build(state)
        elif not isinstance(made, dict):
            raise Refused(f"a state for {type(made).__name__}")

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
        target.update((key, finished(value)) for key, value in zip(pairs[::2], pairs[1::2]))

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


def finished(value: Any) -> Any:
    """The array that an :class:`Array` has become; anything else as it is."""
    return value.value if isinstance(value, Array) else value


def refusal(path: object, what: object) -> CheckpointError:
    """The sentence for a file that asks for more than data."""
    return CheckpointError(
        f"{path} asks for {what}, which is more than numbers and names, and nothing of a model file is ever run; "
        f"save its state dict alone."
    )
