"""Where YOLO's classes are named, and how some are added there, with all else of the file as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from maskrcnn.data.class_names import read_class_list
from maskrcnn.data.parsing.text import encoding_of
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file, is_folder
from maskrcnn.modalities.images.formats.yolo.description import DARKNET, Description, describe
from maskrcnn.modalities.images.formats.yolo.read import find_class_list
from maskrcnn.modalities.images.labels.picture_files import find_place

LIST = "classes.txt"


def names_of(path: Path, description: Description, used: int) -> tuple[tuple[str, ...], list[str]]:
    """The names of the classes by number, and what was changed of them.

    Args:
        path: that was opened.
        description: of the data set.
        used: how many the rows use.

    Returns:
        The names; those that nothing names are ``class 0`` and so on.
    """
    listed = None if description.class_names else find_class_list(path)
    names, changed = read_class_list(listed) if listed is not None else (description.class_names, [])
    return (*names, *(f"class {k}" for k in range(len(names), used))), changed


def add_names(path: Path, description: Description, names: tuple[str, ...], count: int) -> None:
    """Name more classes: in the description, in the list of classes, or, where there is neither, in a new list.

    Args:
        path: that was opened.
        description: of the data set.
        names: of all classes, the new ones last.
        count: how many are new.

    Raises:
        DataError: it cannot be done; the sentence says what to do by hand.
    """
    own = description.path
    if own is None or not description.class_names:
        listed = find_class_list(path)
        _append(
            listed or (path if is_folder(path) else path.parent) / LIST, names if listed is None else names[-count:]
        )
    elif own.suffix.lower() == DARKNET:
        _add_to_darknet(own, names, count)
    else:
        _add_to_yaml(own, names, count)


def _append(file: Path, names: tuple[str, ...]) -> None:
    content = file.read_bytes() if is_file(file) else b""
    encoding = encoding_of(content)
    text = content.decode(encoding)
    ending = "\r\n" if "\r\n" in text else "\n"
    between = "" if not text or text.endswith("\n") else ending
    _write(file, text + between + "".join(name + ending for name in names), encoding)


def _add_to_darknet(own: Path, names: tuple[str, ...], count: int) -> None:
    text = own.read_text(encoding="utf-8")
    named = re.search(r"(?m)^\s*names\s*=\s*(.+?)\s*$", text)
    listed = find_place(named[1], [own.parent]) if named else None
    if listed is None:
        raise DataError(f"{own} names no list of classes to which {names[-1]} could be added.")
    _append(listed, names[-count:])
    _write(own, re.sub(r"(?m)^(\s*classes\s*=\s*)\d+", rf"\g<1>{len(names)}", text), "utf-8")


def _add_to_yaml(own: Path, names: tuple[str, ...], count: int) -> None:
    """Put them behind the last name, where the parser says that it ends: comments and the order of keys stay."""
    content = own.read_bytes()
    encoding = encoding_of(content)
    text = content.decode(encoding)
    changed = text
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    for key, value in reversed(root.value if isinstance(root, yaml.MappingNode) else []):
        if key.value == "names":
            changed = _with_names(changed, value, names, count)
        elif key.value == "nc" and isinstance(value, yaml.ScalarNode):
            changed = changed[: value.start_mark.index] + str(len(names)) + changed[value.end_mark.index :]
    _write(own, changed, encoding, names)


def _with_names(text: str, node: yaml.Node, names: tuple[str, ...], count: int) -> str:
    first = len(names) - count
    is_table = isinstance(node, yaml.MappingNode)
    keyed = [f"{first + k}: " if is_table else "" for k in range(count)]
    words = [key + json.dumps(name, ensure_ascii=False) for key, name in zip(keyed, names[first:])]
    last = node.value[-1][1] if is_table else node.value[-1]
    end = last.end_mark.index
    if node.flow_style:
        return text[:end] + "".join(f", {word}" for word in words) + text[end:]
    line = text.find("\n", end)
    line = len(text) if line < 0 else line
    line -= text[line - 1 : line] == "\r"
    ending = "\r\n" if "\r\n" in text else "\n"
    begin = " " * node.start_mark.column + ("" if is_table else "- ")
    return text[:line] + "".join(ending + begin + word for word in words) + text[line:]


def _write(file: Path, text: str, encoding: str, names: tuple[str, ...] | None = None) -> None:
    """Write the file whole, and, with ``names``, only where they are what it says afterwards."""
    with atomic_write(file) as temporary:
        temporary.write_bytes(text.encode(encoding))
        if names is not None and _names_in(temporary) != names:
            raise DataError(f"The class {names[-1]} could not be added to {file}: write it there under 'names'.")


def _names_in(file: Path) -> tuple[str, ...]:
    try:
        return describe(file).class_names
    except DataError:
        return ()
