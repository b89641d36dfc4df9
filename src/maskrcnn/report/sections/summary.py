"""The top of the page: how good the model is, in three sentences, and what to do, by what it could bring."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.report.advice import NAMES, Advice, missed_advice, score_advice
from maskrcnn.report.advice_false import false_advice
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, count, decimal, join, percent, tag

SECTIONS = {
    "precision": "Average precision",
    "missed": "Why objects were missed",
    "false": "False detections",
    "classes": "Classes",
    "scores": "Scores",
    "pictures": "Pictures",
    "words": "Words",
    "next": "The next thing to type",
}
MOST = 8  # things to do


def summary(facts: Facts) -> Html:
    """Title, key numbers, summary and list of things to do."""
    content = facts.content
    links = (tag("a", title, href=f"#{name}") for name, title in SECTIONS.items())
    under = f"{count(content['images'], 'image')} of {content['data']} · {count(content['objects'], 'labelled object')}"
    return join(
        (
            tag("h1", f"{Path(str(content['model'])).name}: what it finds and what it misses"),
            tag("p", under, class_="under"),
            _tiles(facts),
            tag("p", join((found_sentence(facts), why_sentence(facts), trust_sentence(facts)), " "), class_="lead"),
            *(tag("p", sentence) for sentence in facts.of_training),
            _compared(facts),
            _unread(facts),
            tag("nav", *links),
            _todo(facts),
        )
    )


def _tiles(facts: Facts) -> Html:
    shown = facts.diagnosis.threshold
    tiles = [
        (tag("b", decimal(facts.content[f"{facts.kind}/{n}"]), data_metric=f"{facts.kind}/{n}"), f"{facts.kind} {n}")
        for n in ("AP", "AP50")
    ]
    tiles += [
        (tag("b", percent(facts.right, facts.objects)), f"found: {facts.right:,} of {facts.objects:,}"),
        (tag("b", f"{facts.wrong:,}"), "false detections"),
        (tag("b", f"{facts.f1:.2f}"), f"F1 at a score of {shown:g}"),
    ]
    return tag("div", *(tag("div", value, tag("span", name), class_="tile") for value, name in tiles), class_="tiles")


def found_sentence(facts: Facts) -> str:
    """How much is found."""
    shown = f"from the score of {facts.diagnosis.threshold:g} on, as maskrcnn predict shows them unless told otherwise"
    if not facts.objects:
        return f"There is no labelled object to find, and {count(facts.wrong, 'false detection')} {shown}."
    return (
        f"The model found {facts.right:,} of {count(facts.objects, 'object')} "
        f"({percent(facts.right, facts.objects)}), and {count(facts.wrong, 'more detection')} "
        f"{'is' if facts.wrong == 1 else 'are'} false ({shown})."
    )


def why_sentence(facts: Facts) -> str:
    """The main reasons for what is missed and what is false."""
    parts = []
    if facts.lost:
        cause, missed = max(facts.causes().items(), key=lambda item: item[1])
        parts.append(f"What was missed fails most often at “{NAMES[cause]}” ({missed:,} of {facts.lost:,})")
    if facts.wrong:
        kind, number = max(facts.false_kinds().items(), key=lambda item: item[1])
        parts.append(f"{'what' if parts else 'What'} is false is most often “{kind}” ({number:,} of {facts.wrong:,})")
    return "; ".join(parts) + "." if parts else "Nothing was missed and nothing is false."


def trust_sentence(facts: Facts) -> str:
    """How sure the measure is."""
    name = f"{facts.kind}/AP"
    value, bounds = facts.content[name], facts.content["intervals"].get(name)
    if value is None:
        return "Without objects there is no average precision."
    if bounds is None:
        return f"COCO's average precision (AP) of {facts.kind}s is {value:.3f} of at most 1."
    width = bounds[1] - bounds[0]
    trust = ", so small differences to another model mean nothing" if width > 0.04 else ""
    return (
        f"COCO's average precision (AP) of {facts.kind}s is {value:.3f} of at most 1; with "
        f"{count(facts.content['images'], 'image')} it may be anywhere from {bounds[0]:.3f} to {bounds[1]:.3f} "
        f"(95 % interval){trust}."
    )


def _compared(facts: Facts) -> Html | None:
    sentence = before_sentence(facts)
    return tag("p", sentence, id="before") if sentence else None


def before_sentence(facts: Facts) -> str:
    """How average precision has changed since the run before; empty where there is none to compare with."""
    name, before = f"{facts.kind}/AP", facts.before
    now, then = facts.content[name], None if before is None else before.metrics.get(name)
    if before is None or now is None or not isinstance(then, (int, float)):
        return ""
    bounds = facts.content["intervals"].get(name)
    sign = "+" if now >= then else "−"
    words = f"The run before ({before.folder}, the same data) had an AP of {facts.kind}s of {then:.3f}, this one has "
    words += f"{now:.3f} ({sign}{abs(now - then):.3f})"
    if bounds is not None and bounds[0] <= then <= bounds[1]:
        return words + "; that may be chance, since the earlier value lies in the interval of this one."
    return words + "."


def _unread(facts: Facts) -> Html | None:
    if not facts.failures:
        return None
    names = (tag("li", failure) for failure in facts.failures[:20])
    words = (
        f"{count(len(facts.failures), 'image')} could not be read and {'is' if len(facts.failures) == 1 else 'are'} "
    )
    return tag("details", tag("summary", words + "not in any number here"), tag("ul", *names))


def to_do(facts: Facts) -> list[Advice]:
    """What to do, the largest possible gain first."""
    return sorted(missed_advice(facts) + false_advice(facts) + score_advice(facts), key=lambda advice: -advice.f1)


def _todo(facts: Facts) -> Html:
    advice = to_do(facts)[:MOST]
    if not advice:
        return tag(
            "section", tag("h2", "What to do next"), tag("p", "Nothing: measure it on harder images."), id="todo"
        )
    items = (
        tag(
            "li",
            tag("div", tag("b", item.title), tag("p", item.text)),
            tag(
                "div",
                tag("b", f"+{item.f1 - facts.f1:.3f}"),
                "F1, measured" if item.sure else "F1 at most",
                class_="gain",
            ),
        )
        for item in advice
    )
    note = (
        f"By what each could bring if it helped in every case. F1 is one number for both, missed and false: 1 is "
        f"everything found and nothing else, and it is {facts.f1:.3f} now."
    )
    return tag(
        "section",
        tag("h2", "What to do next"),
        tag("p", note, class_="soft"),
        tag("ol", *items, class_="todo"),
        id="todo",
    )
