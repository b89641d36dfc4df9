"""Whole command lines of ``key=value``, as ultralytics has them, written as this program has them."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from maskrcnn.apps.cli.words.flags import defaults_of, meant
from maskrcnn.apps.cli.words.habits import COMMANDS, FILES, HABITS, SAID, TASKS
from maskrcnn.errors import UsageError
from maskrcnn.jobs.inputs.words import names_foreign_model

SETTING = re.compile(r"([a-z][\w-]*)=(.*)")
MODES = {"mode", "task"}
FOLDERS = ("project", "name")  # together they are the folder for results
OTHERS = {*HABITS, *SAID, *FILES, *MODES, "model"}
AUTOMATIC = {"batch": "-1", "optimizer": "auto"}
EVERYDAY, RESULTS = "everyday", "judged"


@dataclass
class Line:
    """A command line as it is put together from settings."""

    command: str
    defaults: Mapping[str, Any]  # of its flags
    files: list[str] = field(default_factory=list)
    model: str = ""
    folder: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, key: str, value: str) -> None:
        """Add a setting of theirs."""
        flag = key.replace("_", "-").lower()
        if flag in MODES:
            return
        if flag in FILES:
            self.files.append(value)
        elif flag in ("model", "weights"):
            self.model = "" if names_foreign_model(value) else value
        elif flag in FOLDERS:
            self.folder[flag] = value
        elif flag == "verbose":
            self.flags += ["-q"] if value == "False" else []
        else:
            self._add_flag(flag, value, f"{key}={value}")

    def _add_flag(self, flag: str, value: str, typed: str) -> None:
        words = meant(flag, self.defaults)
        ours, _, fixed = words.removeprefix("--").partition(" ")
        if not words.startswith("--"):
            self.left_out += [f"{typed}: {words or 'there is no such setting'}"] if value != "False" else []
        elif fixed or isinstance(self.defaults[ours], bool):
            self.flags += [*words.split()] if value not in ("False", "0", "0.0") else []
        elif value not in ("True", "False", "None", AUTOMATIC.get(ours)):
            self.flags += [f"--{ours}", *self._values(ours, value)]

    def _values(self, ours: str, value: str) -> list[str]:
        several = [part.strip(" '\"") for part in value.strip("[]()").split(",")]
        if ours == "image-size" and all(part.isdecimal() for part in several):
            return [str(max(map(int, several)))]
        if isinstance(self.defaults[ours], tuple):
            return several
        return [value.lower() if ours == "optimizer" else value]

    def words(self) -> list[str]:
        """The line as it is typed here."""
        flags = list(self.flags)
        if self.command == "export":  # its files are the model and the result
            model = self.model or EVERYDAY
            return [self.command, *(self.files or [model, f"{PurePath(model).stem}.zip"]), *flags]
        if self.folder and "out" in self.defaults:
            flags = ["--out", "/".join(self.folder[part] for part in FOLDERS if part in self.folder), *flags]
        elif self.defaults.get("out") is dataclasses.MISSING and "--out" not in flags:
            flags = ["--out", RESULTS, *flags]
        if self.model:
            flags = ["--model", self.model, *flags]
        return [self.command, *(self.files or ["DATA" if "data" in self.defaults else "FILE"]), *flags]


def refuse_settings(arguments: Sequence[str], commands: Mapping[str, Callable[..., Any]]) -> None:
    """Say how a line with ``key=value``, or with a task before its command, is typed here.

    Args:
        arguments: of the command line.
        commands: their classes, by name.

    Raises:
        UsageError: it is such a line; the sentence has the whole line as it is typed here.
    """
    words = list(arguments)
    if len(words) > 1 and words[0] in TASKS and (words[1] in {*commands, *COMMANDS} or _split(words[1])):
        words = words[1:]
    settings = [setting for word in words if (setting := _split(word))]
    of_command = next((value for key, value in settings if key == "mode"), "predict")
    if words and not _split(words[0]):
        of_command, words = words[0], words[1:]
    command = of_command if of_command in commands else COMMANDS.get(of_command, "")
    command = "predict" if command == "track" and settings else command  # ours reads detections
    if command not in commands:
        return
    defaults = defaults_of(commands[command])
    first_flag = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    bare = [word for word in words[:first_flag] if _is_bare(word)]
    known = {key for key, _ in settings if key.replace("_", "-").lower() in OTHERS or key.replace("_", "-") in defaults}
    if not known and not bare and list(arguments[:1]) == [of_command]:
        return
    line = Line(command, defaults)
    for i, word in enumerate(words):
        setting = (word, "True") if word in bare else _split(word)
        if setting:
            line.add(*setting)
        else:
            (line.files if i < first_flag else line.flags).append(word)
    without = f" ({'; '.join(line.left_out)})" if line.left_out else ""
    raise UsageError(f"Settings are flags here: type `{shlex.join(['maskrcnn', *line.words()])}`{without}.")


def _split(word: str) -> tuple[str, str] | None:
    """Key and value of a setting; None where the word is none, or names a file."""
    setting = SETTING.fullmatch(word)
    return None if setting is None or os.path.exists(word) else (setting[1], setting[2])  # noqa: PTH110 - no Path may hold it


def _is_bare(word: str) -> bool:
    """Whether it is a setting without a value, which is true: ``save_txt``."""
    named = word in SAID or (word.replace("_", "-") in {*HABITS, *SAID} and "_" in word)
    return named and not os.path.exists(word)  # noqa: PTH110
