"""The whole plan: what was asked for goes before what is planned, and a time is kept."""

import pytest

from hand_made_plan import photos
from maskrcnn.checks import parse_time
from maskrcnn.errors import UsageError
from maskrcnn.memory import free_memory
from maskrcnn.planning.machine import Machine, processor_flags
from maskrcnn.planning.make_plan import Request, budget_of, make_plan, split_count, val_fraction
from maskrcnn.planning.recipe import Recipe
from maskrcnn.planning.situation import Choice
from maskrcnn.planning.step_cost import Cost


def plan(data=None, given=None, measure=None, **options):
    data = data or photos()
    given = {name: Choice(value, "you asked for it") for name, value in (given or {}).items()}
    split = lambda fraction: (data.images - split_count(data.images, fraction), split_count(data.images, fraction))  # noqa: E731
    return make_plan(data, Machine(), Request(given, **options), split, measure)


def cost_of_pixels(chosen):
    """A second for each step at 320 pixels, and in proportion."""
    part = (chosen["crop_size"] / 320) ** 2
    return Cost(part, 2**30, 0.1, 0.05 * part)


def test_a_plan_is_a_recipe():
    made = plan()
    assert isinstance(made.recipe(), Recipe)
    assert made.recipe().image_size == made["image_size"] == 416
    assert all(choice.reason for choice in made.choices.values())


def test_what_was_asked_for_stands_and_the_plan_says_so():
    made = plan(given={"epochs": 3, "image_size": 640, "optimizer": "sgd"})
    assert (made["epochs"], made["image_size"], made["optimizer"]) == (3, 640, "sgd")
    assert made.choices["image_size"].reason == "you asked for it; planned was 416"
    assert made.choices["optimizer"].reason == "you asked for it"


def test_what_was_asked_for_is_what_the_rest_is_planned_for():
    assert plan(given={"image_size": 1024})["crop_size"] > plan()["crop_size"]
    assert plan(given={"crop_size": 128})["image_size"] == plan()["image_size"]


def test_an_asked_value_that_is_the_planned_one_is_not_compared():
    assert plan(given={"image_size": 416}).choices["image_size"].reason == "you asked for it"


def test_a_short_time_makes_images_smaller_and_says_so():
    long, short = (plan(seconds=s, measure=cost_of_pixels) for s in (7200.0, 200.0))
    assert short["image_size"] < long["image_size"] and short["crop_size"] < long["crop_size"]
    assert short["epochs"] < long["epochs"]
    assert "3 min" in short.choices["image_size"].reason and "416" in short.choices["image_size"].reason


def test_a_given_time_is_a_budget_unless_epochs_are_given_too():
    budget = budget_of(plan(seconds=300.0, measure=cost_of_pixels), begun=5.0)
    assert (budget.seconds, budget.begun, budget.validated) == (300.0, 5.0, True)
    assert budget.most_epochs > plan(seconds=300.0, measure=cost_of_pixels)["epochs"]
    assert budget_of(plan(given={"epochs": 5}, seconds=300.0), 0.0) is None
    assert budget_of(plan(measure=cost_of_pixels), 0.0) is None


def test_sizes_that_were_asked_for_are_not_made_smaller():
    made = plan(given={"image_size": 640}, seconds=300.0, measure=cost_of_pixels)
    assert made["image_size"] == 640


def test_epochs_that_were_asked_for_stand_even_against_the_time():
    made = plan(given={"epochs": 500}, seconds=60.0, measure=cost_of_pixels)
    assert made["epochs"] == 500 and "planned was" in made.choices["epochs"].reason


def test_an_architecture_begins_from_nothing():
    made = plan(given={"model": "mobilenet_v2_fpn"})
    assert (made["freeze"], made["body_lr"]) == ("none", 1.0)
    made = plan(given={"model": "mobilenet_v2_fpn"}, body_weights=True)
    assert (made["freeze"], made["body_lr"]) == ("early", 0.2)


@pytest.mark.parametrize(("images", "held"), [(1, 0), (9, 0), (10, 4), (100, 15), (10_000, 300)])
def test_a_part_is_held_out(images, held):
    assert split_count(images, val_fraction(images, None).value) == held


def test_nothing_is_held_out_where_other_images_are_given():
    assert val_fraction(500, 200).value == 0
    assert "200" in val_fraction(500, 200).reason


def test_the_plan_says_how_many_are_held_out():
    assert "75 of 500 images" in plan().choices["val_fraction"].reason


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("1.5h", 5400), ("10 min", 600)]
)
def test_times_are_read(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["2", "h", "", "soon", "2 hours", "-1h", "0s", "1h30"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="--time"):
        parse_time(text)


def test_the_memory_of_this_machine_is_read(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:   2048 kB\n")
    assert free_memory(tmp_path / "meminfo", tmp_path) == 2 * 2**20
    (tmp_path / "memory.max").write_text("1048576\n")
    (tmp_path / "memory.current").write_text("48576\n")
    assert free_memory(tmp_path / "meminfo", tmp_path) == 1_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path / "meminfo", tmp_path) == 2 * 2**20
    assert free_memory(tmp_path / "gone", tmp_path / "gone") > 0


def test_a_processor_says_what_it_knows(tmp_path):
    (tmp_path / "cpuinfo").write_text("model name: x\nflags\t\t: fpu avx512_bf16\n\nflags : sse\n")
    assert processor_flags(tmp_path / "cpuinfo") == {"fpu", "avx512_bf16"}
    assert processor_flags(tmp_path / "gone") == frozenset()
