"""A time that is kept, by a clock that the tests turn."""

import contextlib
import dataclasses
import io
import json

import pytest
from rich.console import Console

import maskrcnn.training.fit as fit_module
from maskrcnn.data.split import subset
from maskrcnn.data.transforms.augment import AugmentConfig
from maskrcnn.modalities.open import open_dataset
from maskrcnn.training.budget import ENDING, FEWEST, PROBE, REPORT, Budget, Pace, evenly, images_in, spread_order
from maskrcnn.training.course import Course
from maskrcnn.training.fit import FitConfig, fit
from maskrcnn.training.log import Report
from maskrcnn.training.step import train_step
from tiny import tiny_info, tiny_model, write_coco

CONFIG = FitConfig(epochs=6, batch_size=2, lr=1e-3, warmup=0, workers=0, average=0.0)  # of 4 images: 2 steps an epoch


class Clock:
    """Seconds that pass only when told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def run(tmp_path, monkeypatch, clock):
    """Train while each step, each validation and the planning before take as many seconds as one says."""

    def train(
        seconds,
        step=10.0,
        look=0.0,
        planning=0.0,
        expected=0.0,
        config=CONFIG,
        most=100,
        resume=False,
        die=None,
        held=4,
    ):
        data = open_dataset(write_coco(tmp_path / "data"))
        steps = []

        def slow_step(*arguments):
            if len(steps) == die:
                raise KeyboardInterrupt
            steps.append(clock.now)
            clock.now += step(len(steps)) if callable(step) else step
            return train_step(*arguments)

        def slow_look(model, info, judged, *arguments):
            clock.now += (look() if callable(look) else look) * len(judged) / held
            return {"box/AP": 0.5}

        monkeypatch.setattr(fit_module, "train_step", slow_step)
        monkeypatch.setattr("maskrcnn.training.validation.validate", slow_look)
        budget = Budget(seconds, most, expected, clock.now, bool(look), clock)
        clock.now += planning
        model, told = tiny_model(), io.StringIO()
        report = Report(tmp_path / "out", Console(file=told, soft_wrap=True))
        val = subset(data, [k % len(data) for k in range(held)]) if look else None
        begun = budget.begun
        with contextlib.suppress(KeyboardInterrupt):
            fit(
                model,
                tiny_info(model),
                data,
                tmp_path / "out",
                val,
                config,
                AugmentConfig((64, 64)),
                resume,
                report=report,
                budget=budget,
            )
        log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
        return len(steps), clock.now - begun, told.getvalue(), log

    return train


def test_as_many_steps_as_fit(run):
    steps, spent, *_ = run(seconds=205)
    assert steps == 20 and spent == 200


def test_a_machine_that_is_slower_than_planned_keeps_the_time(run):
    steps, spent, told, _ = run(seconds=100, step=20.0)  # planned were 12 steps
    assert steps == 4 and spent <= 100
    assert "A step takes 20.00 s" in told and "instead of 12" in told and "the learning rate falls" in told


def test_a_machine_that_becomes_busy_keeps_the_time(run):
    _, spent, *_ = run(seconds=400, step=lambda number: 10.0 if number < 12 else 25.0)
    assert 0.85 * 400 <= spent <= 1.1 * 400


def test_a_machine_that_becomes_free_uses_the_time(run):
    steps, spent, *_ = run(seconds=400, step=lambda number: 25.0 if number < 6 else 5.0)
    assert 0.85 * 400 <= spent <= 400 and steps > 40


def test_validations_and_the_report_are_counted_in(run):
    _, spent, *_ = run(seconds=1000, look=30.0)
    assert spent + REPORT * 30 <= 1000
    assert spent + REPORT * 30 >= 900


def test_validations_that_take_long_are_fewer(run):
    _, _, _, log = run(seconds=1000, look=60.0)
    looks = [line["epoch"] for line in log if "box/AP" in line]
    assert 1 < len(looks) < 6 and "box/AP" in log[-1]
    assert 60 * len(looks) < 0.25 * 1000


def test_a_validation_that_would_take_too_long_is_of_fewer_images(run):
    steps, spent, told, log = run(seconds=1000, look=400.0, expected=400.0, held=100)
    assert "of the 100 held-out images are judged on" in told
    judged = int(told.split("To keep the time, ")[1].split()[0])
    assert 0 <= judged - 100 * ENDING * 1000 / ((1 + REPORT) * 400) < 15
    assert spent + REPORT * 400 * judged / 100 <= 1000 and steps > 40
    assert sum("box/AP" in line for line in log) == 1


def test_many_held_out_images_are_timed_by_a_few_of_them(run, clock):
    """Planned was 1 s; it takes 60, which is known before the first validation comes."""
    begun = clock.now
    _, spent, _, log = run(seconds=1000, look=60.0, expected=1.0, held=60)
    assert spent + REPORT * 60 <= 1000
    assert sum("box/AP" in line for line in log) < 6
    assert clock.now - begun == spent


def test_a_machine_that_becomes_busy_at_the_end_judges_fewer_images(run, clock):
    begun = clock.now
    busy = lambda: 20.0 if clock.now - begun < 900 else 200.0  # noqa: E731
    _, spent, told, _ = run(
        seconds=1000, look=busy, expected=20.0, held=100, config=dataclasses.replace(CONFIG, validate_every=2)
    )
    assert spent <= 1100


@pytest.mark.parametrize(("seconds", "count"), [(100, 50), (99, 49), (10, 5), (1, FEWEST), (-5, FEWEST)])
def test_images_that_fit_into_a_time(seconds, count):
    assert images_in(seconds, 100, 50) == count
    assert images_in(seconds, 0, 50) in (50, FEWEST) and images_in(seconds, 100, 2) == 2


def test_images_are_chosen_evenly():
    assert evenly(4, 10) == [0, 2, 5, 7] and evenly(PROBE, PROBE) == list(range(PROBE))


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 207])
def test_any_beginning_of_the_order_is_spread(count):
    order = spread_order(count)
    assert sorted(order) == list(range(count))
    for some in (4, 16, 64):
        if some < count:
            gaps = [b - a for a, b in zip(sorted(order[:some]), sorted(order[:some])[1:])]
            assert max(gaps) <= 4 * count / some


def test_planning_before_the_first_step_is_part_of_the_time(run):
    assert run(seconds=205, planning=100.0)[0] == 10


def test_no_more_epochs_than_are_worth_it(run):
    assert run(seconds=10_000, most=7)[0] == 14


def test_an_epoch_that_is_longer_than_the_time_is_broken_off_and_validated(run):
    one = dataclasses.replace(CONFIG, batch_size=1, epochs=1)  # 4 steps an epoch
    steps, spent, _, log = run(seconds=300, step=90.0, look=10.0, expected=10.0, config=one)
    assert steps == 2 and spent <= 300
    assert "box/AP" in log[-1]


def test_a_time_that_is_over_before_it_begins_still_leaves_a_model(run, tmp_path):
    steps, *_ = run(seconds=1, look=5.0)
    assert 0 < steps <= 2 and (tmp_path / "out" / "best.safetensors").exists()


@pytest.mark.parametrize("step", [10.0, 20.0, lambda number: 10.0 if number < 9 else 30.0])
def test_the_learning_rate_ends_at_its_end_and_never_rises(run, step, monkeypatch):
    rates = []
    true = fit_module.set_learning_rate

    def noted(optimizer, config, place, steps):
        true(optimizer, config, place, steps)
        rates.append(optimizer.param_groups[-1]["lr"])

    monkeypatch.setattr(fit_module, "set_learning_rate", noted)
    run(seconds=500, step=step)
    assert len(rates) > 8
    assert all(b <= a for a, b in zip(rates, rates[1:]))
    assert rates[-1] < 0.1 * rates[0]


def test_a_resumed_training_has_what_time_was_left(run, clock):
    run(seconds=205, die=7, config=dataclasses.replace(CONFIG, save_every=1))
    clock.now += 10_000  # the night between
    steps, *_ = run(seconds=205, resume=True)
    assert steps == 20 - 7


def test_a_course_is_walked_to_its_end_in_any_number_of_steps():
    course = Course(100, 100)
    assert [course.at(step) for step in (0, 50, 100)] == [0, 50, 100]
    course.turn(50, 60)
    assert [course.at(step) for step in (50, 55, 60)] == [50, 75, 100]
    course.turn(55, 105)
    assert [course.at(step) for step in (55, 80, 105)] == [75, 87.5, 100]


def test_nothing_is_said_of_a_small_change():
    pace = Pace(Budget(100, 10), 10)
    assert pace.sentence(100, 103) == ""
    assert "instead of 100" in pace.sentence(80, 100)
