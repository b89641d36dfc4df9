"""Calibration of the scores: how often detections with it are right, and what another threshold would show."""

from __future__ import annotations

import numpy as np

from maskrcnn.drawing.svg import Line, line_chart
from maskrcnn.evaluation.misses.diagnosis import SCORE_BINS
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, cell, decimal, lead, percent, section, table, tag

TENTH = SCORE_BINS // 10
FEW = 10  # detections: a part of fewer says nothing
HONEST = 0.05  # a mean score that is less off than this needs no word


def scores(facts: Facts) -> Html:
    """The section."""
    chart = _chart(facts)
    return section(
        "scores",
        "Scores",
        lead(
            "A score promises how likely a detection is right; this shows how often that is kept, and what you would "
            "see with another --score.",
            _what_follows(facts),
        ),
        tag("div", chart, _thresholds(facts), class_="row"),
    )


def _tenths(facts: Facts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean score, part that is right and number of detections, for each tenth of the scores."""
    wrong, right = facts.diagnosis.by_score.astype(float)
    middles = (np.arange(SCORE_BINS) + 0.5) / SCORE_BINS
    total = (wrong + right).reshape(-1, TENTH).sum(1)
    mean = ((wrong + right) * middles).reshape(-1, TENTH).sum(1) / np.maximum(total, 1)
    return mean, right.reshape(-1, TENTH).sum(1) / np.maximum(total, 1), total


def _what_follows(facts: Facts) -> str:
    mean, part, total = (values[5:] for values in _tenths(facts))
    words = ""
    if total.sum() >= FEW:
        promised, kept = (float((values * total).sum() / total.sum()) for values in (mean, part))
        words = f"Detections over 0.5 score {promised:.2f} in the mean, and {percent(kept, 1)} of them are right: "
        if abs(promised - kept) < HONEST:
            words += "scores can be taken at their word. "
        elif promised > kept:
            words += "scores promise too much. "
        else:
            words += "scores are too modest. "
    now, best = round(facts.diagnosis.threshold * SCORE_BINS), facts.best_score()
    if best == now:
        return words + f"No other threshold is clearly better than {now / SCORE_BINS:g}."
    right, wrong, _ = facts.at_score(best)
    return words + (
        f"--score {best / SCORE_BINS:g} would be better than {now / SCORE_BINS:g}: {right:,} found instead of "
        f"{facts.right:,}, {wrong:,} false instead of {facts.wrong:,}."
    )


def _chart(facts: Facts) -> Html:
    mean, part, total = _tenths(facts)
    enough = total >= FEW
    lines = [
        Line("as promised", (0, 1), (0, 1), "calm"),
        Line("as it is", mean[enough].tolist(), part[enough].tolist(), "good", dots=True),
    ]
    chart = line_chart(lines, "score", "part that is right", "How often detections of each score are right")
    note = f"Tenths of the scores with at least {FEW} detections. Below the dashed line scores promise too much."
    return tag("figure", Html(chart), tag("figcaption", note))


def _thresholds(facts: Facts) -> Html:
    now, best = round(facts.diagnosis.threshold * SCORE_BINS), facts.best_score()
    rows = []
    for k in sorted({*range(TENTH, SCORE_BINS, TENTH), now, best}):
        right, wrong, value = facts.at_score(k)
        name = f"{k / SCORE_BINS:g}" + (" (now)" if k == now else "") + (" (better)" if k == best != now else "")
        numbers = [f"{right:,}", f"{wrong:,}", decimal(value)]
        row = tag("tr", cell(name, left=True), *map(cell, numbers), class_="now" if k in (now, best) else None)
        rows.append(row)
    body = table(["--score", "found", "false", "F1"], [])
    return Html(body.replace("<tbody></tbody>", f"<tbody>{''.join(rows)}</tbody>"))
