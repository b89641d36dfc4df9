"""The end of the page: the command that comes next, to be copied."""

from __future__ import annotations

import shlex
from typing import Any

from maskrcnn.report.html import Html, section, tag


def next_command(content: dict[str, Any], score: float | None = None) -> Html:
    """The section.

    Args:
        content: of ``metrics.json``.
        score: to show objects from, where another than the usual one is better.
    """
    words = "Put a photo or a folder of photos in the place of PHOTOS. Pictures, lists and a table go into the folder."
    better = f" A score of {score:g} was better on these images than the usual one." if score is not None else ""
    return section(
        "next",
        "The next thing to type",
        tag("p", f"See what the model finds in photos of your own. {words}{better}"),
        tag("pre", tag("code", command_of(str(content["model"]), score))),
    )


def command_of(model: str, score: float | None = None) -> str:
    """The command line that predicts with a model, quoted as a shell wants it."""
    given = [] if score is None else ["--score", f"{score:g}"]
    return shlex.join(["maskrcnn", "predict", "PHOTOS", "--model", model, *given, "--out", "found"])
