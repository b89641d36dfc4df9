"""False detections, by what is wrong with them."""

from __future__ import annotations

from maskrcnn.drawing.svg import Step, bars
from maskrcnn.report.advice_false import MEANINGS, WHAT_TO_DO
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, cell, count, lead, section, table, tag, tally


def false(facts: Facts) -> Html:
    """The section."""
    body = (_bars(facts), _kinds(facts)) if facts.wrong else ()
    return section(
        "false",
        "False detections",
        lead("What the model shows and should not, by what is wrong with it.", _what_follows(facts)),
        *body,
    )


def _what_follows(facts: Facts) -> str:
    if not facts.wrong:
        return "Nothing that it shows is false."
    kinds = facts.false_kinds()
    near = sum(kinds[name] for name in ("bad box", "bad mask", "duplicate"))
    reasons = tally(list(kinds.items()))
    words = f"{count(facts.wrong, 'detection')} {'is' if facts.wrong == 1 else 'are'} false: {reasons}."
    if near > facts.wrong / 2:
        words += f" {near:,} lie on real objects: the model knows what it sees there and has its extent wrong."
    elif kinds["background"] > facts.wrong / 2:
        words += " Before anything else, look whether these are real objects that nobody labelled."
    return words


def _bars(facts: Facts) -> Html:
    steps = [Step(kind, 0, n, f"{n:,}", "bad" if n else "calm") for kind, n in facts.false_kinds().items()]
    return tag("figure", Html(bars(steps, "How many false detections there are of each kind")))


def _kinds(facts: Facts) -> Html:
    rows: list[list[str]] = []
    for kind, n in facts.false_kinds().items():
        if n:
            number = tag("td", f"{n:,}", class_="n", data_false=kind, data_count=n)
            words = tag("td", tag("b", kind), Html("<br>"), MEANINGS[kind])
            rows.append([words, number, tag("td", WHAT_TO_DO[kind](facts))])
    rows.append([tag("th", "false in all", scope="row"), f"{facts.wrong:,}", cell("", left=True)])
    return table(["what is wrong", "detections", tag("th", "what follows")], rows)
