"""The help of a command: what it does, two examples, and its flags in groups with their defaults."""

from __future__ import annotations

import shutil
import textwrap
import warnings
from argparse import Action
from collections.abc import Callable, Iterator
from typing import Any

import tyro

from maskrcnn.apps.cli.words.groups import EVERYDAY, EVERYWHERE, EXAMPLES, EXIT_CODES, GROUPS, SHORT

WIDEST, INDENT, COLUMN = 100, 2, 24  # of the page, its lines, and where explanations begin


def command_help(name: str, command: Callable[..., Any], everything: bool) -> str:
    """The page of a command.

    Args:
        name: of the command.
        command: its class.
        everything: all flags; else of a long command the everyday ones.

    Returns:
        The page, as wide as the terminal is, up to 100 characters.
    """
    width = max(50, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    with warnings.catch_warnings():  # the function is to be replaced one day; a test will say when it has gone
        warnings.simplefilter("ignore", DeprecationWarning)
        parser = tyro.extras.get_parser(command, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    actions = [action for action in parser._actions if action.dest != "help"]
    named = [action for action in actions if not action.option_strings]
    flags = {action.option_strings[-1].removeprefix("--"): action for action in actions if action.option_strings}
    usage = " ".join(["usage: maskrcnn", name, "[FLAGS]", *(str(action.metavar) for action in named)])
    lines = [usage, "", *textwrap.wrap(" ".join((command.__doc__ or "").split()), width), ""]
    lines += ["examples:", *(" " * INDENT + example for example in EXAMPLES.get(name, ())), ""]
    lines += [line for action in named for line in _entry(str(action.metavar), _explained(action), width)]
    for title, own in _groups(name, list(flags)):
        if everything or name not in SHORT or title == EVERYDAY:
            lines += ["", f"{title}:"]
            lines += [line for flag in own for line in _entry(_flag(flag, flags[flag]), _explained(flags[flag]), width)]
    lines += ["", "every command:", *(line for entry in EVERYWHERE for line in _entry(*entry, width)), ""]
    if name in SHORT and not everything:
        lines.append(f"All {len(flags)} flags: maskrcnn {name} --help-all")
    return "\n".join([*lines, *textwrap.wrap(EXIT_CODES, width)])


def _groups(name: str, flags: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Titles and flags of the groups; those that no group names are the last."""
    left = list(flags)
    for title, words in GROUPS.get(name, ()):
        own = [flag for flag in words.split() if flag in left]
        left = [flag for flag in left if flag not in own]
        if own:
            yield title, own
    if left:
        yield ("further flags" if name in GROUPS else "flags"), left


def _flag(flag: str, action: Action) -> str:
    metavar = " ".join(action.metavar) if isinstance(action.metavar, tuple) else str(action.metavar or "")
    return f"--{flag} {metavar}".strip()


def _explained(action: Action) -> str:
    return " ".join(str(action.help or "").split()).replace(" (default: False)", "")


def _entry(term: str, words: str, width: int) -> list[str]:
    """A flag or argument and its explanation, beside it where there is room."""
    wrapped = textwrap.wrap(words, width - INDENT - COLUMN, break_on_hyphens=False)
    if len(term) > COLUMN - 2:
        return [" " * INDENT + term, *(" " * (INDENT + COLUMN) + line for line in wrapped)]
    first, *rest = wrapped or [""]
    return [" " * INDENT + term.ljust(COLUMN) + first, *(" " * (INDENT + COLUMN) + line for line in rest)]
