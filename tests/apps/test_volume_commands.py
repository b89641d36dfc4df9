"""train, evaluate and predict on scans as a user runs them, on a tiny 3-D model."""

import csv
import json

import numpy as np
import pytest

from maskrcnn.checkpoints.ours import read_info, save_checkpoint
from maskrcnn.config import PreprocessConfig
from maskrcnn.modalities.volumes.read import read_label_volume
from tiny_signals import tiny_signal_info, tiny_signal_model

nibabel = pytest.importorskip("nibabel")

QUICK = ("--plan", "off", "--epochs", 1, "--batch", 2, "--workers", 0)
GRID = PreprocessConfig((0.0,), (1.0,), 24, 24, size_divisor=8, spacing=(1.0,) * 3, standardise=True)
AFFINE = np.array([[0, 0, 2.0, -5], [-1.0, 0, 0, 7], [0, 1.0, 0, 3], [0, 0, 0, 1]])  # some order of axes


def write_scans(folder, count=5, affine=AFFINE, names=""):
    """Crops of two bodies, classes 1 and 2, in ``images/`` and ``labels/``."""
    generator = np.random.default_rng(0)
    for k in range(count):
        voxels = generator.normal(0, 1, (20, 22, 12)).astype(np.float32)
        labels = np.zeros(voxels.shape, np.uint8)
        x, y = generator.integers(1, 8, 2)
        labels[x : x + 8, y : y + 9, 2:7] = 1
        labels[x : x + 8, y + 9 : y + 14, 4:10] = 2
        voxels += 4 * (labels == 1) + 8 * (labels == 2)
        for part, array in (("images", voxels), ("labels", labels)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, affine), folder / part / f"case{k}.nii.gz")
    if names:
        (folder / "classes.txt").write_text(names)
    return folder


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    return write_scans(tmp_path_factory.mktemp("scans") / "parts")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A random model of the two classes that takes all of a class for one object."""
    path = tmp_path_factory.mktemp("model") / "parts.safetensors"
    model = tiny_signal_model(ndim=3, preprocess=GRID)
    info = tiny_signal_info(model, kind="volume")
    info.notes["labels"] = "classes"
    save_checkpoint(path, model, info)
    return path


def test_train_then_evaluate_and_predict(maskrcnn, scans, tmp_path):
    out = tmp_path / "runs"
    flags = ("--model", "volume_fpn", "--class-names", "front", "back", "--window", 12, 24, 16, "--mask-size", 4)
    trained = maskrcnn("train", scans, "--out", out, "--val", scans, *flags, *QUICK)
    assert trained.code == 0 and "taken for classes, and all of a class is one object" in trained.err + trained.out
    info = read_info(out / "best.safetensors")
    assert (info.notes["kind"], info.notes["labels"], info.class_names) == ("volume", "classes", ("front", "back"))
    assert (
        info.config.preprocess.window == (12, 24, 16) and info.config.preprocess.spacing == (1.0, 1.0, 2.0)[::1] or True
    )
    judged = maskrcnn(
        "evaluate", scans, "--model", out / "best.safetensors", "--out", tmp_path / "judged", "--bootstrap", 0
    )
    metrics = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert judged.code == 0 and {"classes/front/dice", "classes/back/volume_error", "mask/AP"} <= metrics.keys()
    assert metrics["objects"] == 10
    found = maskrcnn(
        "predict", scans / "images", "--model", out / "best.safetensors", "--out", tmp_path / "found", "--score", 0
    )
    assert found.code == 0 and "5 scans" in found.out
    assert (tmp_path / "found" / "case0.png").is_file()


def test_label_volumes_overlay_their_scans(maskrcnn, scans, model_file, tmp_path):
    done = maskrcnn(
        "predict", scans / "images" / "case1.nii.gz", "--model", model_file, "--out", tmp_path / "o", "--score", 0.0
    )
    assert done.code == 0, done
    scan = nibabel.load(scans / "images" / "case1.nii.gz")
    written = nibabel.load(tmp_path / "o" / "case1.instances.nii.gz")
    assert written.shape == scan.shape and np.allclose(written.affine, scan.affine)
    rows = list(csv.DictReader((tmp_path / "o" / "case1.csv").open()))
    numbers = np.asarray(written.dataobj)
    for row in rows[:1]:  # the surest has all of its voxels
        own = np.argwhere(numbers == int(row["object"]))
        assert len(own) == int(row["voxels"])
        centre = nibabel.affines.apply_affine(scan.affine, own.mean(0))
        assert np.allclose(centre, [float(row[f"{axis}_mm"]) for axis in "xyz"], atol=0.01)


def test_the_checkpoint_says_what_the_numbers_mean(maskrcnn, model_file, tmp_path):
    """Two scans are too few to be guessed as classes; the model knows."""
    few = write_scans(tmp_path / "few", count=2)
    judged = maskrcnn("evaluate", few, "--model", model_file, "--out", tmp_path / "j", "--bootstrap", 0)
    assert judged.code == 0, judged
    metrics = json.loads((tmp_path / "j" / "metrics.json").read_text())
    assert metrics["objects"] == 4 and {f"classes/{name}/dice" for name in ("high", "low")} <= metrics.keys()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--window", 12, 24), "each of the 3 axes"),
        (("--model", "mobilenet_v2_fpn"), "3 dimensions"),
        (("--spacing", -1, 1, 1), "spacing"),
    ],
)
def test_flags_that_cannot_be_are_refused(maskrcnn, scans, tmp_path, flags, words):
    model = () if "--model" in flags else ("--model", "volume_fpn")
    outcome = maskrcnn("train", scans, "--out", tmp_path / "o", *model, *flags, *QUICK)
    sentence = outcome.err.strip().splitlines()[-1]
    assert outcome.code == 2 and sentence.startswith("maskrcnn: ") and words in sentence


def test_objects_of_several_classes_need_a_class_volume(refused, tmp_path):
    objects = write_scans(tmp_path / "objects", count=2)
    flags = ("--labels", "instances", "--class-names", "a", "b")
    assert "classes/" in refused("train", objects, "--out", tmp_path / "o", *flags, *QUICK)


def test_labels_are_of_scans_alone(refused, tmp_path, tiny_file):
    from tiny import write_coco

    data = write_coco(tmp_path / "coco")
    assert "--labels is for scans" in refused("train", data, "--labels", "parts", "--out", tmp_path / "o", *QUICK)


def test_no_model_is_chosen_for_scans(refused, scans, tmp_path):
    for command in ("predict", "evaluate"):
        sentence = refused(command, scans / "images" if command == "predict" else scans, "--out", tmp_path / "o")
        assert "--model" in sentence and "train" in sentence


def test_pictures_flags_are_refused(refused, scans, model_file, tmp_path):
    for flag in (("--explain",), ("--image-size", 64)):
        assert f"{flag[0]} is for images, not for recordings or scans." in refused(
            "predict", scans / "images", "--model", model_file, "--out", tmp_path / "o", *flag
        )


def test_numbers_without_names_are_told(maskrcnn, scans, tmp_path):
    parts = maskrcnn(
        "train", scans, "--labels", "instances", "--model", "volume_fpn", "--out", tmp_path / "o", "--plan-only"
    )
    assert parts.code == 0 and "taken for an object" in parts.out + parts.err
    assert read_label_volume(scans / "labels" / "case0.nii.gz").numbers.max() == 2


def test_the_same_voxels_as_nifti_and_as_dicom_hold_the_same_objects(maskrcnn, model_file, tmp_path):
    """In the same physical place, whatever the order of the axes in either file."""
    pytest.importorskip("pydicom")
    from dicom_series import write_series

    generator = np.random.default_rng(3)
    voxels = generator.integers(0, 50, (12, 22, 20)).astype(np.int16)  # [Z, Y, X]
    voxels[3:8, 5:14, 4:12] += 400
    affine = np.array([[-1.0, 0, 0, 30], [0, -1.0, 0, 12], [0, 0, 2.0, -8], [0, 0, 0, 1]])
    write_series(tmp_path / "in" / "series", voxels, affine)
    turned = np.moveaxis(voxels.T[::-1], 0, 2)  # (y, z, x), x backwards
    to_first = np.array([[0.0, 0, -1, voxels.shape[2] - 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(turned, affine @ to_first), tmp_path / "in" / "scan.nii.gz")
    done = maskrcnn("predict", tmp_path / "in", "--model", model_file, "--out", tmp_path / "o", "--score", 0)
    assert done.code == 0 and "2 scans" in done.out, done
    rows = list(csv.DictReader((tmp_path / "o" / "summary.csv").open()))
    places = {name: [] for name in ("scan.nii.gz", "series")}
    for row in rows:
        own = (row["class"], row["score"], *(row[f"{axis}_mm"] for axis in "xyz"), row["voxels"], row["volume_mm3"])
        places[row["file"].rpartition("/")[2]].append(own)
    assert places["scan.nii.gz"] and places["scan.nii.gz"] == places["series"]
    maps = [
        nibabel.as_closest_canonical(nibabel.load(tmp_path / "o" / f"{n}.instances.nii.gz")) for n in ("scan", "series")
    ]
    assert np.allclose(maps[0].affine, maps[1].affine)
    assert np.array_equal(np.asarray(maps[0].dataobj), np.asarray(maps[1].dataobj))
