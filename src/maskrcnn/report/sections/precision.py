"""Average precision: the tables of ``metrics.json`` with sizes and classes, and the curves behind them."""

from __future__ import annotations

import numpy as np

from maskrcnn.drawing.svg import Line, line_chart, spark_line
from maskrcnn.evaluation.bootstrap import RECALL_STEPS
from maskrcnn.evaluation.coco import COCO_TYPES, SUMMARY
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, cell, count, decimal, join, lead, measure, section, table, tag

SIZES = {"APs": "under 32 × 32 px", "APm": "up to 96 × 96 px", "APl": "larger"}
STRICTNESS = ((0, "IoU 0.5", "s0"), (5, "IoU 0.75", "s1"), (8, "IoU 0.9", "s2"))


def precision(facts: Facts) -> Html:
    """The section."""
    kinds = [kind for kind in COCO_TYPES if f"{kind}/AP" in facts.content]
    charts = (_curves(facts, kind) for kind in kinds)
    return section(
        "precision",
        "Average precision",
        lead(
            "Average precision (AP) asks of all detections, best score first: how many are right (precision) by the "
            "time that so many objects are found (recall)?",
            _what_follows(facts),
        ),
        _overall(facts, kinds),
        tag("h3", "Precision and recall"),
        tag(
            "p",
            "Each curve begins with the surest detections on the left and goes on to the least sure. The further it "
            "reaches to the right, the more is found; the higher it stays, the less is false. The stricter the overlap "
            "(IoU) that is asked, the lower the curve. The area under the first is AP50.",
            class_="soft",
        ),
        tag("div", *charts, class_="row"),
        tag("h3", "By class"),
        _by_class(facts),
    )


def _what_follows(facts: Facts) -> str:
    name, values = facts.kind, facts.content
    ap50, ap75 = values[f"{name}/AP50"], values[f"{name}/AP75"]
    sentences = []
    if ap50 and ap75 is not None:
        loose = ap75 < 0.5 * ap50
        sentences.append(
            f"AP75 is {ap75:.3f} against an AP50 of {ap50:.3f}: "
            + ("objects are found, but outlined loosely." if loose else "what is found is outlined well.")
        )
    known = {size: values[f"{name}/{size}"] for size in SIZES if values.get(f"{name}/{size}") is not None}
    if len(known) > 1:
        weakest = min(known, key=lambda size: known[size])
        word = {"APs": "Small", "APm": "Middling", "APl": "Large"}[weakest]
        sentences.append(
            f"{word} objects ({SIZES[weakest]}) are the weakest: {known[weakest]:.3f}"
            + (", which a larger --image-size or tiling would help." if weakest == "APs" else ".")
        )
    return " ".join(sentences)


def _overall(facts: Facts, kinds: list[str]) -> Html:
    words = {
        "AP": "mean over overlaps of 0.5 to 0.95",
        "AP50": "found if it overlaps by 0.5",
        "AP75": "found if it overlaps by 0.75",
        **SIZES,
        "AR": "most that could be found, mean over overlaps",
    }
    rows = []
    for name in SUMMARY:
        numbers = (measure(f"{kind}/{name}", facts.content.get(f"{kind}/{name}")) for kind in kinds)
        rows.append([tag("th", name, scope="row"), cell(words[name], left=True), *numbers])
    bounds = ((kind, facts.content["intervals"].get(f"{kind}/AP")) for kind in kinds)
    certain = [
        tag("td", f"{b[0]:.3f} – {b[1]:.3f}" if b else "", class_="n", data_interval=f"{k}/AP") for k, b in bounds
    ]
    if facts.content["intervals"]:
        rows.insert(1, [cell("", left=True), cell("95 % interval of AP", left=True), *certain])
    return table(["", "", *kinds], rows, words=2)


def _curves(facts: Facts, kind: str) -> Html:
    table_ = facts.result.precision[kind]
    lines = []
    for index, name, style in STRICTNESS:
        curve = mean_curve(table_[index, :, :, 0])
        if curve is not None:
            lines.append(Line(name, RECALL_STEPS.tolist(), curve.tolist(), style))
    chart = line_chart(lines, "recall: part of the objects found", "precision: part that is right", f"{kind} precision")
    return tag("figure", Html(chart), tag("figcaption", {"box": "Boxes", "mask": "Masks"}.get(kind, "Keypoints")))


def mean_curve(precision: np.ndarray) -> np.ndarray | None:
    """Precision ``[101]`` from ``[101, K]``, over the classes that have objects; its mean is their mean AP."""
    known = precision[:, (precision > -1).all(0)]
    return known.mean(1) if known.size else None


def average(precision: np.ndarray) -> float | None:
    """COCO's mean of a table in which -1 says that there was nothing to find."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _by_class(facts: Facts) -> Html:
    names, kind = facts.diagnosis.class_names, facts.kind
    values = facts.result.precision[kind]
    rows = []
    for k, name in enumerate(names):
        if not facts.diagnosis.objects[k + 1]:
            continue
        own = facts.content[f"{kind}/AP/{name}"]
        own_curve = mean_curve(values[0, :, k : k + 1, 0])
        curve = "" if own_curve is None else spark_line(RECALL_STEPS.tolist(), own_curve.tolist(), f"curve of {name}")
        sizes = (average(values[:, :, k, area]) for area in range(1, values.shape[-1]))
        row = [
            tag("th", name, scope="row"),
            f"{facts.diagnosis.objects[k + 1]:,}",
            f"{facts.diagnosis.found[k + 1]:,}",
            measure(f"{kind}/AP/{name}", own),
            decimal(average(values[0, :, k, 0])),
            *map(decimal, sizes),
            tag("td", Html(curve)),
        ]
        rows.append((own is None, -(own or 0.0), row))
    ordered = [row for *_, row in sorted(rows, key=lambda item: item[:2])]
    absent = len(names) - len(rows)
    left_out = f" {count(absent, 'class', 'classes')} without an object here left out." if absent else ""
    note = (
        f"Of {kind}s; “found” at a score of {facts.diagnosis.threshold:g} and an overlap of 0.5; small, medium and "
        "large as above. The curve is precision over recall at an overlap of 0.5." + left_out
    )
    head = ["class", "objects", "found", "AP", "AP50", "small", "medium", "large", tag("th", "curve")]
    return join((table(head, ordered), tag("p", note, class_="soft")))
