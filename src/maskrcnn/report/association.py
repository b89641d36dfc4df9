"""The page of what goes with a label: the result, the picture, the regions, and how it was tested."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.checks import listed
from maskrcnn.files import atomic_write
from maskrcnn.report.html import Html, lead, section, table, tag
from maskrcnn.report.style import STYLE

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 560, 320, 86, 44, 12, 16  # of the chart, and its margins
TICKS = 5
MOST_ROWS = 200


@dataclass(frozen=True)
class Points:
    """A point for each file.

    Attributes:
        x: float64 ``[n]``, the label; of classes their numbers from 0.
        y: float64 ``[n]``, what was measured.
        x_name: below the chart.
        y_name: beside it.
        classes: their names; empty where the label is a number.
    """

    x: np.ndarray
    y: np.ndarray
    x_name: str
    y_name: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """What the page shows.

    Attributes:
        by: the label.
        sentence: the result.
        variables: of each column that was used its name and what is in it.
        adjust: those that were taken out.
        effect_is: what an effect is.
        rows: of ``regions.csv``.
        points: of the strongest region, or None.
        picture: the regions over the mean, or None.
        files: the maps.
    """

    by: str
    sentence: str
    variables: tuple[tuple[str, str], ...]
    adjust: tuple[str, ...]
    effect_is: str
    rows: tuple[Mapping[str, object], ...]
    points: Points | None
    picture: Image.Image | None = None
    files: tuple[str, ...] = ()


def write_page(path: Path, page: Page) -> None:
    """Write the page, whole or not at all: one file that needs no network."""
    with atomic_write(path) as beside:
        beside.write_text(render(page), encoding="utf-8")


def render(page: Page) -> Html:
    """The page."""
    taken = f"Taken out first: {listed(page.adjust, 'and')}. " if page.adjust else "Nothing was taken out first. "
    body = tag(
        "main",
        tag("h1", f"What goes with {page.by}"),
        tag("p", page.sentence, class_="lead"),
        None if page.picture is None else _figure(page.picture, page.sentence),
        _regions(page),
        None if page.points is None else _chart(page.points, page.adjust),
        section(
            "tested",
            "How it was tested",
            lead(f"{taken}An effect is {page.effect_is}."),
            table(["column", "what is in it"], page.variables, words=2),
            tag(
                "p",
                "p is two-sided and corrected for all that was looked at. It says how often chance alone would give as "
                "much anywhere; it does not say that the label is the cause, nor, of a cluster, that each part of it "
                "matters. What has a large p is not shown to have no effect.",
            ),
        ),
        tag("footer", tag("p", _written(page), class_="soft")),
    )
    head = tag(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        tag("title", f"What goes with {page.by}"),
        tag("style", Html(STYLE)),
    )
    return Html("<!doctype html>\n" + tag("html", head, tag("body", body), lang="en") + "\n")


def _written(page: Page) -> str:
    maps = f" The maps: {', '.join(page.files)}." if page.files else ""
    return f"Written by maskrcnn. The same numbers: regions.csv.{maps}"


def _figure(picture: Image.Image, words: str) -> Html:
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(packed.getvalue()).decode()}"
    return tag("figure", tag("img", src=source, alt=words, style="max-width:100%;height:auto"))


def _regions(page: Page) -> Html | None:
    if not page.rows:
        return None
    head = list(page.rows[0])
    rows = [[str(row[name]) for name in head] for row in page.rows[:MOST_ROWS]]
    left = [len(page.rows) - MOST_ROWS]
    more = f"{left[0]} more are in regions.csv." if left[0] > 0 else None
    return section("regions", "Regions", table(head, rows), None if more is None else tag("p", more))


def _chart(points: Points, adjust: Sequence[str]) -> Html:
    taken = f", {listed(adjust, 'and')} taken out" if adjust else ""
    return section(
        "strongest",
        "The strongest",
        lead(
            f"A point is a file: {points.y_name} against {points.x_name}{taken}.",
            "It was chosen because it is the strongest of these very files, so in new files it will look weaker.",
        ),
        tag("figure", scatter(points)),
    )


def scatter(points: Points) -> Html:
    """A chart of the points as inline SVG; classes stand side by side, with their means."""
    x, y = np.asarray(points.x, dtype=np.float64), np.asarray(points.y, dtype=np.float64)
    low_x, high_x = (-0.5, len(points.classes) - 0.5) if points.classes else _span(x)
    low_y, high_y = _span(y)
    random = np.random.default_rng(0)
    shift = random.uniform(-0.14, 0.14, len(x)) if points.classes else np.zeros(len(x))

    def across(value: float) -> float:
        return LEFT + (value - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)

    def down(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)

    parts = []
    for value in np.linspace(low_y, high_y, TICKS).tolist():
        parts.append(_line(LEFT, down(value), WIDTH - RIGHT, down(value), "grid"))
        parts.append(_text(LEFT - 7, down(value) + 4, f"{value:.4g}", "tick end"))
    places = list(enumerate(points.classes)) if points.classes else []
    places = places or [(value, f"{value:.4g}") for value in np.linspace(low_x, high_x, TICKS).tolist()]
    parts += [_text(across(value), HEIGHT - BOTTOM + 17, name, "tick middle") for value, name in places]
    dots = [
        tag("circle", cx=f"{across(a):.1f}", cy=f"{down(b):.1f}", r="4")
        for a, b in zip((x + shift).tolist(), y.tolist())
    ]
    parts.append(tag("g", *dots, class_="dot good", fill_opacity="0.6"))
    if points.classes:
        for k in range(len(points.classes)):
            if (x == k).any():
                mean = down(float(y[x == k].mean()))
                parts.append(_line(across(k - 0.25), mean, across(k + 0.25), mean, "line s1"))
    elif np.ptp(x) > 0:
        slope, start = np.polyfit(x, y, 1)
        parts.append(
            _line(
                across(x.min()),
                down(slope * x.min() + start),
                across(x.max()),
                down(slope * x.max() + start),
                "line s1",
            )
        )
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, points.x_name, "axis middle"))
    turned = f"translate(13 {(HEIGHT - BOTTOM + TOP) / 2:.0f}) rotate(-90)"
    parts.append(tag("text", points.y_name, class_="axis middle", transform=turned))
    title = f"{points.y_name} against {points.x_name}"
    size = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "style": f"max-width:{WIDTH}px", "role": "img", "aria_label": title}
    return tag("svg", tag("title", title), *parts, **size)


def _span(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=kind)


def _text(x: float, y: float, words: str, kind: str) -> Html:
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", class_=kind)
