"""Advice on missed objects, cause by cause: what it means, and what follows from the numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from maskrcnn.evaluation.misses.diagnosis import SCORE_BINS, f1
from maskrcnn.planning.rules.model import largest_size
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, count, join, listing, tag

# As they are called on the page and in its pictures.
NAMES = {
    "unknown class": "no such class in the model",
    "anchor": "no anchor near",
    "rpn box": "RPN box off target",
    "rank": "ranked out by the RPN",
    "proposal nms": "lost in proposal NMS",
    "box": "moved off by the box head",
    "score": "class score too low",
    "nms": "lost in the final NMS",
    "cap": "beyond the detection cap",
    "mask": "mask wrong",
    "joined": "taken for a neighbour",
}
MEANINGS = {
    "unknown class": "The data label a class that the model was never taught.",
    "anchor": "The model looks for objects around boxes of fixed sizes and shapes, its anchors; none of them "
    "overlapped this object enough (IoU 0.3) to start from, and no box ended on it.",
    "rpn box": "An anchor was near, but no box that the region proposal network (RPN) made of its anchors covered the "
    "object (IoU 0.5).",
    "rank": "The RPN's box covered it, but was ranked behind too many others to be looked at again.",
    "proposal nms": "The RPN's box covered it, but a box ranked better that overlaps it stood for both.",
    "box": "A proposal covered it, but the second stage made a box of it that does not.",
    "score": "A box covered it, but its class scored too low to be shown.",
    "nms": "A box covered it and scored enough, but a better box of the same class that overlaps it stood for both.",
    "cap": "A box covered it and scored enough, but the image already had as many detections as are allowed.",
    "mask": "The box was right, but the mask inside it was not (IoU under 0.5).",
    "joined": "A box of its class covered it, but went to another object, or was lost when tiles or mirrored views "
    "were put together.",
}


@dataclass(frozen=True)
class Advice:
    """Something to do.

    Attributes:
        title: what is wrong, with how many.
        text: what to do about it.
        f1: what F1 would be if it helped in every case.
        sure: whether that was measured, and not only hoped for.
    """

    title: str
    text: Html
    f1: float
    sure: bool = False


def code(words: str) -> Html:
    return tag("code", words)


def missed_advice(facts: Facts) -> list[Advice]:
    """For each cause for which objects were missed."""
    advice = []
    for cause, missed in facts.causes().items():
        if missed:
            best = f1(facts.right + missed, facts.wrong, facts.lost - missed)
            title = f"{count(missed, 'object')} missed: {NAMES[cause]}"
            advice.append(Advice(title, WHAT_TO_DO[cause](facts), best))
    return advice


def score_advice(facts: Facts) -> list[Advice]:
    """Another score to show objects from, where it is better than the present one."""
    now, best = round(facts.diagnosis.threshold * SCORE_BINS), facts.best_score()
    if best == now:
        return []
    right, wrong, value = facts.at_score(best)
    text = join(
        (
            "It costs nothing: ",
            code(f"maskrcnn predict --score {best / SCORE_BINS:g}"),
            f" finds {right:,} objects instead of {facts.right:,}, with {wrong:,} false detections instead of "
            f"{facts.wrong:,}. That is better if an object missed is as bad to you as one made up.",
        )
    )
    return [Advice(f"Show objects from a score of {best / SCORE_BINS:g} on", text, value, sure=True)]


def _unknown(facts: Facts) -> Html:
    names = listing(facts.missed_labels("unknown class"))
    return join(("Train with labels of ", names, ", starting from this model with ", code("--model"), "."))


def _anchor(facts: Facts) -> Html:
    seen = facts.missed_sizes("anchor")
    middle, sizes = float(np.median(seen)), [s for level in facts.config.anchors.sizes for s in level]
    start = f"They are {middle:.0f} px long where the network sees them (the median), and its anchors are "
    start += f"{min(sizes):.0f} to {max(sizes):.0f} px: "
    if middle < min(sizes):
        smaller = code(f"--smallest-anchor {max(2, math.floor(middle))}")
        return join((start, "they are too small. ", _enlarge(facts, middle), ", or train with ", smaller, "."))
    if middle > max(sizes):
        size = _rounded(facts.preprocess.max_size * max(sizes) / middle)
        return join((start, "they are too large. Train and predict with ", code(f"--image-size {size}"), "."))
    return join(
        (
            start,
            "their size is right, so their shape is not. Long thin objects need more training images that show them; a "
            "larger image makes room for more anchors along them.",
        )
    )


def _enlarge(facts: Facts, length: float) -> Html:
    """How objects that the network sees ``length`` samples long are made as large as its smallest anchor."""
    smallest, now = min(s for level in facts.config.anchors.sizes for s in level), facts.preprocess.max_size
    most = _rounded(largest_size(facts.own_side(), torch.cuda.is_available()))
    larger = min(_rounded(now * min(max(smallest / max(length, 1), 1.25), 3)), most)
    tiles = join(("cut large images into tiles (", code(f"--tile {now}"), ")"))
    if larger <= now:
        return join((f"At {now} px images are as large as a plan makes them (", f"{most} px at most here): ", tiles))
    more = " and give it more " if facts.timed else ""
    parts = ("Train and predict with ", code(f"--image-size {larger}"), f" (now {now}; a plan allows up to {most})")
    return join((*parts, more, code("--time") if more else "", ", or ", tiles))


def _if_small(facts: Facts, cause: str) -> Html | None:
    """What helps where most objects missed for ``cause`` are seen smaller than the smallest anchor."""
    middle = float(np.median(facts.missed_sizes(cause)))
    smallest = min(s for level in facts.config.anchors.sizes for s in level)
    if middle >= smallest:
        return None
    start = f" Half of them are under {middle:.0f} px long where the network sees them, and its smallest anchor is "
    return join((start, f"{smallest:.0f} px. ", _enlarge(facts, middle), "."))


def _rounded(size: float) -> int:
    return 32 * max(1, math.ceil(size / 32))


def _longer(facts: Facts) -> Html:
    return join(("Train longer (", code("--epochs"), ") and with more images that show such objects"))


def _rpn_box(facts: Facts) -> Html:
    why = ": the RPN has not learned their extent yet."
    return join((_longer(facts), why, _if_small(facts, "rpn box")))


def _rank(facts: Facts) -> Html:
    limits = facts.config.selection
    return join(
        (
            f"The RPN takes them for background: only the best {limits.post_nms:,} of its boxes in an image go on. ",
            _longer(facts),
            f"{_mostly(facts, 'rank')}.",
            _if_small(facts, "rank"),
        )
    )


def _mostly(facts: Facts, cause: str) -> str:
    """Of which classes the objects missed for ``cause`` are, where there are several classes."""
    if len(facts.diagnosis.class_names) == 1:
        return ""
    return f", most of all of {listing(facts.missed_labels(cause))}"


def _crowded(facts: Facts) -> Html:
    return join(
        (
            "They overlap others of their kind. ",
            code("--copy-paste 0.3"),
            " makes more such scenes for training; a larger ",
            code("--image-size"),
            " helps where the overlap is a matter of a few pixels.",
        )
    )


def _box(facts: Facts) -> Html:
    return join((_longer(facts), "; ", code("--box-loss giou"), " teaches overlap itself."))


def _score(facts: Facts) -> Html:
    scores = [m.score for m in facts.diagnosis.missed if NAMES_INDEX[m.cause] == "score"]
    half = round(facts.diagnosis.threshold * SCORE_BINS / 2)
    close = sum(score > half / SCORE_BINS for score in scores)
    more = facts.at_score(half)[1] - facts.wrong
    return join(
        (
            code(f"--score {half / SCORE_BINS:g}"),
            f" would show at most {close:,} of them, and {count(more, 'more false detection')} (see ",
            tag("a", "Scores", href="#scores"),
            f"). What raises all of them is training: longer, and with more such objects{_mostly(facts, 'score')}.",
            _if_small(facts, "score"),
        )
    )


def _cap(facts: Facts) -> Html:
    cap = facts.config.detection.max_detections
    return join(("An image holds more objects than are allowed: ", code(f"--max-detections {2 * cap}"), "."))


def _mask(facts: Facts) -> Html:
    size = np.median(facts.missed_sizes("mask", seen=False))
    return join(
        (
            f"Half of them are under {size:.0f} px long. Look at the pictures below first: outlines drawn carelessly "
            "count as the model's fault. If the labels are right: a larger ",
            code("--image-size"),
            " for small objects, and ",
            code("--epochs"),
            " for all.",
        )
    )


def _joined(facts: Facts) -> Html:
    if facts.mostly_tiled:
        more = code("--overlap 0.4")
        return join(("Tiles are put together too eagerly or objects are cut by them: try ", more, "."))
    return join(("Two objects were found as one. ", _crowded(facts)))


NAMES_INDEX = tuple(NAMES)
WHAT_TO_DO: dict[str, Callable[[Facts], Html]] = {
    "unknown class": _unknown,
    "anchor": _anchor,
    "rpn box": _rpn_box,
    "rank": _rank,
    "proposal nms": _crowded,
    "box": _box,
    "score": _score,
    "nms": _crowded,
    "cap": _cap,
    "mask": _mask,
    "joined": _joined,
}
