"""``plan.yaml``: a line for each setting with its reason behind it, to be read, edited and passed back."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.planning.recipe import Recipe
from maskrcnn.planning.situation import Choice, Situation

NAME = "plan.yaml"
BESIDE_RECIPE: dict[str, Any] = {"model": str, "val_fraction": float}  # what a plan has that is no part of a recipe
SECTIONS = {
    "task": "What is learned",
    "model": "Where it starts, and what is held out",
    "image_size": "What the model sees and may find",
    "spacing": "What the model sees and may find",
    "scale": "How samples are varied",
    "precision": "How it learns",
    "epochs": "How long",
}
HEAD = """\
# The plan of this training. Each line is a setting and the reason for it. Change what you know better and pass it back:
#     maskrcnn train DATA --plan {path}
# A line that you delete is planned anew; a flag on the command line goes before a line here.
"""


@dataclass(frozen=True)
class Plan:
    """Settings by name, each with its reason, what the data look like in sentences, and what all of it was made for."""

    choices: dict[str, Choice]
    about: tuple[str, ...] = ()
    made_for: Situation | None = None

    def __getitem__(self, name: str) -> Any:
        return self.choices[name].value

    def recipe(self) -> Recipe:
        """The settings as flags of the training. Raises UsageError for what cannot be."""
        recipe = Recipe(**{name: c.value for name, c in self.choices.items() if name not in BESIDE_RECIPE})
        recipe.check()
        return recipe

    def text(self, path: str | Path = NAME) -> str:
        """The whole file."""
        lines = [HEAD.format(path=path).rstrip(), "#", *(f"# {_one_line(sentence)}" for sentence in self.about)]
        written = {name: f"{name}: {as_yaml(choice.value)}" for name, choice in self.choices.items()}
        width = min(max(map(len, written.values()), default=0), 40)
        for name, choice in self.choices.items():
            if name in SECTIONS:
                lines += ["", f"# {SECTIONS[name]}"]
            lines.append(f"{written[name]:<{width}}  # {_one_line(choice.reason)}")
        return "\n".join(lines) + "\n"

    def save(self, path: Path) -> None:
        with atomic_write(path) as temporary:
            temporary.write_text(self.text(path), encoding="utf-8")


def _one_line(sentence: str) -> str:
    """Without line ends and what else YAML takes for the end of a comment or refuses."""
    return "".join(letter if letter.isprintable() else " " for letter in sentence)


def as_yaml(value: Any) -> str:
    """A value on one line."""
    import yaml

    plain = list(value) if isinstance(value, tuple) else value
    texts = map(str, plain if isinstance(plain, list) else [plain])
    as_they_are = all(text.isprintable() for text in texts)  # YAML would take some of the others for line ends
    written = yaml.safe_dump([plain], default_flow_style=True, width=10**9, allow_unicode=as_they_are)
    inside: str = written.rstrip("\n")[1:-1]
    return inside


def read_plan(path: Path) -> dict[str, Any]:
    """The settings of a plan, as its user left them.

    Raises:
        UsageError: no such file, no YAML, a name that no setting has, a value of another kind.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"The plan {path} cannot be read ({why}); name a plan.yaml with --plan.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "it"
        raise UsageError(f"The plan {path} is not YAML: look at {where}, which should read `name: value`.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"The plan {path} holds no settings: it should have lines like `epochs: 20`.")
    return checked(content, path)


def takes_off(kind: Any) -> bool:
    """Whether a setting of this type may be ``off``."""
    inner = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
    return typing.get_origin(inner) is typing.Literal and "off" in typing.get_args(inner)


def checked(content: Mapping[Any, Any], path: Path) -> dict[str, Any]:
    """Settings in the types that they have in the program. Raises UsageError, see :func:`read_plan`."""
    hints = {**typing.get_type_hints(Recipe), **BESIDE_RECIPE}
    values = {}
    for name, value in content.items():
        if name not in hints:
            near = difflib.get_close_matches(str(name), hints, n=1)
            guess = f" Did you mean {near[0]}?" if near else " `maskrcnn train --help` lists what there is."
            raise UsageError(f"{path}: there is no setting {name}.{guess}")
        try:
            # YAML takes a bare `off` for false
            values[name] = fitting("off" if value is False and takes_off(hints[name]) else value, hints[name])
        except (TypeError, ValueError):
            raise UsageError(f"{path}: {name} takes {in_words(hints[name])}, not {value!r}.") from None
    try:
        Recipe(**{name: value for name, value in values.items() if name not in BESIDE_RECIPE}).check()
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if not 0 <= values.get("val_fraction", 0.0) < 1:
        raise UsageError(f"{path}: val_fraction must lie between 0 and 1, not {values['val_fraction']}.")
    return values


def fitting(value: Any, hint: Any) -> Any:
    """``value`` in the type ``hint``. Raises TypeError or ValueError where it is something else."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else fitting(value, options[0])
    if origin is Literal:
        if value not in options:
            raise ValueError
        return value
    if origin is tuple:
        items = list(value) if isinstance(value, list | tuple) else [value]
        kinds = [options[0]] * len(items) if options[-1] is Ellipsis else list(options)
        if len(kinds) != len(items):
            raise ValueError
        return tuple(fitting(item, kind) for item, kind in zip(items, kinds))
    if hint is float and not isinstance(value, bool) and isinstance(value, int | float | str):
        return float(value)  # a text too: YAML takes 6e-4 for one
    if isinstance(value, bool) != (hint is bool) or not isinstance(value, hint):
        raise TypeError
    return value


def in_words(hint: Any) -> str:
    """What a setting takes, for the user."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return in_words(options[0])
    if origin is Literal:
        return f"one of {', '.join(map(str, options))}"
    if origin is tuple and options[-1] is Ellipsis:
        return f"a list in which each is {in_words(options[0])}"
    if origin is tuple:
        return f"a list of {len(options)}, each {in_words(options[0])}"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}.get(hint, str(hint))
