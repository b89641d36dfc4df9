"""The recipe's flags reach the training, and several data sets train together."""

import dataclasses
import json

import pytest
from PIL import Image

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.config import PreprocessConfig
from maskrcnn.errors import UsageError
from maskrcnn.jobs.train import open_together
from maskrcnn.jobs.training_run import rename_classes
from maskrcnn.modalities.open import open_dataset
from maskrcnn.planning.adaptation import adapt
from maskrcnn.planning.recipe import Recipe, remembered
from maskrcnn.structures import OTHER
from tiny import save_photo, tiny_config, write_coco

QUICK = ("--epochs", 1, "--batch", 2, "--workers", 0, "--image-size", 64)


def test_what_the_flags_say_is_what_is_trained():
    recipe = Recipe(
        image_size=96, crop_size=48, scale=(0.5, 2.0), flip=("y", "x"), copy_paste=0.3, stretch=True, proposals=40,
        smallest_anchor=6, agnostic_boxes=True, agnostic_masks=True, box_loss="giou", precision="bf16", average=0.9,
        body_lr=0.1, schedule="step", accumulate=2, patience=3, invert=0.1, grey=0.2, gamma=0.5, colour=0.4,
    )  # fmt: skip
    config = adapt(tiny_config(), recipe)
    assert (config.preprocess.max_size, config.preprocess.stretch) == (96, True)
    assert config.anchors.sizes == ((6.0,), (12.0,), (24.0,), (48.0,), (96.0,))
    assert config.box_head.class_agnostic and config.mask_head is not None and config.mask_head.class_agnostic
    assert (config.loss.box_loss, config.loss.box_samples) == ("giou", 40)
    augment = recipe.augment(config)
    assert (augment.size, augment.scale_range, augment.flip_axes) == ((48, 48), (1.0, 4.0), (0, 1))
    assert (augment.copy_paste, augment.invert, augment.grey, augment.gamma) == (0.3, 0.1, 0.2, 0.5)
    assert augment.brightness == augment.contrast == augment.saturation == 0.4
    fit = recipe.fit_config(pretrained=True)
    assert (fit.bf16, fit.average, fit.body_lr, fit.freeze_early) == (True, 0.9, 0.1, True)
    assert (fit.schedule, fit.accumulate, fit.patience) == ("step", 2, 3)


def test_no_flag_changes_nothing_about_the_model():
    config = tiny_config(preprocess=PreprocessConfig(stretch=True))
    assert adapt(config, Recipe()) == config


@pytest.mark.parametrize(
    "freeze, pretrained, expected",
    [
        ("early", True, (False, True)),
        ("none", True, (False, False)),
        ("all", True, (True, False)),
        ("all", False, (False, False)),
    ],
)
def test_only_a_pretrained_body_is_frozen(freeze, pretrained, expected):
    fit = Recipe(freeze=freeze).fit_config(pretrained)
    assert (fit.freeze_body, fit.freeze_early) == expected


def test_a_checkpoint_remembers_the_recipe():
    recipe = Recipe(flip=("x", "y"), scale=(0.5, 2.0), class_names=("a", "b"))
    assert remembered(json.loads(json.dumps(dataclasses.asdict(recipe)))) == recipe


@pytest.mark.parametrize(
    "flags, words",
    [(("--scale", 2, 1), "--scale takes a smaller and a larger"), (("--copy-paste", 1.5), "--copy-paste must lie"),
     (("--average", 1), "--average must lie"), (("--accumulate", 0), "--accumulate must be at least 1"),
     (("--gamma", -1), "--gamma must lie"), (("--smallest-anchor", 0), "--smallest-anchor must be at least")],
)  # fmt: skip
def test_a_flag_that_cannot_be_is_refused(refused, tmp_path, tiny_file, flags, words):
    data = write_coco(tmp_path)
    assert words in refused("train", data, "--out", tmp_path / "out", "--model", tiny_file, *flags)
    assert not (tmp_path / "out").exists()


def test_data_must_be_named(refused, tmp_path):
    assert "train needs DATA" in refused("train", "--out", tmp_path / "out")


def test_several_data_sets_with_different_classes_train_together(maskrcnn, tmp_path, tiny_file):
    a = write_coco(tmp_path / "a", classes=("disc",))
    b = write_coco(tmp_path / "b", classes=("brick", "cone"))
    val = write_coco(tmp_path / "c", count=2, classes=("cone", "disc"))
    outcome = maskrcnn("train", a, b, "--val", val, "--out", tmp_path / "out", "--model", tiny_file, *QUICK)
    assert outcome.code == 0, outcome.err
    assert "Training on 8 images of disc, brick, cone" in outcome.err
    info = read_info(tmp_path / "out" / "best.safetensors")
    assert info.class_names == ("disc", "brick", "cone") and "mask/AP/cone" in info.metrics
    together = open_together([a, b])
    assert [r.exhaustive for r in together][::4] == [frozenset({1}), frozenset({2, 3})]


def test_data_for_masks_alone_bring_no_class(maskrcnn, tmp_path, tiny_file):
    a, more = (
        write_coco(tmp_path / "a", classes=("disc",)),
        write_coco(tmp_path / "b", count=3, classes=("disc", "cone")),
    )
    flags = ("--mask-data", more, "--agnostic-masks", "--out", tmp_path / "out", "--model", tiny_file, *QUICK)
    outcome = maskrcnn("train", a, *flags)
    assert outcome.code == 0, outcome.err
    assert read_info(tmp_path / "out" / "best.safetensors").class_names == ("disc",)
    assert [r.labels.tolist() for r in open_together([a], [more])][4:] == [[1], [OTHER], [1]]


def test_label_maps_can_be_given_a_name(maskrcnn, tmp_path, tiny_file):
    folder = tmp_path / "cells"
    for k in range(2):
        save_photo(folder / "images" / f"{k}.png", seed=k)
        (folder / "labels").mkdir(exist_ok=True)
        label_map = Image.new("I;16", (64, 48))
        label_map.paste(1, (5, 5, 25, 30))
        label_map.save(folder / "labels" / f"{k}.png")
    flags = ("--class-names", "cell", "--out", tmp_path / "out", "--model", tiny_file, *QUICK)
    outcome = maskrcnn("train", folder, "--val", folder, *flags)
    assert outcome.code == 0, outcome.err
    best = tmp_path / "out" / "best.safetensors"
    assert read_info(best).class_names == ("cell",)
    # a model of one class is measured on labels that have no name
    assert maskrcnn("evaluate", folder, "--model", best, "--out", tmp_path / "eval", "--bootstrap", 0).code == 0


def test_as_many_names_as_classes(tmp_path):
    with pytest.raises(UsageError, match="a name for each of the 2 classes"):
        rename_classes(open_dataset(write_coco(tmp_path)), ("one",))
