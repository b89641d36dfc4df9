"""How the package is laid out: files of a folder, their names and their lengths."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from laws import File, by_folder, judge, package_files

MAX_LINES, MAX_FILES, MAX_ALIKE = 300, 12, 2


def a_folder_has_at_most_twelve_files(files: list[File]) -> Iterator[str]:
    for folder, names in by_folder(files).items():
        if len(names) > MAX_FILES:
            yield from (f"{folder}{name}.py is one of {len(names)} files in a folder" for name in names)


def three_siblings_with_one_prefix_are_a_folder(files: list[File]) -> Iterator[str]:
    for folder, names in by_folder(files).items():
        for prefix in {name.split("_")[0] for name in names if "_" in name}:
            alike = [name for name in names if name.split("_")[0] == prefix]
            if len(alike) > MAX_ALIKE:
                yield from (f"{folder}{name}.py is one of {len(alike)} that begin with {prefix}" for name in alike)


def no_file_is_longer_than_300_lines(files: list[File]) -> Iterator[str]:
    for file in files:
        if (count := len(file.text.splitlines())) > MAX_LINES:
            yield f"{file.name} has {count} lines"


LAWS = (
    FILES,
    PREFIX,
    LENGTH,
) = (
    a_folder_has_at_most_twelve_files,
    three_siblings_with_one_prefix_are_a_folder,
    no_file_is_longer_than_300_lines,
)
PLANTED = [
    (LENGTH, "ops/nms.py", "x = 1\n" * 301),
    (FILES, "twelve/room13.py", ""),
    (PREFIX, "models/heads/mask_third.py", ""),
]
INNOCENT = [
    (LENGTH, "ops/nms.py", "x = 1\n" * 300),
    (FILES, "twelve/__init__.py", ""),
    (PREFIX, "models/heads/point_third.py", ""),
]


@pytest.mark.parametrize("law", LAWS)
def test_the_package_keeps_its_laws(law):
    violations = list(law(package_files()))
    assert not violations, "\n".join(violations)


@pytest.mark.parametrize("law, name, text", PLANTED)
def test_a_planted_violation_is_found(law, name, text):
    assert judge(law, name, text) != []


@pytest.mark.parametrize("law, name, text", INNOCENT)
def test_an_innocent_line_is_let_pass(law, name, text):
    assert judge(law, name, text) == []


def test_every_law_has_a_planted_violation_and_an_innocent_line():
    assert {law for law, *_ in PLANTED} == {law for law, *_ in INNOCENT} == set(LAWS)


def test_the_package_is_found():
    names = {file.name for file in package_files()}
    assert {"__init__.py", "ops/nms.py", "models/heads/box.py"} <= names
