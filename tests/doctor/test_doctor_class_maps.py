"""The doctor on class maps: what training would learn of them, and what is wrong with them."""

import json

import numpy as np
import pytest
from PIL import Image

from doctor_formats import class_maps, save_numbers
from doctor_sets import CLASSES, HEIGHT, WIDTH
from maskrcnn.doctor import trial_training as trial

ALL = [f"{k:03}" for k in range(24)]


@pytest.fixture
def maps(tmp_path):
    """24 sound pictures of three classes on background, whose list is complete."""
    return with_numbers(class_maps(tmp_path / "maps"))


@pytest.fixture
def doctor(maskrcnn, tiny_file, tmp_path):
    """``doctor(DATA, ...) -> (exit code, findings by code, the json, standard output in one line)``."""

    def run(*arguments, quick=True):
        out = tmp_path / "diagnosis.json"
        flags = ("--model", tiny_file, "--json", out, *(["--quick"] if quick else []))
        outcome = maskrcnn("doctor", *arguments, *flags)
        assert outcome.err == ""
        content = json.loads(out.read_text())
        return outcome.code, {f["code"]: f for f in content["findings"]}, content, " ".join(outcome.out.split())

    return run


def with_numbers(folder):
    (folder / "classes.txt").write_text("".join(f"{k} {name}\n" for k, name in enumerate(CLASSES, start=1)))
    return folder


def fill_maps(folder, stems, number):
    for stem in stems:
        save_numbers(folder / "classes" / f"{stem}.png", np.full((HEIGHT, WIDTH), number))


def write_as_jpeg(folder, stem="003"):
    path = folder / "classes" / f"{stem}.png"
    Image.open(path).save(path.with_suffix(".jpg"))
    path.unlink()


def in_colours(folder):
    lines = ["0 0 0 nothing", "9 0 0 disc", "0 9 0 brick", "0 0 9 wedge"]
    colours = np.array([line.split()[:3] for line in lines], dtype=np.uint8)
    for stem in ALL:
        path = folder / "classes" / f"{stem}.png"
        Image.fromarray(colours[np.array(Image.open(path))]).save(path)
    (folder / "classes.txt").write_text("\n".join(lines))


def an_odd_colour(folder):
    in_colours(folder)
    path = folder / "classes" / "003.png"
    pixels = np.array(Image.open(path))
    pixels[5, 5] = (1, 2, 3)
    Image.fromarray(pixels).save(path)


def smaller(folder):
    path = folder / "classes" / "003.png"
    Image.open(path).resize((WIDTH // 2, HEIGHT // 2)).save(path)


def hide_a_class(folder, stems):
    """Where the wedge was is background."""
    for stem in stems:
        path = folder / "classes" / f"{stem}.png"
        numbers = np.array(Image.open(path))
        numbers[numbers == 3] = 0
        Image.fromarray(numbers).save(path)


PLANTED = {
    "a number": (lambda f: fill_maps(f, ["003"], 77), {"class-map-unknown"}, "classes/003.png: the number 77"),
    "a colour": (an_odd_colour, {"class-map-unknown"}, "classes/003.png: the colour 1 2 3"),
    "a jpeg": (write_as_jpeg, {"label-map-lossy"}, "classes/003.jpg"),
    "ignored": (lambda f: fill_maps(f, ["003"], 255), {"class-map-unlabelled"}, "classes/003.png"),
    "another size": (smaller, {"image-size"}, "003.png: 128 x 96 pixels, labelled as 64 x 48"),
    "no wedge": (lambda f: hide_a_class(f, ALL), {"class-empty"}, "wedge"),
    "few wedges": (lambda f: hide_a_class(f, ALL[3:]), {"class-few"}, "wedge: in 3 of 24 images"),
    "no map": (lambda f: (f / "classes" / "003.png").unlink(), {"reader"}, "003.png has no class map"),
}


def test_of_sound_class_maps_nothing_is_said(doctor, maps):
    code, found, content, out = doctor(maps)
    facts = content["data"]["train"]
    assert (code, found) == (0, {})
    assert facts["task"] == "semantic" and min(facts["classes"].values()) > 0 == facts["unlabelled"]
    assert "24 images, 24 of them readable, with class maps; 0.0% of the pixels are unlabelled" in out
    assert content["plan"]["task"] == "semantic" and "every pixel told" in out and "anchors" not in out


def test_colours_of_a_list_are_sound_too(doctor, maps):
    in_colours(maps)
    assert doctor(maps)[:2] == (0, {})


@pytest.mark.parametrize("case", PLANTED)
def test_a_fault_alone_is_the_only_finding(doctor, maps, case):
    plant, expected, words = PLANTED[case]
    plant(maps)
    code, found, content, _ = doctor(maps)
    assert set(found) == expected
    (finding,) = found.values()
    assert finding["count"] == 1 and words in finding["examples"][0]
    assert code == (finding["severity"] == "error") and content["plan"] is not None


def test_maps_without_any_label_cannot_be_learned(doctor, maps):
    fill_maps(maps, ALL, 255)
    code, found, content, out = doctor(maps)
    assert code == 1 and set(found) == {"nothing-labelled", "class-map-unlabelled"} and content["plan"] is None
    assert "Every pixel is unlabelled" in out


def test_of_maps_that_are_all_jpeg_that_is_said_and_no_more(doctor, maps):
    for stem in ALL:
        write_as_jpeg(maps, stem)
    code, found, content, _ = doctor(maps)
    assert code == 1 and set(found) == {"label-map-lossy"} and content["plan"] is None


def test_one_class_alone_cannot_be_learned(doctor, maps):
    fill_maps(maps, ALL, 2)
    code, found, content, _ = doctor(maps)
    assert code == 1 and set(found) == {"class-alone"} and content["plan"] is None
    assert found["class-alone"]["examples"] == ["brick"]


def test_a_class_that_val_alone_shows_is_a_fault(doctor, maps, tmp_path):
    val = with_numbers(class_maps(tmp_path / "val"))
    for stem in ALL:
        path = val / "images" / f"{stem}.png"
        Image.fromarray(255 - np.array(Image.open(path))).save(path)
    hide_a_class(maps, ALL)
    code, found, _, _ = doctor(maps, "--val", val)
    assert code == 1 and set(found) == {"class-empty", "classes-differ"}
    assert found["classes-differ"]["examples"][0].startswith("wedge: ")


def test_maps_that_are_moved_against_their_pictures_are_found(doctor, maps):
    for stem in ALL:
        path = maps / "classes" / f"{stem}.png"
        Image.fromarray(np.roll(np.array(Image.open(path)), 10, axis=1)).save(path)
    code, found, _, _ = doctor(maps)
    assert code == 1 and set(found) == {"labels-misplaced"}


def test_their_parts_are_objects_where_that_is_asked_for(doctor, maps):
    code, found, content, _ = doctor(maps, "--task", "instances")
    assert code == 0 and set(found) == {"reader-remark"} and content["data"]["train"]["objects"] == 72


def test_two_maps_are_learned_by_heart(doctor, maps, monkeypatch):
    monkeypatch.setattr(trial, "MOST_STEPS", 40)
    _, found, content, out = doctor(maps, "--image-size", 128, quick=False)
    first, last = content["trial"]["losses"]["loss_semantic"]
    assert last < first and content["trial"]["steps"] <= 40 and not found
    assert "of the labelled pixels are then told as they are labelled" in out
    assert content["trial"]["sample_agreement"] > 0.5
