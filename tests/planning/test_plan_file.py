"""plan.yaml: what is written can be read, and what a user writes is checked."""

import dataclasses
from pathlib import Path

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import example, given

from maskrcnn.errors import UsageError
from maskrcnn.planning.plan import Plan, read_plan
from maskrcnn.planning.recipe import Recipe
from maskrcnn.planning.situation import Choice

VALUES = {
    "model": st.text(st.characters(codec="utf-8"), min_size=1),
    "val_fraction": st.floats(0, 0.9),
    "epochs": st.integers(1, 10**6),
    "lr": st.floats(1e-9, 10),
    "precision": st.sampled_from(["fp32", "bf16"]),
    "flip": st.lists(st.sampled_from(["x", "y"]), unique=True).map(tuple),
    "scale": st.floats(0.01, 1).map(lambda low: (low, low * 2)),
    "stretch": st.booleans(),
    "image_size": st.none() | st.integers(32, 4096),
    "anchor_ratio": st.none() | st.floats(1, 9),
    "class_names": st.lists(st.text(st.characters(codec="utf-8"))).map(tuple),
}


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "plan.yaml"
        path.write_text(text)
        return path

    return write


@example({"model": "\x85", "class_names": ("\x85", "ä")}, "\x85", [])  # takes part in YAML's line ends
@given(
    st.fixed_dictionaries({}, optional=VALUES),
    st.text(st.characters(codec="utf-8")),
    st.lists(st.text(st.characters(codec="utf-8"))),
)
def test_a_plan_that_was_written_is_read_as_it_was(tmp_path_factory, values, reason, about):
    path = tmp_path_factory.mktemp("plan") / "plan.yaml"
    Plan({name: Choice(value, reason) for name, value in values.items()}, tuple(about)).save(path)
    assert read_plan(path) == values


def test_every_setting_of_a_recipe_can_be_written_and_read(tmp_path):
    values = dataclasses.asdict(Recipe())
    plan = Plan({name: Choice(value, "why") for name, value in values.items()})
    plan.save(tmp_path / "plan.yaml")
    assert Recipe(**read_plan(tmp_path / "plan.yaml")) == Recipe() == plan.recipe()


def test_each_line_has_its_reason_behind_it():
    text = Plan({"epochs": Choice(7, "seven are enough"), "flip": Choice(("x", "y"), "why not")}).text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line.split("  # ")[1] for line in lines] == ["seven are enough", "why not"]
    assert yaml.safe_load(text) == {"epochs": 7, "flip": ["x", "y"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch: 3", "no setting epoch. Did you mean epochs?"),
        ("colours_of_the_rainbow: 7", "no setting colours_of_the_rainbow"),
        ("epochs: many", "epochs takes a whole number, not 'many'"),
        ("epochs: 1.5", "epochs takes a whole number"),
        ("epochs: true", "epochs takes a whole number"),
        ("stretch: 1", "stretch takes true or false"),
        ("precision: fp8", "precision takes one of fp32, bf16"),
        ("scale: [1]", "scale takes a list of 2, each a number"),
        ("flip: [q]", "flip takes a list in which each is one of x, y, z"),
        ("epochs: 0", "--epochs must be at least 1"),
        ("scale: [2, 1]", "--scale takes a smaller and a larger"),
        ("lr: fast", "lr takes a number"),
        ("lr: .nan", "--lr must lie between"),
        ("val_fraction: 2", "val_fraction must lie between 0 and 1"),
        ("model: 7", "model takes a text"),
        ("- 1", "holds no settings"),
        ("a: [", "not YAML: look at line"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_what_cannot_be_is_one_sentence(written, text, words):
    path = written(text)
    with pytest.raises(UsageError) as refused:
        read_plan(path)
    assert words in str(refused.value) and str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_plan_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="gone.yaml cannot be read"):
        read_plan(Path("gone.yaml"))


def test_what_people_write_for_numbers_is_understood(written):
    assert read_plan(written("lr: 6e-4\nscale: [1, 2]\nflip: x\nimage_size: null\n")) == {
        "lr": 6e-4,
        "scale": (1.0, 2.0),
        "flip": ("x",),
        "image_size": None,
    }


def test_an_empty_plan_leaves_everything_to_be_planned(written):
    assert read_plan(written("# nothing\n")) == {}
