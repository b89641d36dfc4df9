"""What is meant by a command or flag that is not there: a near name, or the habit of another program."""

from __future__ import annotations

import dataclasses
import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from maskrcnn.apps.cli.words.flags import defaults_of, flags_of, meant
from maskrcnn.apps.cli.words.groups import EXAMPLES
from maskrcnn.apps.cli.words.habits import COMMANDS, FILES, SAID_COMMANDS
from maskrcnn.apps.cli.words.settings import refuse_settings
from maskrcnn.checks import closest
from maskrcnn.errors import UsageError
from maskrcnn.jobs.inputs.words import names_video

ALWAYS = {"help", "help-all", "quiet", "version"}
HELP = {"-h", "--help", "--help-all"}


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
    refuse_settings(arguments, commands)
    if name not in commands:
        near = COMMANDS.get(name) or closest(name, commands)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(commands)}."
        hint = f"{SAID_COMMANDS[name]}." if name in SAID_COMMANDS else hint
        raise UsageError(f"There is no command {name}; {hint}")
    known = (flags_of(commands[name]) | ALWAYS) - FILES
    for before, argument in itertools.pairwise(arguments):
        flag = argument.partition("=")[0]
        if before == "--resume" and argument.endswith((".pt", ".safetensors")):
            raise UsageError(f"--resume takes no value: type `maskrcnn {name} DATA --out FOLDER --resume`.")
        if flag.startswith("--") and len(flag) > 2 and flag[2:].replace("_", "-") not in known:
            raise UsageError(_no_flag(name, flag, known))
    _refuse_lists(name, arguments[1:], commands[name])
    _refuse_missing(name, arguments[1:], commands[name])


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


def _refuse_missing(command: str, arguments: Sequence[str], record: Any) -> None:
    """What a command cannot do without, where so few words follow that it is surely missing."""
    if any(argument.partition("=")[0] in HELP for argument in arguments):
        return
    defaults = {name: default for name, default in defaults_of(record).items() if not isinstance(default, bool)}
    needed = [name for name, default in defaults.items() if default is dataclasses.MISSING]
    given = [argument[2:].replace("_", "-") for argument in arguments if argument.startswith("--")]
    flags = sum(argument.startswith("-") and not argument[1:2].isdigit() for argument in arguments)  # -1 is a value
    words = len(arguments) - flags - len(set(given) & set(defaults))
    missing = [name for name in needed if name not in {flag.partition("=")[0] for flag in given}][max(words, 0) :]
    if command == "track" and arguments and names_video(arguments[0]):
        raise UsageError(
            f"track numbers what another program detected; to find and follow the objects of {arguments[0]}, type "
            f"`maskrcnn predict {shlex.quote(arguments[0])}`."
        )
    if missing:
        typed = f"as in `{EXAMPLES[command][0]}`" if command in EXAMPLES else f"see maskrcnn {command} --help"
        raise UsageError(f"{command} needs {missing[0].upper()}, {typed}.")


def _no_flag(command: str, flag: str, known: set[str]) -> str:
    words = meant(flag[2:], known)
    hint = f"did you mean {words}?" if words.startswith("--") else f"{words or f'see maskrcnn {command} --help'}."
    return f"{command} has no {flag}; {hint}"
