"""Why objects were missed: each traced through the steps of the model, as a waterfall."""

from __future__ import annotations

import numpy as np

from maskrcnn.drawing.svg import Step, bars, waterfall
from maskrcnn.evaluation.misses.diagnosis import SIZE_EDGES
from maskrcnn.report.advice import MEANINGS, NAMES, WHAT_TO_DO
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, cell, count, join, lead, percent, section, table, tag, tally

FEW = 5  # objects: a part of fewer says nothing


def missed(facts: Facts) -> Html:
    """The section."""
    body = (_waterfall(facts), _causes(facts)) if facts.lost else ()
    return section(
        "missed",
        "Why objects were missed",
        lead(
            "An object goes through the model step by step; this shows in which step each missed one was lost.",
            _what_follows(facts),
        ),
        *body,
        _sizes(facts),
    )


def _what_follows(facts: Facts) -> str:
    if not facts.lost:
        return "No object was missed."
    reasons = tally([(NAMES[cause], n) for cause, n in facts.causes().items()])
    first = f"{count(facts.lost, 'object')} {'was' if facts.lost == 1 else 'were'} missed: {reasons}"
    stage = sum(facts.causes()[cause] for cause in ("anchor", "rpn box", "rank", "proposal nms"))
    if stage > facts.lost / 2:
        return f"{first}. The first stage, which proposes boxes, loses most: the second never saw these objects."
    return f"{first}."


def _waterfall(facts: Facts) -> Html:
    losses = [(NAMES[cause], n) for cause, n in facts.causes().items() if n]
    total = Step("labelled objects", 0, facts.objects, f"{facts.objects:,}", "calm")
    chart = waterfall(total, losses, "found", "labelled objects")
    tiled = None
    if facts.diagnosis.tiled:
        tiled = tag(
            "p",
            f"{count(facts.diagnosis.tiled, 'image')} {'was' if facts.diagnosis.tiled == 1 else 'were'} cut into "
            "tiles: each object is traced in the tile that sees most of it.",
            class_="soft",
        )
    return join((tag("figure", Html(chart)), tiled))


def _causes(facts: Facts) -> Html:
    rows = []
    for cause, n in facts.causes().items():
        if n:
            sizes = facts.missed_sizes(cause, seen=False)
            words = tag("td", tag("b", NAMES[cause]), Html("<br>"), MEANINGS[cause])
            median = f"{np.median(sizes):.0f} px"
            number = tag("td", f"{n:,}", class_="n", data_cause=cause, data_count=n)
            rows.append([words, number, median, tag("td", WHAT_TO_DO[cause](facts))])
    total = tag("td", f"{facts.lost:,}", class_="n", data_missed=facts.lost)
    rows.append([tag("th", "missed in all", scope="row"), total, "", cell("", left=True)])
    return table(["lost because", "objects", "median length", tag("th", "what follows")], rows)


def _sizes(facts: Facts) -> Html | None:
    """The part found by size, for the sizes that there are."""
    there, found = facts.diagnosis.by_size
    if not there.any():
        return None
    edges = [f"under {SIZE_EDGES[0]} px"]
    edges += [f"{low} to {high} px" for low, high in zip(SIZE_EDGES, SIZE_EDGES[1:])]
    edges += [f"{SIZE_EDGES[-1]} px and more"]
    steps = [
        Step(name, 0, hit / n, f"{percent(hit, n)} of {n:,}", "good" if hit else "calm")
        for name, n, hit in zip(edges, there.tolist(), found.tolist())
        if n
    ]
    known = [(hit / n, name, n) for name, n, hit in zip(edges, there.tolist(), found.tolist()) if n >= FEW]
    words = "Length is the square root of the box's area, in pixels of the file."
    if len(known) > 1:
        low = min(known)
        words += f" Of those {low[1]} long fewest are found: {100 * low[0]:.0f} % of {low[2]:,}."
    title = "How many objects of each size are found"
    return join(
        (tag("h3", "Found, by size"), tag("p", words, class_="soft"), tag("figure", Html(bars(steps, title, most=1.0))))
    )
