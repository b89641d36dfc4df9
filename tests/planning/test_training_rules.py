"""Rules of the plan about the training, on fingerprints made by hand."""

import numpy as np
import pytest

from hand_made_plan import photos, situation
from maskrcnn.planning.machine import Machine
from maskrcnn.planning.rules import training as rules
from maskrcnn.planning.step_cost import Cost

MICROSCOPE = photos(size=0.04, objects=30, grey=1.0, class_names=("cell",), brightness=np.array([30.0, 200.0]))
FAST, SLOW = Cost(0.5, 2**30, 0.1, 0.05), Cost(20.0, 2**30, 0.1, 1.0)


@pytest.mark.parametrize("name", [*rules.VARY_RULES, *rules.STEP_RULES, *rules.TIME_RULES])
@pytest.mark.parametrize("data", [photos(), MICROSCOPE, photos(images=1), photos(has_masks=False)])
def test_every_rule_has_a_reason(name, data):
    rule = (rules.VARY_RULES | rules.STEP_RULES | rules.TIME_RULES)[name]
    assert rule(situation(data)).reason


def test_pictures_of_a_microscope_are_varied_more():
    cell, photo = situation(MICROSCOPE), situation()
    assert rules.flip(cell).value == ("x", "y") and rules.flip(photo).value == ("x",)
    assert rules.invert(cell).value > 0 == rules.invert(photo).value
    assert rules.gamma(cell).value > 0 == rules.gamma(photo).value


@pytest.mark.parametrize("names", [("left shoe", "right shoe"), ("7",), ("a",), ("turn-left",)])
def test_what_a_mirror_changes_is_not_mirrored(names):
    assert rules.flip(situation(photos(class_names=names))).value == ()


def test_dim_pictures_are_stretched():
    assert rules.stretch(situation(photos(contrast=np.full(5, 30.0)))).value is True
    assert rules.stretch(situation()).value is False


def test_without_masks_nothing_is_pasted():
    assert rules.copy_paste(situation(photos(has_masks=False))).value == 0 < rules.copy_paste(situation()).value


def test_bfloat16_where_the_machine_knows_it():
    assert rules.precision(situation(machine=Machine(bf16=True))).value == "bf16"
    assert rules.precision(situation()).value == "fp32"


def test_little_memory_makes_small_batches():
    values = [rules.batch(situation(machine=Machine(memory=m))).value for m in (2**20, 2**29, 2**34)]
    assert values[0] == 1 < values[1] < values[2] == 8


@pytest.mark.parametrize("images", [1, 2, 5, 20, 100])
def test_a_batch_is_not_larger_than_the_data(images):
    assert 1 <= rules.batch(situation(photos(images=images))).value <= images


def test_the_batch_of_several_processes_is_a_multiple_of_them():
    assert rules.batch(situation(machine=Machine(processes=3))).value % 3 == 0


def test_time_is_kept():
    for seconds in (60, 3600, 7200):
        s = situation(cost=FAST, seconds=seconds, told=True, val_images=50)
        count = rules.epochs(s).value
        s = situation(cost=FAST, val_images=50, chosen={"epochs": count})
        looks = -(-count // rules.validate_every(s).value)
        took = count * rules.epoch_seconds(s) + looks * rules.look_seconds(s)
        assert took < seconds or count == 1


def test_a_slow_machine_trains_less_and_a_told_time_more():
    usual = rules.epochs(situation(cost=FAST)).value
    assert rules.epochs(situation(cost=SLOW)).value < usual
    assert rules.epochs(situation(cost=FAST, seconds=86400.0, told=True)).value > usual


def test_a_time_that_is_too_short_is_said():
    choice = rules.epochs(situation(cost=SLOW, seconds=10.0, told=True))
    assert choice.value == 1 and "one epoch alone takes" in choice.reason


def test_small_data_are_seen_more_often():
    counts = [rules.epochs(situation(photos(images=n))).value for n in (20, 500, 20_000)]
    assert counts[0] > counts[1] > counts[2] >= 1


def test_the_average_never_spans_the_whole_training():
    for images, epochs in ((8, 2), (500, 20), (100_000, 50)):
        s = situation(photos(images=images, objects=1), chosen={"epochs": epochs})
        steps = -(-images // 8) * epochs
        assert 1 / (1 - rules.average(s).value) <= max(steps / 5, 11)
