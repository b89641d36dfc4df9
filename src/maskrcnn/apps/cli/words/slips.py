"""What is meant by a command or flag that is not there: a near name, or the habit of another program."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from maskrcnn.checks import closest
from maskrcnn.errors import UsageError

ALWAYS = {"help", "help-all", "quiet", "version"}
# What others call our flags; the first that the command has is meant.
HABITS: dict[str, tuple[str, ...]] = {
    "batch-size": ("batch",),
    "bs": ("batch",),
    "ims-per-batch": ("batch",),
    "imgsz": ("image-size",),
    "img": ("image-size",),
    "img-size": ("image-size",),
    "size": ("image-size",),
    "conf": ("score",),
    "conf-thres": ("score",),
    "confidence": ("score",),
    "confidence-threshold": ("score",),
    "threshold": ("score",),
    "max-det": ("max-detections",),
    "weights": ("model",),
    "checkpoint": ("model",),
    "config-file": ("model",),
    "project": ("out",),
    "name": ("out",),
    "save-dir": ("out",),
    "output": ("out",),
    "output-dir": ("out",),
    "exist-ok": ("overwrite",),
    "force": ("overwrite",),
    "lr0": ("lr",),
    "learning-rate": ("lr",),
    "num-epochs": ("epochs",),
    "num-workers": ("workers",),
    "augment": ("flip",),
    "amp": ("precision",),
    "half": ("precision",),
    "gpu": ("device",),
    "color": ("colour",),
    "line-thickness": ("line-width",),
    "hide-labels": ("no-labels",),
    "hide-boxes": ("no-boxes",),
    "save-txt": ("to",),
    "save-crop": ("cutouts",),
    "format": ("to",),
    "verbose": ("quiet",),
    "cls": ("classes",),
    "class": ("classes",),
    "validation": ("val",),
    "vid-stride": ("every",),
    "stride": ("every",),
    "frame-rate": ("fps",),
    "start": ("from",),
    "end": ("until",),
    "line": ("count",),
    "lines": ("count",),
    "region": ("zone",),
    "polygon": ("zone",),
    "heatmap": ("heat-map",),
    "anonymise": ("blur",),
    "anonymize": ("blur",),
    "green-screen": ("green",),
    "bvh": ("motion",),
    "openpose": ("motion",),
}
# Flags of others that no flag of ours is meant by.
SAID = {
    "show": "no window is opened: the pictures are files in the folder that --out names",
    "view-img": "no window is opened: the pictures are files in the folder that --out names",
    "save": "pictures are always written, into the folder that --out names",
}
FILES = {"source", "input", "inputs", "image", "images", "data", "dataset", "img-path"}  # given without a flag here
COMMANDS = {"val": "evaluate", "test": "evaluate", "eval": "evaluate", "detect": "predict", "segment": "predict"}
COMMANDS |= {"pose": "predict", "infer": "predict", "inference": "predict", "check": "doctor", "export": "convert"}
SETTING = re.compile(r"([a-z][\w-]*)=(.*)")  # as ultralytics has them


def flags_of(record: Any) -> set[str]:
    """The names of a command's flags, without dashes; positional arguments are among them."""
    names: set[str] = set()
    for field in dataclasses.fields(record):
        own = field.default
        names |= flags_of(own) if dataclasses.is_dataclass(own) else {field.name.strip("_").replace("_", "-")}
    return names


def refuse_slips(arguments: Sequence[str], commands: Mapping[str, Callable[..., Any]]) -> None:
    """Say what is meant by a command or a flag that is not there.

    Args:
        arguments: of the command line.
        commands: their classes, by name.

    Raises:
        UsageError: there is no such command or flag; the likeliest is named.
    """
    if not arguments or arguments[0].startswith("-"):
        return
    name = arguments[0]
    if name not in commands:
        meant = COMMANDS.get(name) or closest(name, commands)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(commands)}."
        raise UsageError(f"There is no command {name}; {hint}")
    known = (flags_of(commands[name]) | ALWAYS) - FILES
    for argument in arguments[1:]:
        flag = argument.partition("=")[0]
        if flag.startswith("--") and len(flag) > 2 and flag[2:].replace("_", "-") not in known:
            raise UsageError(_no_flag(name, flag, known))
        setting = SETTING.fullmatch(argument)
        if setting and not os.path.exists(argument):  # noqa: PTH110 - no Path may hold it
            words = _meant(setting[1], known)
            if words:
                instead = f"write {words} {setting[2]}" if words.startswith("--") else words
                raise UsageError(f"{name} does not take {argument}: {instead}.")
    _refuse_lists(name, arguments[1:], commands[name])


def _refuse_lists(command: str, arguments: Sequence[str], record: Any) -> None:
    """Flags that take several values are given once, and with one at least: of two only the last would be heard."""
    flags = [argument.partition("=")[0].replace("_", "-") for argument in arguments]
    for field in dataclasses.fields(record):
        flag = f"--{field.name.replace('_', '-')}"
        if not isinstance(field.default, tuple) or flag not in flags:
            continue
        if flags.count(flag) > 1:
            raise UsageError(f"{command} has {flag} twice: write all its values behind one {flag}.")
        place = flags.index(flag)
        following = arguments[place + 1] if place + 1 < len(arguments) else "--"
        if "=" not in arguments[place] and following.startswith("--"):
            raise UsageError(f"{flag} takes a value, or several; see maskrcnn {command} --help.")


def _no_flag(command: str, flag: str, known: set[str]) -> str:
    words = _meant(flag[2:], known)
    hint = f"did you mean {words}?" if words.startswith("--") else f"{words or f'see maskrcnn {command} --help'}."
    return f"{command} has no {flag}; {hint}"


def _meant(flag: str, known: set[str]) -> str:
    """The flag of ours that is meant, with dashes, or a sentence; empty where nothing is near."""
    flag = flag.replace("_", "-").lower()
    if flag in FILES:
        return "name the files without a flag"
    if flag in known:
        return f"--{flag}"
    if flag in SAID:
        return SAID[flag]
    ours = next((name for name in HABITS.get(flag, ()) if name in known), "") or closest(flag, known)
    return f"--{ours}" if ours else ""
