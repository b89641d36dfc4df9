"""The doctor names what was planted, each alone and all together, and nothing else."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image, ImageOps

from doctor_sets import FAULTS, copy_image, draw_picture, move_everything, plant, to_rle, write_label_maps, write_set
from maskrcnn.doctor import trial_training as trial
from maskrcnn.doctor.finding_kinds import FINDING_KINDS
from maskrcnn.planning import step_cost as cost

ANIMALS = Path(__file__).parents[2].parent / "shared" / "data" / "animals"
SMALL = ("--image-size", 128)  # the shipped model on pictures of their own size


@pytest.fixture
def doctor(maskrcnn, tmp_path):
    """``doctor(DATA, ...) -> (exit code, findings by (code, data), standard output)``, without the trial."""

    def run(*arguments, quick=True):
        out = tmp_path / "diagnosis.json"
        outcome = maskrcnn("doctor", *arguments, "--json", out, *(["--quick"] if quick else []))
        assert outcome.err == ""
        found = {(f["code"], f["data"]): f for f in json.loads(out.read_text())["findings"]}
        return outcome.code, found, outcome.out

    return run


@pytest.fixture(scope="session")
def sound_set(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("sound") / "train")


@pytest.fixture
def copied(sound_set, tmp_path):
    shutil.copytree(sound_set.parent, tmp_path / "train")
    return tmp_path / "train" / "labels.json"


def test_of_a_sound_set_nothing_is_said(doctor, sound_set):
    code, found, out = doctor(sound_set, *SMALL)
    assert (code, found) == (0, {})
    assert "24 images, 24 of them readable; 72 objects with masks" in out
    assert f"Next: maskrcnn train {sound_set} --image-size 128" in " ".join(out.split())


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_alone_is_the_only_finding(doctor, copied, code):
    exit_code, found, out = doctor(plant(copied, FAULTS[code]), *SMALL)
    assert list(found) == [(code, "train")]
    assert found[code, "train"]["count"] in (1, 2)
    assert exit_code == (1 if FINDING_KINDS[code].severity == "error" else 0)
    assert FINDING_KINDS[code].title in " ".join(out.split())


def test_all_faults_together_are_all_named_once(doctor, copied):
    code, found, _ = doctor(plant(copied, *FAULTS.values()), *SMALL)
    assert code == 1
    assert set(found) == {(name, "train") for name in FAULTS}
    assert {finding["count"] for finding in found.values()} == {1}


def test_findings_name_the_file_and_say_what_to_do(doctor, copied):
    _, found, out = doctor(plant(copied, FAULTS["box-outside"]), *SMALL)
    (example,) = found["box-outside", "train"]["examples"]
    assert example.startswith("005.png, annotation 16: box [2")
    assert "005.png" in out and "What to do: " in out


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda image: image.resize((100, 75)), ""),
        (ImageOps.mirror, ", mirrored"),
        (lambda image: image.point(lambda v: min(255, int(v * 0.8 + 30))), ""),
    ],
    ids=["smaller", "mirrored", "recoloured"],
)
def test_a_picture_of_train_is_found_in_val(doctor, sound_set, tmp_path, change, words):
    val = write_set(tmp_path / "val", 6, first=500)
    with Image.open(sound_set.parent / "004.png") as image:
        change(image).resize((128, 96)).save(tmp_path / "val" / "503.png")
    _, found, _ = doctor(sound_set, "--val", val, *SMALL)
    assert list(found) == [("same-picture", "both")]
    assert found["same-picture", "both"]["examples"] == [f"004.png (train) and 503.png (val){words}"]


def test_pictures_of_one_source_are_found_by_their_names(doctor, copied, tmp_path):
    val = write_set(tmp_path / "val", 6, first=500)
    rename(copied, "003.png", "walk_jpg.rf.0123456789abcdef0123456789abcdef.png")
    rename(val, "502.png", "walk_jpg.rf.fedcba9876543210fedcba9876543210.png")
    _, found, _ = doctor(copied, "--val", val, *SMALL)
    assert list(found) == [("same-source", "both")]


def rename(path, old, new):
    (path.parent / old).rename(path.parent / new)
    path.write_text(path.read_text().replace(f'"{old}"', f'"{new}"'))


def test_val_that_is_train_is_a_fault(doctor, sound_set):
    code, found, _ = doctor(sound_set, "--val", sound_set, *SMALL)
    assert code == 1
    assert found["same-picture", "both"]["severity"] == "error"
    assert found["same-picture", "both"]["count"] == 24


def test_faults_of_val_are_said_to_be_there(doctor, sound_set, tmp_path):
    val = write_set(tmp_path / "val", 20, first=500)
    _, found, _ = doctor(sound_set, "--val", plant(val, FAULTS["box-empty"]), *SMALL)
    assert list(found) == [("box-empty", "val")]


def test_classes_that_train_lacks_are_a_fault(doctor, sound_set, tmp_path):
    val = write_set(tmp_path / "val", 6, first=500)
    val.write_text(val.read_text().replace('"wedge"', '"gear"'))
    code, found, _ = doctor(sound_set, "--val", val, *SMALL)
    assert code == 1 and list(found) == [("classes-differ", "val")]


@pytest.mark.parametrize(
    "how, words",
    [
        (lambda points: points + [10, 0], "moved by about -10 px in x"),
        (lambda points: points[:, ::-1], "with x and y exchanged"),
        (lambda points: np.stack([128 - points[:, 0], points[:, 1]], 1), "mirrored left to right"),
    ],
    ids=["shifted", "exchanged", "mirrored"],
)
def test_labels_that_lie_elsewhere_than_the_objects_are_found(doctor, copied, how, words):
    code, found, out = doctor(plant(copied, lambda content, folder: move_everything(content, how)), *SMALL)
    assert code == 1
    assert words in found["labels-misplaced", "train"]["why"]


def test_run_lengths_are_as_good_as_polygons(doctor, copied):
    assert doctor(plant(copied, to_rle), *SMALL)[:2] == (0, {})


def test_boxes_without_masks_are_said_to_be_that(doctor, copied):
    def drop_masks(content, folder):
        for a in content["annotations"]:
            del a["segmentation"]

    code, found, out = doctor(plant(copied, drop_masks), *SMALL)
    assert (code, found) == (0, {})
    assert "a detector without a mask head would be trained" in " ".join(out.split())


def test_small_objects_are_compared_with_the_image_size(doctor, sound_set):
    _, found, out = doctor(sound_set, "--image-size", 32, "--smallest-anchor", 32)
    assert set(found) == {("objects-tiny", "train"), ("anchors-miss", "train")}
    assert "of your objects are under 8 px at this size (--image-size 32)" in found["objects-tiny", "train"]["why"]
    assert "use --image-size 64" in found["objects-tiny", "train"]["fix"]
    assert "use --smallest-anchor" in found["anchors-miss", "train"]["fix"]


def test_nothing_labelled_is_a_fault(doctor, copied):
    maps = write_label_maps(copied.parent.parent / "maps", 3)
    for path in (maps / "labels").iterdir():
        Image.fromarray(np.zeros((96, 128), np.uint8)).save(path)
    code, found, _ = doctor(maps, *SMALL)
    assert code == 1
    assert set(found) == {("nothing-labelled", "train"), ("image-unlabelled", "train")}


# Label maps


def change_map(folder, stem, change):
    path = folder / "labels" / f"{stem}.png"
    with Image.open(path) as image:
        numbers = np.array(image)
    Image.fromarray(change(numbers)).save(path)


def no_picture(folder):
    (folder / "images" / "002.png").unlink()


def no_map(folder):
    (folder / "labels" / "003.png").unlink()


def broken_map(folder):
    (folder / "labels" / "004.png").write_bytes(b"no image")


def other_map_size(folder):
    change_map(folder, "005", lambda numbers: numbers[:-10])


def one_number(folder):
    change_map(folder, "006", lambda numbers: (numbers > 0).astype(np.uint8) * 255)


def speck(folder):
    def draw(numbers):
        numbers[0, 0] = 77
        return numbers

    change_map(folder, "007", draw)


def number_again(folder):
    change_map(folder, "008", lambda numbers: np.where(numbers == 3, 1, numbers).astype(np.uint16))


def lossy_map(folder):
    path = folder / "labels" / "009.png"
    with Image.open(path) as image:
        image.convert("L").save(path.with_suffix(".jpg"))
    path.unlink()


MAP_FAULTS = {
    "image-missing": no_picture,
    "image-unlabelled": no_map,
    "labels-unreadable": broken_map,
    "image-size": other_map_size,
    "label-map-semantic": one_number,
    "object-speck": speck,
    "object-in-parts": number_again,
}


def test_sound_label_maps_have_no_findings(doctor, tmp_path):
    assert doctor(write_label_maps(tmp_path / "maps"), *SMALL)[:2] == (0, {})


@pytest.mark.parametrize("code", MAP_FAULTS)
def test_a_fault_of_label_maps_alone_is_the_only_finding(doctor, tmp_path, code):
    folder = write_label_maps(tmp_path / "maps")
    MAP_FAULTS[code](folder)
    _, found, _ = doctor(folder, *SMALL)
    assert [(name, finding["count"]) for (name, _), finding in found.items()] == [(code, 1)]


def test_a_label_map_saved_as_jpeg_is_named(doctor, tmp_path):
    folder = write_label_maps(tmp_path / "maps")
    lossy_map(folder)
    _, found, _ = doctor(folder, *SMALL)
    assert found["label-map-lossy", "train"]["count"] == 1


# The trial, with the shipped model


@pytest.fixture
def patient(monkeypatch):
    """Fewer steps, which are enough at this size, and as long as they take beside other tests."""
    monkeypatch.setattr(trial, "MOST_STEPS", trial.ENOUGH_STEPS)
    monkeypatch.setattr(trial, "SECONDS", 300.0)
    monkeypatch.setattr(cost, "LONG", 0.0)


def test_two_images_are_learned_by_heart_and_the_needs_follow(doctor, patient, sound_set, tmp_path):
    code, found, out = doctor(sound_set, *SMALL, quick=False)
    assert (code, found) == (0, {})
    content = json.loads((tmp_path / "diagnosis.json").read_text())
    tried, needs = content["trial"], content["needs"]
    first, last = (sum(pair[k] for pair in tried["losses"].values()) for k in (0, 1))
    assert last < 0.5 * first
    assert tried["mask_agreement"] > 0.6 and tried["box_agreement"] > 0.6
    assert needs["total_seconds"] > content["plan"]["epochs"] * needs["epoch_seconds"] > needs["step_seconds"] > 0
    assert "memory: about" in out and "20 images to learn from" in out and "4 images held out" in out


def test_masks_beside_their_boxes_show_in_the_trial(doctor, patient, copied):
    def shift_masks(content, folder):
        for a in content["annotations"]:
            points = np.array(a["segmentation"][0]).reshape(-1, 2) + [0.7 * a["bbox"][2], 0]
            a["segmentation"] = [points.clip(0, [128, 96]).ravel().tolist()]

    code, found, _ = doctor(plant(copied, shift_masks), *SMALL, quick=False)
    assert code == 1
    assert ("trial-masks-off", "train") in found
    assert found["box-mask-disagree", "train"]["count"] > 60


# The plan


def test_the_doctor_judges_what_train_would_do(doctor, maskrcnn, tiny_file, sound_set, tmp_path):
    flags = ("--model", tiny_file, "--epochs", 3)
    doctor(sound_set, *flags)
    maskrcnn("train", sound_set, *flags, "--plan-only", "--out", tmp_path / "out")
    judged = json.loads((tmp_path / "diagnosis.json").read_text())["plan"]
    planned = yaml.safe_load((tmp_path / "out" / "plan.yaml").read_text())
    assert judged == planned
    assert planned["image_size"] == 256 and planned["model"] == str(tiny_file)


def test_a_flag_of_the_doctor_goes_before_a_plan_and_a_plan_before_what_is_planned(doctor, sound_set, tmp_path):
    (tmp_path / "plan.yaml").write_text("image_size: 96\nbatch: 3\n")
    _, _, out = doctor(sound_set, "--plan", tmp_path / "plan.yaml", "--batch", 5)
    assert "images of 96 px" in out and "5 in a step" in " ".join(out.split())
    assert f"--plan {tmp_path / 'plan.yaml'} --batch 5" in " ".join(out.split())


@pytest.mark.parametrize("flags", [("--model", "nobody"), ("--plan", "gone.yaml"), ("--image-size", 8)])
def test_what_cannot_be_planned_is_refused_before_anything_is_read(refused, sound_set, flags):
    assert str(flags[1]) in refused("doctor", sound_set, *flags)


# The command


def test_the_plain_output_has_no_colours_and_no_trailing_blanks(doctor, copied):
    _, _, out = doctor(plant(copied, *FAULTS.values()), *SMALL)
    assert "\x1b" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_pictures_without_labels_are_told_how_to_go_on(refused, tmp_path):
    (tmp_path / "pictures").mkdir()
    for k in range(3):
        Image.fromarray(draw_picture(k)[0]).save(tmp_path / "pictures" / f"{k}.png")
    sentence = refused("doctor", tmp_path / "pictures")
    assert "holds 3 pictures but no labels" in sentence and "maskrcnn predict" in sentence


@pytest.mark.parametrize("name", ["gone", "empty"])
def test_what_is_no_data_set_is_refused(refused, tmp_path, name):
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / name) in refused("doctor", tmp_path / name)


def test_every_kind_of_finding_is_explained_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    assert [code for code in FINDING_KINDS if f"`{code}`" not in page] == []


# The animals, as somebody would have them


@pytest.mark.skipif(not ANIMALS.is_dir(), reason="the shared data is not here (../shared/data)")
def test_the_animals_with_every_fault_planted(doctor, tmp_path):
    train, val = (link_copy(ANIMALS / name, tmp_path / name) for name in ("train", "valid"))
    plant(train, *FAULTS.values())
    plant(val, lambda content, folder: leak(content, folder, train))
    code, found, _ = doctor(train.parent, "--val", val.parent)
    assert code == 1
    # true of the clean copy: mirrored pictures under names of their own, and one source photo of two crops
    counts = Counter({("image-duplicate", "train"): 2, ("same-picture", "both"): 5, ("same-source", "both"): 1})
    counts.update({(name, "train"): 1 for name in FAULTS})
    counts.update({("same-picture", "both"): 1})
    assert {key: finding["count"] for key, finding in found.items()} == dict(counts)


def link_copy(folder, copy):
    """A folder of links to the images, with a json of its own; its path."""
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).symlink_to(path)
    labels = copy / "_annotations.coco.json"
    labels.unlink()
    labels.write_text((folder / labels.name).read_text())
    return labels


def leak(content, folder, train):
    """The picture at position 30 of train among those of val, under another name and compressed once more."""
    name = json.loads(train.read_text())["images"][30]["file_name"]
    with Image.open(train.parent / name) as image:
        picture = image.convert("RGB")
    copy_image(content, folder, 0, "leaked.jpg", lambda _: picture)
