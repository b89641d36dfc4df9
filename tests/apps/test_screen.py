"""What the command line shows of what a job tells: lines always, bars on a terminal alone."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from maskrcnn.apps.cli import console
from maskrcnn.apps.cli.console import Screen
from maskrcnn.jobs.events import (
    DataFaults,
    InputDone,
    Note,
    Progress,
    TrainingBegins,
    TrainingEnds,
    TrainingStep,
)


@pytest.fixture
def shown(monkeypatch):
    """``shown(event, ..., terminal=False)``: what is written on standard error."""

    def show(*events, terminal=False):
        file = io.StringIO()
        own = Console(file=file, force_terminal=terminal, width=100, soft_wrap=True, markup=False)
        monkeypatch.setattr(console, "console", own)
        with Screen() as screen:
            for event in events:
                screen(event)
        return file.getvalue()

    return show


def test_a_note_is_a_line(shown):
    assert shown(Note("Fetching [bold] weights.")) == "Fetching [bold] weights.\n"


def test_an_input_is_a_line_of_the_results(shown, capsys):
    assert shown(InputDone(Path("a.png"), 1), InputDone(Path("b.png"), 2)) == ""
    assert capsys.readouterr().out == "a.png: 1 object\nb.png: 2 objects\n"


def test_faults_are_named_and_the_doctor_where_a_training_follows(shown):
    faults = tuple(f"fault {k}" for k in range(12))
    lines = shown(DataFaults((Path("a"),), faults, to_train=True)).splitlines()
    assert lines[:2] == ["note: fault 0", "note: fault 1"] and lines[10] == "note: and 2 more faults."
    assert lines[11] == "More about the data, and what to do: maskrcnn doctor a"
    assert "maskrcnn doctor DATA" in shown(DataFaults((Path("a"), Path("b")), faults, to_train=True))
    assert "doctor" not in shown(DataFaults((Path("a"),), faults))
    assert shown(DataFaults((Path("a"),), (), to_train=True)) == ""


def test_steps_are_lines_where_they_are_logged(shown):
    steps = [TrainingStep(k, 20, "epoch 1  loss 0.500", 61.2, k % 10 == 0) for k in range(1, 21)]
    assert shown(*steps).splitlines() == [
        "step 10/20  epoch 1  loss 0.500  0:01:01 left",
        "step 20/20  epoch 1  loss 0.500  0:01:01 left",
    ]


def test_progress_is_a_bar_on_a_terminal_and_nothing_elsewhere(shown):
    progress = [Progress("converting", k, 3) for k in range(4)]
    assert shown(*progress) == ""
    assert "converting" in shown(*progress, terminal=True)


def test_steps_are_a_bar_on_a_terminal_which_ends_with_the_training(shown):
    step = TrainingStep(3, 20, "epoch 1", 61.2, logged=False)
    written = shown(step, TrainingEnds(), Note("done"), terminal=True)
    assert "3/20" in written and written.endswith("done\n")


def test_where_a_training_writes_is_remembered():
    with Screen() as screen:
        assert screen.training is None
        screen(TrainingBegins(Path("runs/mine")))
        assert screen.training == Path("runs/mine")
