"""Text files that others wrote: UTF-8 or UTF-16, json, and lists with an entry on each line."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

from maskrcnn.errors import DataError


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark.

    Raises:
        OSError, ValueError: where it cannot be read, or is no text.
    """
    content = path.read_bytes()
    return content.decode(encoding_of(content))


def encoding_of(content: bytes) -> str:
    """The encoding of a text that begins so, with the mark in front that it has."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"


def read_json(path: Path) -> Any:
    """The file's content. Raises DataError where it is no json."""
    try:
        return json.loads(read_text(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not complete json: it is not text in UTF-8; save it as UTF-8.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not complete json ({error}); export or copy it again.") from error


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that are not empty, without space around them; none where there is no such file.

    Raises:
        DataError: where it is no text.
    """
    return [line for line in all_lines(path) if line]


def all_lines(path: Path) -> list[str]:
    """Lines end where an editor ends them; other separators of Unicode may stand in a name."""
    try:
        return [line.strip() for line in read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as text ({error}); write it again.") from error
