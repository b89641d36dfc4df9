"""Rules of the plan for recordings and scans, on fingerprints made by hand."""

import dataclasses

import numpy as np
import pytest

from maskrcnn.modalities.wing import SEQUENCES
from maskrcnn.models.variants import signal_fpn_config, volume_fpn_config
from maskrcnn.planning.fingerprint import Fingerprint, labelled_volume
from maskrcnn.planning.machine import Machine
from maskrcnn.planning.make_plan import Request, decide, make_plan
from maskrcnn.planning.recipe import Recipe
from maskrcnn.planning.rules import grid as grid_rules
from maskrcnn.planning.situation import Choice, Situation
from maskrcnn.structures import Record


def recordings(length=0.2, rate=100.0, kind="series", **changes):
    """Twenty files of a minute with 30 objects of ``length`` (seconds) each."""
    values = {
        "images": 20,
        "class_names": ("a", "b"),
        "class_counts": (300, 300),
        "objects": np.full(20, 30),
        "most_objects": 30,
        "kind": kind,
        "spacing": (1 / rate,),
        "extents": np.full((600, 1), length),
        "density": 0.5,
        "volume": 60.0,
    }
    return Fingerprint(**(values | changes))


def scans(side=10.0, spacing=(1.0, 1.0, 2.0)):
    """Files of 128 mm a side."""
    return recordings(kind="volume", spacing=spacing, extents=np.full((600, 3), side), volume=128.0**3, density=1e-5)


def decided(data, names=(), start=None, **given):
    """All that the rules choose, in their order."""
    start = start or (volume_fpn_config(2) if data.kind == "volume" else signal_fpn_config(2))
    s = Situation(data, Machine(memory=16 << 30), start, tuple(names), train_images=20)
    asked = {name: Choice(value, "asked") for name, value in given.items()}
    choices = {}
    decide(s, grid_rules.GRID_RULES, asked, choices)
    return {name: choice.value for name, choice in choices.items()}


def test_files_keep_their_spacing_and_sound_has_frames():
    assert decided(recordings(rate=250.0))["spacing"] == (0.004,)
    assert decided(recordings(rate=44100.0, kind="audio"))["spacing"] == (0.01,)
    assert decided(scans())["spacing"] == (1.0, 1.0, 2.0)
    start = signal_fpn_config(1)
    start = dataclasses.replace(start, preprocess=dataclasses.replace(start.preprocess, spacing=(0.002,)))
    assert decided(recordings(), names=("a",), start=start)["spacing"] == (0.002,)
    assert decided(recordings(), spacing=(0.05,))["spacing"] == (0.05,)


@pytest.mark.parametrize("length", [0.06, 0.2, 2.0, 20.0, 5000.0])
def test_lengths_are_measured_in_samples_of_the_model(length):
    """The same objects at ten times the rate are ten times as long."""
    coarse, fine = decided(recordings(length, rate=100.0)), decided(recordings(length * 0.1, rate=1000.0))
    for name in ("crop_size", "finest_stride", "smallest_anchor"):
        assert coarse[name] == fine[name]
    samples = length * 100
    frame = SEQUENCES
    low, high = frame.smallest, frame.largest
    assert coarse["crop_size"] % frame.whole == 0 and low <= coarse["crop_size"] <= high
    assert coarse["crop_size"] >= min(4 * samples, high)  # several of the longest fit into a window
    assert samples / coarse["finest_stride"] >= min(samples, frame.fewest_cells)
    anchors = [coarse["smallest_anchor"] * 2**level for level in range(5)]
    assert anchors[0] <= max(samples, 2) and anchors[-1] * 2 >= min(samples, high)


def test_short_objects_get_fine_features_and_long_ones_coarse():
    strides = [decided(recordings(length))["finest_stride"] for length in (0.02, 0.2, 0.4, 1.0, 3.0, 100.0)]
    assert strides == sorted(strides) and strides[0] == 1 and strides[-1] == 16
    Recipe(finest_stride=strides[-1]).check()


def test_anchors_hold_the_shortest_and_the_longest():
    mixed = recordings(extents=np.concatenate([np.full((300, 1), 0.1), np.full((300, 1), 3.0)]))  # 10 and 300 samples
    chosen = decided(mixed)
    assert chosen["smallest_anchor"] <= 10 and chosen["smallest_anchor"] * 2**5 >= 270
    assert chosen["crop_size"] > 300


def test_a_window_of_many_objects_may_find_more():
    assert decided(recordings())["max_detections"] == 100
    window = decided(recordings())["crop_size"] / 100  # seconds
    assert (
        2 * 100 * window
        <= decided(recordings(density=100.0, most_objects=6000))["max_detections"]
        < 2 * 100 * window + 10
    )
    assert decided(recordings(density=100.0, most_objects=30))["max_detections"] == 100  # no more than a file holds
    assert decided(scans())["max_detections"] == 100


def test_sides_of_scans_are_physical():
    assert decided(scans(20.0, (1.0,) * 3))["crop_size"] == 48
    assert decided(scans(40.0, (1.0,) * 3))["crop_size"] == 64
    assert decided(scans(40.0, (0.5,) * 3))["crop_size"] == 96
    thick = decided(scans(40.0, (1.0, 1.0, 4.0)))
    assert thick["crop_size"] == 64 and thick["window"] == (64, 64, 16)  # along its finest axis
    assert decided(scans(40.0, (1.0,) * 3))["window"] == ()


