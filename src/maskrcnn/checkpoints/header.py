"""What a model file says of itself, read without torch: a list of models must not wait for it.

A safetensors file begins with the length of its header (8 bytes, little endian) and the header, which is json; the
library that reads such files loads torch or NumPy first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskrcnn.errors import CheckpointError

LENGTH_BYTES = 8
LONGEST = 100_000_000  # bytes of a header; the library refuses longer ones too


@dataclass(frozen=True)
class Summary:
    """The part of a header that lists show, see :class:`maskrcnn.ModelInfo` for the whole."""

    class_names: tuple[str, ...]
    metrics: dict[str, float] = field(default_factory=dict)
    kind: str = "image"  # of the files that it looks at


def read_summary(path: Path) -> Summary:
    """The summary of a model file.

    Raises:
        CheckpointError: no such file, or not a model of ours.
    """
    try:
        header = _read_header(path)
        names, metrics, notes = header["class_names"], header["metrics"], header["notes"]
        measured = {str(key): float(value) for key, value in metrics.items()}
        return Summary(tuple(map(str, names)), measured, str(notes.get("kind", "image")))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}); install the package again.") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise CheckpointError(f"{path} is no model file, or a damaged one; fetch or train it again.") from None


def _read_header(path: Path) -> dict[str, Any]:
    """The json that this package writes into the file's header."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if length > min(LONGEST, path.stat().st_size):
            raise ValueError("longer than the file")
        metadata = json.loads(file.read(length))["__metadata__"]
    header: dict[str, Any] = json.loads(metadata["maskrcnn"])
    return header
