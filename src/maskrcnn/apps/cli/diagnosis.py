"""The diagnosis in words, for a terminal or a plain pipe."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from maskrcnn.checks import counted, duration, gib
from maskrcnn.jobs.doctor import SEMANTIC, Diagnosis, Finding, Needs, Plan, SetFacts, Sizes, Trial, is_too_short

WORDS = {"error": ("FAULT", "bold red"), "warning": ("WARNING", "bold yellow"), "note": ("NOTE", "bold cyan")}
EXAMPLES = 4
BAR = 30  # characters
LOSSES = {
    "loss_rpn_objectness": "where something is",
    "loss_rpn_box": "rough boxes",
    "loss_box_class": "which class",
    "loss_box": "exact boxes",
    "loss_mask": "masks",
    "loss_keypoint": "keypoints",
    "loss_semantic": "the class of a pixel",
    "loss_semantic_dice": "overlap of classes",
}


def tell(diagnosis: Diagnosis, console: Console, arguments: str) -> None:
    """Print everything, what matters most last, where it is still on the screen.

    Args:
        diagnosis: of the data.
        console: to print on.
        arguments: of `maskrcnn train` as the user would go on with, as in ``DATA --val DATA``.
    """
    for name, facts in diagnosis.sets.items():
        console.print(_heading(name if len(diagnosis.sets) > 1 else "data"))
        _lines(console, _facts(facts))
    if diagnosis.plan is not None:
        console.print(_heading("what `maskrcnn train` will do"))
        _lines(console, _plan(diagnosis.plan, arguments) + _needs(diagnosis.needs))
        if "image_size" in diagnosis.plan.choices and len(diagnosis.sizes.extents):
            console.print(_heading(f"object sizes, as the model sees them at {diagnosis.plan['image_size']} px"))
            _lines(console, _histogram(diagnosis.sizes))
    if diagnosis.trial is not None:
        console.print(_heading("trial: a few images learned by heart"))
        _lines(console, _trial(diagnosis.trial))
    console.print(_heading("findings"))
    for found in diagnosis.findings:
        _tell_finding(console, found, named=len(diagnosis.sets) > 1)
    _lines(console, _verdict(diagnosis, arguments))


def _heading(words: str) -> Text:
    return Text(f"\n{words[:1].upper()}{words[1:]}", style="bold")


def _lines(console: Console, lines: Iterable[str], indent: int = 2) -> None:
    for line in lines:
        _print(console, Text(line), indent)


def _print(console: Console, text: Text, indent: int) -> None:
    """Wrapped to the width there is, but never inside a path, and without blanks at the ends of lines, so that it can
    be copied from."""
    for line in text.wrap(console, max(20, console.width - indent), overflow="ignore") or [Text()]:
        line.rstrip()
        console.print(Text(" " * indent if line else "") + line, soft_wrap=True)


def _tell_finding(console: Console, found: Finding, named: bool) -> None:
    word, style = WORDS[found.severity]
    numbers = f"{found.count} of {found.of}" if found.of else f"{found.count}"
    where = f" ({'train and val' if found.data == 'both' else found.data})" if named else ""
    _print(console, Text.assemble((word, style), f"  {found.title}: {numbers}{where}"), 2)
    shown = [f"- {example}" for example in found.examples[:EXAMPLES]]
    more = len(found.examples) - EXAMPLES
    shown += [f"- and {max(more, found.count - EXAMPLES)} more"] if more > 0 else []
    _lines(console, [found.why, *shown, f"What to do: {found.fix}", ""], indent=6)


def _map_facts(facts: SetFacts) -> list[str]:
    total = max(sum(facts.classes.values()), 1)
    shares = sorted(facts.classes.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name} {n / total:.1%}" for name, n in shares[:12])
    more = f" and {len(shares) - 12} classes more" if len(shares) > 12 else ""
    return [
        facts.path,
        f"{counted(facts.images, 'image')}, {facts.readable} of them readable, with class maps; {facts.unlabelled:.1%} "
        "of the pixels are unlabelled",
        f"{'1 class' if len(shares) == 1 else f'{len(shares)} classes'}, as parts of the pixels that are of one: "
        f"{shown}{more}",
        "the class of every pixel is learned; --task instances finds objects in them",
    ]


def _facts(facts: SetFacts) -> list[str]:
    if facts.task == "whole":
        labels = ", ".join(f"{name} {count}" for name, count in list(facts.classes.items())[:12])
        return [
            facts.path,
            f"{counted(facts.images, 'file')} with labels of the whole",
            f"files of each label: {labels}",
        ]
    if facts.task == SEMANTIC and not facts.objects:
        return _map_facts(facts)
    kinds = "masks" if facts.has_masks else "boxes without masks: a detector without a mask head would be trained"
    classes = sorted(facts.classes.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name} {count}" for name, count in classes[:12])
    more = f" and {len(classes) - 12} classes more" if len(classes) > 12 else ""
    return [
        facts.path,
        f"{counted(facts.images, 'image')}, {facts.readable} of them readable; {counted(facts.objects, 'object')} with "
        f"{kinds}; at most {facts.most_objects} in one image",
        f"{'1 class' if len(classes) == 1 else f'{len(classes)} classes'}: {shown}{more}",
    ]


def _histogram(sizes: Sizes) -> list[str]:
    rows = sizes.histogram()
    total = max(1, len(sizes.extents))
    most = max(count for _, count in rows) or 1
    return [
        f"{name:>14} {'#' * round(BAR * count / most):<{BAR}} {count / total:5.1%}  {count}" for name, count in rows
    ] + [f"Images are resized by a factor of {sizes.enlarged:.2g}."]


def _trial(trial: Trial) -> list[str]:
    names = ", ".join(trial.files)
    rows = [f"{counted(trial.steps, 'step')} on {names}"]
    rows += [f"{LOSSES.get(name, name):>20}: {first:.3f} -> {last:.3f}" for name, (first, last) in trial.losses.items()]
    if is_too_short(trial):
        rows.append("So few steps prove nothing: this machine is slow or busy; try again when it is idle.")
    if trial.sample_agreement is not None:
        return [*rows, f"{trial.sample_agreement:.0%} of the labelled pixels are then told as they are labelled."]
    rows.append("Box losses may rise at first: they count only what was nearly found.")
    rows.append(f"Labelled and found boxes then overlap by {trial.box_agreement:.0%}.")
    if trial.mask_agreement is not None:
        rows.append(f"Labelled masks and those drawn in their boxes overlap by {trial.mask_agreement:.0%}.")
    return rows


def _plan(plan: Plan, arguments: str) -> list[str]:
    made_for = plan.made_for
    assert made_for is not None
    held = made_for.val_images if plan["val_fraction"] else 0
    measured = f"{counted(held, 'image')} held out to measure on" if held else "none held out"
    measured += f", measured on the {made_for.val_images} of val" if made_for.val_images and not held else ""
    unsure = "" if made_for.cost else " (or fewer: no step was timed)"
    most = (
        f"at most {plan['max_detections']} objects in one" if "max_detections" in plan.choices else "every pixel told"
    )
    return [
        f"start from {plan['model']}; {_seen(plan)}; {most}",
        f"{counted(made_for.train_images, 'image')} to learn from, {counted(plan['epochs'], 'time')} each{unsure}, "
        f"{plan['batch']} in a step; {measured}",
        f"so does `maskrcnn train {arguments}`; with --plan-only it writes all settings and the reasons, and stops",
    ]


def _seen(plan: Plan) -> str:
    """What the model looks at."""
    anchors = plan.choices.get("smallest_anchor")
    smallest = "" if anchors is None else f"; anchors from {anchors.value}"
    if "image_size" not in plan.choices:
        spacing = " x ".join(f"{step:g}" for step in plan["spacing"])
        return f"windows of {plan['crop_size']} samples of {spacing}{smallest and f'{smallest} samples'}"
    crops = f", in training crops of {plan['crop_size']} px" if plan["crop_size"] != plan["image_size"] else ""
    return f"images of {plan['image_size']} px{crops}{smallest and f'{smallest} px'}"


def _needs(needs: Needs | None) -> list[str]:
    if needs is None:
        return []
    return [
        f"time on this machine, as busy as it is now: {needs.step_seconds:.1f} s a step, "
        f"{duration(needs.epoch_seconds)} for one pass over the images, about {duration(needs.total_seconds)} in all",
        f"memory: about {gib(needs.bytes)}, {gib(needs.available)} are free",
    ]


def _verdict(diagnosis: Diagnosis, arguments: str) -> list[str]:
    faults, warnings = diagnosis.count("error"), diagnosis.count("warning")
    command = f"maskrcnn train {arguments}"
    if faults:
        besides = f" and {counted(warnings, 'warning')}" if warnings else ""
        return [f"{counted(faults, 'fault')}{besides}: correct the faults first, then run this again."]
    remarks = f"{counted(warnings, 'warning')} to read, no faults" if warnings else "Nothing is wrong with it"
    return [f"{remarks}. Next: {command}"]