def test_a_window_is_no_larger_than_the_files():
    crops = dataclasses.replace(scans(30.0, (1.0, 1.0, 2.0)), reach=(42.0, 57.0, 92.0))
    assert decided(crops)["crop_size"] == 48 and decided(crops)["window"] == (44, 48, 24)
    thin = dataclasses.replace(scans(30.0, (1.0,) * 3), reach=(100.0, 100.0, 1.0))
    assert decided(thin)["window"] == (48, 48, 4)
    assert decided(recordings())["window"] == ()


def test_cells_lie_any_way_round_and_organs_do_not():
    cells = dataclasses.replace(scans(), objects=np.full(20, 50))
    assert decided(cells)["flip"] == ("x", "y", "z")
    assert decided(dataclasses.replace(scans(), objects=np.full(20, 2)))["flip"] == ()


@pytest.mark.parametrize(
    ("kind", "scale", "flip", "gain", "noise", "drift"),
    [
        ("series", (0.8, 1.25), (), 0.5, 0.2, 0.4),
        ("wfdb", (0.8, 1.25), (), 0.5, 0.2, 0.4),
        ("dna", (1.0, 1.0), ("x",), 0.0, 0.0, 0.0),
    ],
)
def test_what_varies_is_what_varies_in_the_field(kind, scale, flip, gain, noise, drift):
    chosen = decided(recordings(kind=kind))
    assert (chosen["scale"], chosen["flip"]) == (scale, flip)
    assert (chosen["gain"], chosen["noise"], chosen["drift"]) == (gain, noise, drift)
    assert chosen["copy_paste"] == 0 and chosen["hidden_bands"] == 0
    sound = decided(recordings(kind="audio"))
    assert sound["drift"] == 0 and sound["flip"] == () and sound["hidden_bands"] > 0


def test_what_is_learned_from_nothing_learns_as_fast_as_the_rest():
    chosen = decided(recordings())
    assert (chosen["body_lr"], chosen["freeze"]) == (1.0, "none")
    tuned = decided(recordings(), names=("a",))
    assert tuned["body_lr"] < 1 and tuned["lr"] < chosen["lr"]
    assert (tuned["crop_size"], tuned["finest_stride"]) == (2048, 2)  # what the starting model has learned


def test_every_setting_is_one_of_the_recipe_and_can_be_checked():
    for data in (
        recordings(),
        recordings(kind="dna", rate=1.0, length=900.0),
        scans(),
        recordings(extents=np.zeros((0, 1))),
    ):
        chosen = decided(data)
        Recipe(**chosen).check()


@pytest.mark.parametrize(
    ("kind", "classes", "notes", "name"),
    [
        ("wfdb", ("P", "QRS"), {"kind": "wfdb"}, "shipped"),
        ("series", ("P", "QRS"), {"kind": "wfdb"}, "signal_fpn"),  # which cannot look at such files
        ("wfdb", ("spike",), {"kind": "wfdb"}, "signal_fpn"),
        ("wfdb", ("P",), {}, "signal_fpn"),
        ("volume", ("P",), {"kind": "wfdb"}, "volume_fpn"),
    ],
)
def test_a_shipped_model_of_the_same_files_and_classes_is_the_beginning(monkeypatch, kind, classes, notes, name):
    from maskrcnn.model_info import ModelInfo

    info = ModelInfo(signal_fpn_config(2), ("P", "QRS"), (1, 2), notes=notes)
    monkeypatch.setattr(grid_rules, "shipped_models", lambda: ["shipped"])
    monkeypatch.setattr(grid_rules, "read_info", lambda path: info)
    choice = grid_rules.model(Situation(recordings(kind=kind, class_names=classes)))
    assert choice.value == name and choice.reason


def test_a_whole_plan_counts_windows():
    """Files of an hour are many looks: fewer epochs than files of a minute."""
    minutes, hours = (
        make_plan(recordings(volume=volume), Machine(), Request(), lambda fraction: (17, 3))
        for volume in (60.0, 3600.0)
    )
    assert minutes["model"] == "signal_fpn" and minutes["val_fraction"] == pytest.approx(0.2)
    assert hours["epochs"] < minutes["epochs"]
    assert "image_size" not in minutes.choices and "colour" not in minutes.choices
    assert minutes.recipe().spacing == (0.01,)
    assert all(choice.reason for choice in minutes.choices.values())


def test_the_labelled_volume_is_physical():
    none, labels = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    record = Record("x", 1, "x", (1000,), none, labels)
    assert labelled_volume(record, np.array([0.01])) == pytest.approx(10)
    record.extent = np.array([100.0, 400.0])
    assert labelled_volume(record, np.array([0.01])) == pytest.approx(3)
    record.boxes, record.labels, record.crowd = np.array([[100.0, 250]]), np.array([1]), np.array([True])
    assert labelled_volume(record, np.array([0.01])) == pytest.approx(1.5)
    scan = Record("x", 1, "x", (10, 20, 30), np.zeros((0, 6)), labels)
    assert labelled_volume(scan, np.array([1.0, 2.0, 0.5])) == pytest.approx(6000)
