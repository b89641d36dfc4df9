"""Makes a plan from the data's fingerprint and the machine, setting by setting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskrcnn.checkpoints.lookup import model_info
from maskrcnn.checks import duration, gib
from maskrcnn.config import ModelConfig
from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, WHOLE
from maskrcnn.errors import DataError
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.fingerprint import MOST_RECORDS, Fingerprint
from maskrcnn.planning.machine import Machine
from maskrcnn.planning.plan import Plan
from maskrcnn.planning.recipe import SMALLEST_IMAGE
from maskrcnn.planning.rules import grid as grid_rules
from maskrcnn.planning.rules import semantic as semantic_rules
from maskrcnn.planning.rules import training as training_rules
from maskrcnn.planning.rules import whole as whole_rules
from maskrcnn.planning.rules.model import GRID, MODEL_RULES, model
from maskrcnn.planning.rules.training import STEP_RULES, TIME_RULES, VARY_RULES
from maskrcnn.planning.situation import Choice, Rule, Situation
from maskrcnn.planning.step_cost import Cost
from maskrcnn.training.budget import VALIDATING, Budget

FEWEST_TO_SPLIT = 10  # images below which all are learned from
PART_HELD, FEWEST_HELD, MOST_HELD = 0.15, 4, 300
FEWEST_LOOKS = 4  # epochs that a short time should allow before images are made smaller for it
SHRINK, MOST_SHRUNK = 0.85, 0.6  # of the sides: each time, and in all

Measure = Callable[[dict[str, Any]], Cost]  # from the settings so far to what a step costs


def split_count(images: int, fraction: float) -> int:
    """How many of the images a fraction holds out."""
    return min(round(fraction * images), images - 1) if images else 0


def val_fraction(images: int, given: int | None) -> Choice:
    """The part of the labelled images to judge on; ``given``: images that the user has for that, or None."""
    if given is not None:
        return Choice(0.0, f"none is held out: {given} other images are given to judge on")
    if images < FEWEST_TO_SPLIT:
        return Choice(0.0, f"none is held out: {images} images are so few that all are learned from")
    count = min(max(round(PART_HELD * images), FEWEST_HELD), MOST_HELD)
    return Choice(round(count / images, 4), "no other images are given to judge on")


def task(data: Fingerprint) -> Choice:
    """What the data that were opened are for."""
    if data.task == SEMANTIC:
        return Choice(SEMANTIC, "every pixel is labelled" if data.has_maps_alone() else "you asked for class maps")
    if data.task == WHOLE:
        return Choice(WHOLE, "a table labels whole files")
    return Choice(OBJECTS, "objects are labelled")


def start_of(name: str, num_classes: int) -> tuple[ModelConfig, tuple[str, ...]]:
    """The configuration and the classes of a model to start from; an architecture has learned no classes."""
    if name in VARIANTS:
        return VARIANTS[name](num_classes), ()
    info = model_info(name)
    return info.config, info.class_names


@dataclass(frozen=True)
class Request:
    """What a plan has to keep to.

    Attributes:
        given: settings of the user, with the words that say so.
        val_images: other images to judge on that the user has named; None: none.
        seconds: that the user gave the training; None: no limit.
        body_weights: whether a body is loaded into an architecture, which then has learned something.
    """

    given: Mapping[str, Choice] = field(default_factory=dict)
    val_images: int | None = None
    seconds: float | None = None
    body_weights: bool = False


def make_plan(
    data: Fingerprint,
    machine: Machine,
    request: Request,
    split: Callable[[float], tuple[int, int]],
    measure: Measure | None = None,
) -> Plan:
    """Every setting: as it was given, or as its rule has it.

    Args:
        data: the fingerprint of all labelled images.
        machine: that trains.
        request: what the user asked for.
        split: from a fraction to the numbers of images to learn from and to judge on.
        measure: gives the cost of a step of such settings; None: do not measure.

    Returns:
        The plan: a choice and its reason for each setting.

    Raises:
        UsageError: a model that is not there.
    """
    given, val_images, seconds = request.given, request.val_images, request.seconds
    pictures = data.files.is_picture
    choices = {"task": settle("task", lambda s: task(data), Situation(data, machine), given)}
    choices["model"] = settle("model", model if pictures else grid_rules.model, Situation(data, machine), given)
    held = settle("val_fraction", lambda s: val_fraction(data.images, val_images), Situation(data), given)
    train_images, held_images = split(held.value)
    choices["val_fraction"] = held._replace(reason=f"{held.reason}{_split_words(data, held_images)}")
    start, names = start_of(choices["model"].value, len(data.class_names))
    s = Situation(
        data,
        machine,
        start,
        names or (("pretrained body",) if request.body_weights else ()),
        {name: choice.value for name, choice in (*given.items(), *choices.items())},
        train_images,
        held_images or (val_images or 0),
        seconds=seconds,
        told=seconds is not None,
    )
    if data.task == SEMANTIC:
        rules = semantic_rules.PICTURE_RULES if pictures else semantic_rules.GRID_RULES
    elif data.task == WHOLE:
        rules = whole_rules.PICTURE_RULES if pictures else whole_rules.GRID_RULES
    else:
        rules = {**MODEL_RULES, **VARY_RULES, **STEP_RULES} if pictures else grid_rules.GRID_RULES
    s = decide(s, rules, given, choices)
    if measure is not None and not pictures:
        s = dataclasses.replace(s, cost=measure(s.chosen))
    elif measure is not None:
        s = fit_to_time(dataclasses.replace(s, cost=measure(s.chosen)), given, choices, measure)
    s = decide(s, TIME_RULES, given, choices)
    for name, choice in given.items():
        choices.setdefault(name, choice)
    return Plan(choices, tuple(about(data, machine, s)), s)


def settle(name: str, rule: Rule, s: Situation, given: Mapping[str, Choice]) -> Choice:
    """Decide one setting.

    Args:
        name: of the setting.
        rule: that plans it.
        s: the data, the machine, and what is settled so far.
        given: settings of the user.

    Returns:
        What the user gave, with what would have been planned in its reason; else what the rule
        says.
    """
    planned = rule(s)
    if name not in given:
        return planned
    asked = given[name]
    other = "" if asked.value == planned.value else f"; planned was {_shown(planned.value)}"
    return asked._replace(reason=asked.reason + other)


def decide(
    s: Situation, rules: Mapping[str, Rule], given: Mapping[str, Choice], choices: dict[str, Choice]
) -> Situation:
    """Decide several settings, one after another.

    Args:
        s: the data, the machine, and what is settled so far.
        rules: the settings to decide, by name.
        given: settings of the user.
        choices: gets what is decided.

    Returns:
        The situation with all of it settled.
    """
    for name, rule in rules.items():
        choices[name] = settle(name, rule, s, given)
        s = dataclasses.replace(s, chosen={**s.chosen, name: choices[name].value})
    return s


def fit_to_time(s: Situation, given: Mapping[str, Choice], choices: dict[str, Choice], measure: Measure) -> Situation:
    """Choose smaller images where a given time would not allow a few epochs of these.

    Args:
        s: with a time, and sizes that were planned without it.
        given: settings of the user, which stay.
        choices: gets the smaller sizes.
        measure: gives the cost of a step.

    Returns:
        The situation with the sizes and the cost of a step.
    """
    if not s.told or {"epochs", "image_size", "crop_size"} & given.keys():
        return s
    assert s.seconds is not None
    before, time = s.chosen["image_size"], duration(s.seconds)
    crop = max(training_rules.SMALLEST_CROP, MOST_SHRUNK * s.chosen["crop_size"])
    while epochs_in(s) < FEWEST_LOOKS and s.chosen["crop_size"] * SHRINK >= crop:
        smaller = {name: _shrunk(s.chosen[name]) for name in ("image_size", "crop_size")}
        s = dataclasses.replace(s, chosen={**s.chosen, **smaller}, cost=_cheaper(s, smaller["crop_size"]))
    if s.chosen["image_size"] != before:
        for name in ("image_size", "crop_size"):
            why = f"smaller than the data would have it ({choices[name].value}), so that {time} are enough"
            choices[name] = Choice(s.chosen[name], why)
        of_sizes = () if s.data.task in (SEMANTIC, WHOLE) else ("smallest_anchor", "anchor_ratio", "mask_size")
        again = {name: MODEL_RULES[name] for name in of_sizes}
        s = dataclasses.replace(s, chosen={k: v for k, v in s.chosen.items() if k not in again or k in given})
        s = decide(s, again, given, choices)
        s = dataclasses.replace(s, cost=measure(s.chosen))
    return s


def budget_of(plan: Plan, begun: float) -> Budget | None:
    """The time that the training of ``plan``, begun at the monotonic time ``begun``, has to keep: what the user gave,
    unless it was a number of epochs as well."""
    s = plan.made_for
    if s is None or s.seconds is None or s.cost is None:
        return None
    look = training_rules.look_seconds(s) if s.val_images else 0.0
    return Budget(s.seconds, training_rules.enough_epochs(s), look, begun, bool(s.val_images))


def epochs_in(s: Situation) -> float:
    """How often the time allows to see each image."""
    assert s.seconds is not None
    return (1 - training_rules.RESERVE) * (1 - VALIDATING) * s.seconds / training_rules.epoch_seconds(s)


def _shrunk(size: int) -> int:
    return max(SMALLEST_IMAGE, min(round(SHRINK * size / GRID) * GRID, size - GRID))


def _cheaper(s: Situation, crop: int) -> Cost:
    """What a step of smaller crops should cost: in proportion to their pixels."""
    assert s.cost is not None
    part = (crop / s.chosen["crop_size"]) ** 2
    return dataclasses.replace(s.cost, seconds=s.cost.seconds * part, look_seconds=s.cost.look_seconds * part)


def _split_words(data: Fingerprint, held: int) -> str:
    if not held:
        return ""
    sources = f" ({data.groups} source photos)" if data.groups < min(data.images, MOST_RECORDS) else ""
    return f": {held} of {data.images} images{sources} are held out, the copies of one source photo together"


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def about(data: Fingerprint, machine: Machine, s: Situation) -> list[str]:
    """Say what the plan was made from.

    Args:
        data: the fingerprint.
        machine: that trains.
        s: with all settings.

    Returns:
        A sentence a line.
    """
    lines = data.sentences()
    lines.append(f"machine: {machine.device}, {machine.cores} threads, {gib(machine.memory)} of free memory")
    if s.cost is not None:
        lines.append(
            f"measured: {s.cost.seconds:.2f} s a step, {s.cost.load_seconds:.2f} s to load its images (beside it), "
            f"{gib(s.cost.bytes)} at most"
        )
    return lines


def check_data_for_plan(data: Fingerprint, path: Path) -> None:
    """Raise DataError where there is nothing to plan from."""
    if not data.images:
        raise DataError(f"{path} holds no images.")
    if data.task == SEMANTIC and len(data.shares()) == 1:
        raise DataError(
            f"Every labelled pixel in {path} is {data.shares()[0][0]}: with one class alone there is nothing to tell "
            "apart. Label what is round it too, with a number of its own or with 0."
        )
    if data.task != WHOLE and not (data.shares() if data.task == SEMANTIC else data.most_objects):
        raise DataError(f"Nothing is labelled in {path}: there is nothing to learn from.")
