"""``maskrcnn train`` with a plan, as a user runs it, and what the plan is made from."""

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.jobs.run_folder import data_name, default_out
from maskrcnn.modalities.open import open_dataset
from maskrcnn.planning.fingerprint import take_fingerprint
from maskrcnn.planning.step_cost import measure_step
from tiny import tiny_model, write_coco


@pytest.fixture
def data(tmp_path):
    return write_coco(tmp_path / "zoo", count=12)


@pytest.fixture
def train(maskrcnn, tiny_file, tmp_path):
    """The plan's own settings but for the model and the image size, which make it a matter of seconds."""

    def run(*arguments, out=True):
        where = ("--out", tmp_path / "out") if out else ()
        small = ("--model", tiny_file, "--image-size", 64, "--workers", 0)
        return maskrcnn("train", *arguments, *small, *where)

    return run


def settings(folder):
    return yaml.safe_load((folder / "plan.yaml").read_text())


def test_a_plan_of_seconds_is_made_and_followed(train, data, tmp_path):
    outcome = train(data, "--time", "6s")
    assert outcome.code == 0
    plan, info = settings(tmp_path / "out"), read_info(tmp_path / "out" / "best.safetensors")
    assert plan["epochs"] == info.notes["recipe"]["epochs"] > 1
    assert plan["max_detections"] == info.config.detection.max_detections
    assert plan["smallest_anchor"] == info.config.anchors.sizes[0][0]
    assert info.notes["images"] == 8
    assert "4 of 12 images are held out" in outcome.err and "The plan:" in outcome.err
    assert "you asked for it" in (tmp_path / "out" / "plan.yaml").read_text()


def test_a_plan_alone_trains_nothing(train, data, tmp_path):
    assert train(data, "--plan-only").code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["plan.yaml"]


def test_a_seed_gives_the_same_training_again_and_another_seed_another(data, tmp_path, maskrcnn, tiny_file):
    weights = []
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        small = ("--model", tiny_file, "--image-size", 64, "--workers", 0, "--epochs", 2, "--batch", 4)
        assert maskrcnn("train", data, "--out", tmp_path / name, "--seed", seed, *small).code == 0
        weights.append(load_file(tmp_path / name / "best.safetensors"))
    first, again, other = weights
    assert first.keys() == again.keys() and all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_an_edited_plan_is_followed(train, data, tmp_path):
    train(data, "--plan-only")
    path = tmp_path / "edited.yaml"
    path.write_text("epochs: 2\nbatch: 5\nval_fraction: 0\n")
    outcome = train(data, "--plan", path, "--batch", 4)
    assert outcome.code == 0
    info = read_info(tmp_path / "out" / "best.safetensors")
    assert (info.notes["recipe"]["epochs"], info.notes["recipe"]["batch"], info.notes["images"]) == (2, 4, 12)
    assert f"as in {path}" in (tmp_path / "out" / "plan.yaml").read_text()


def test_a_wrong_line_of_a_plan_is_one_sentence(refused, data, tmp_path):
    (tmp_path / "plan.yaml").write_text("epoch: 3\n")
    sentence = refused("train", data, "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "out")
    assert "Did you mean epochs?" in sentence


def test_without_a_plan_each_flag_has_its_own_default(train, data, tmp_path):
    assert train(data, "--plan", "off", "--epochs", 1).code == 0
    assert not (tmp_path / "out" / "plan.yaml").exists()
    notes = read_info(tmp_path / "out" / "best.safetensors").notes
    assert (notes["recipe"]["scale"], notes["images"]) == ([0.6, 1.6], 12)


def test_everything_can_be_trained_on(train, data, tmp_path):
    train(data, "--val-fraction", 0, "--epochs", 1)
    assert read_info(tmp_path / "out" / "best.safetensors").notes["images"] == 12


def test_a_training_that_died_before_its_first_checkpoint_follows_its_plan(train, data, tmp_path):
    train(data, "--epochs", 2, "--lr", 1e-3, "--plan-only")
    outcome = train(data, "--resume")
    assert outcome.code == 0
    recipe = read_info(tmp_path / "out" / "best.safetensors").notes["recipe"]
    assert (recipe["epochs"], recipe["lr"]) == (2, 1e-3)


def test_a_resumed_training_holds_out_what_it_held_out(train, data, tmp_path):
    train(data, "--epochs", 1)
    assert train(data, "--resume").code == 0
    assert read_info(tmp_path / "out" / "last.safetensors").notes["images"] == 8


def test_the_results_lie_under_the_name_of_the_data(train, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(data.parent, "--epochs", 1, out=False)
    assert (tmp_path / "runs" / "zoo" / "best.safetensors").is_file()
    train(data.parent, "--epochs", 1, out=False)
    assert (tmp_path / "runs" / "zoo-2" / "best.safetensors").is_file()
    assert default_out([data.parent], resume=True).name == "zoo-2"


@pytest.mark.parametrize(
    ("path", "name"), [("animals/train", "animals"), ("My photos!", "My-photos"), ("a/data/valid", "a")]
)
def test_data_are_called_after_their_folder(tmp_path, path, name):
    assert data_name(tmp_path / path) == name


def test_source_photos_on_both_sides_are_named(train, tmp_path):
    both = [{"id": 9, "file_name": "tiger_jpg.rf.1.png", "height": 48, "width": 64}]
    paths = []
    for side in ("train", "val"):
        path = write_coco(tmp_path / side, images_too=both)
        (path.parent / "images" / "tiger_jpg.rf.1.png").write_bytes((path.parent / "images" / "0.png").read_bytes())
        paths.append(path)
    outcome = train(paths[0], "--val", paths[1], "--plan-only")
    assert "1 source photo in both" in outcome.err and "the first tiger:" in outcome.err


@pytest.mark.parametrize("flags", [("--time", "soon"), ("--time", "2h", "--plan", "off"), ("--plan", "gone.yaml")])
def test_what_cannot_be_planned_is_refused(refused, data, tmp_path, flags):
    assert refused("train", data, "--out", tmp_path / "out", *flags)


def test_a_fingerprint_counts_what_is_there(tmp_path):
    crowd = {"id": 99, "image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1}
    crowd |= {"segmentation": {"size": [48, 64], "counts": [3072]}}
    found = take_fingerprint(open_dataset(write_coco(tmp_path, count=5, annotations_too=[crowd])))
    assert (found.images, found.class_names, found.class_counts) == (5, ("disc", "brick"), (3, 2))
    assert found.objects.tolist() == [1] * 5 and found.most_objects == 1
    assert np.allclose(found.boxes[0], [20 / 64, 18 / 64])
    assert found.side() == 64 and found.mask_fill == pytest.approx(1) and found.overlap == 0
    assert found.grey == 0 and len(found.contrast) == 5


def test_a_step_is_measured():
    from maskrcnn.data.synthetic import synthetic_samples
    from maskrcnn.training.fit_config import FitConfig

    samples = synthetic_samples(2, 2, (64, 64), seed=0)
    cost = measure_step(tiny_model(), samples, FitConfig(batch_size=2), steps=2)
    assert 0 < cost.seconds < 30 and cost.bytes > 2**20 and 0 < cost.look_seconds < 30
