"""What a notebook shows of what was found: the picture, and a table."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL import Image

WIDEST = 1024  # pixels of a picture in a notebook
ROWS = 20  # of the table
AXES = ("x", "y", "z")


def as_png(picture: Image.Image) -> bytes:
    """A picture, reduced where it is large."""
    shown = picture.convert("RGB")
    shown.thumbnail((WIDEST, 4 * WIDEST))
    packed = io.BytesIO()
    shown.save(packed, "PNG")
    return packed.getvalue()


def as_img(picture: Image.Image, words: str) -> str:
    """A picture as HTML that needs nothing from elsewhere, with words for those who cannot see it."""
    packed = base64.b64encode(as_png(picture)).decode()
    return f'<img alt="{escape(words)}" style="max-width:100%" src="data:image/png;base64,{packed}"/>'


def as_html(
    summary: str,
    picture: Image.Image | None,
    names: Sequence[str],
    scores: Sequence[float],
    boxes: Sequence[Sequence[float]],
) -> str:
    """The picture with a table of the objects below it.

    Args:
        summary: a line that stands first.
        picture: None where there is none.
        names: of each object.
        scores: of each object.
        boxes: of each object, low corner and high corner.

    Returns:
        HTML, which needs nothing from elsewhere.
    """
    parts = [f"<p><b>{escape(summary)}</b></p>"]
    if picture is not None:
        parts.append(as_img(picture, summary))
    if names:
        ndim = len(boxes[0]) // 2
        corners = [f"{axis}{end}" for end in (1, 2) for axis in AXES[:ndim]]
        head = "".join(f"<th>{title}</th>" for title in ("", "class", "score", *corners))
        rows = [
            f"<tr><td>{k}</td><td>{escape(name)}</td><td>{score:.2f}</td>"
            + "".join(f"<td>{c:.1f}</td>" for c in box)
            + "</tr>"
            for k, (name, score, box) in enumerate(zip(names, scores, boxes))
        ]
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows[:ROWS])}</tbody></table>")
        if len(rows) > ROWS:
            parts.append(f"<p>and {len(rows) - ROWS} more</p>")
    return "".join(parts)
