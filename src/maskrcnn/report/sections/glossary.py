"""The words of the page, each in a sentence."""

from __future__ import annotations

from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, section, table, tag


def words(facts: Facts) -> Html:
    """The section."""
    shown = f"{facts.diagnosis.threshold:g}"
    terms = {
        "IoU": "Intersection over union: what two outlines share, divided by what they cover together; 1 is the same.",
        "found": f"A detection of the object's class scores more than {shown} and overlaps it by an IoU of 0.5 or "
        f"more, by {facts.kind}. Each detection finds at most one object.",
        "missed": "A labelled object (no crowd, and with a mask where masks are judged) that was not found.",
        "crowd": "A label over many objects that nobody separated: a detection on it is neither right nor wrong.",
        "precision": "Of what is detected, the part that is right.",
        "recall": "Of what is there, the part that is found.",
        "F1": "2 × found / (2 × found + false + missed).",
        "RPN": "Region proposal network: the first stage, which looks for anything at all and proposes boxes.",
        "anchor": "One of the fixed boxes from which the first stage starts.",
        "NMS": "Non-maximum suppression: of boxes that overlap much, only the best stays.",
        "detection cap": "The most detections of one image that are kept.",
    }
    rows = [[tag("th", name, scope="row"), tag("td", meaning)] for name, meaning in terms.items()]
    return section("words", "Words", table(["word", "what it means here"], rows, words=2))
