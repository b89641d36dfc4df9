"""A model that tells the class of every sample, as a program uses it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from kinds import GRID, some_scan
from PIL import Image

import maskrcnn
from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.config import SemanticHeadConfig
from maskrcnn.errors import UsageError
from maskrcnn.models.build import build_model
from tiny import noise, save_photo, tiny_config, tiny_info
from tiny_signals import tiny_signal_config, tiny_signal_info

ALONE = {"finds_objects": False, "mask_head": None, "semantic_head": SemanticHeadConfig((8,), background=False)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Of photos, with two classes and random weights."""
    torch.manual_seed(3)
    network = build_model(tiny_config(**ALONE)).eval()
    with torch.no_grad():
        network.heads["semantic"].logits.weight *= 100
    path = tmp_path_factory.mktemp("model") / "streets.safetensors"
    save_checkpoint(path, network, tiny_info(network))
    return maskrcnn.load(path)


def test_a_photo_has_a_class_map(model):
    found = model(noise())
    assert len(found) == 0 and found.class_map.shape == (48, 64) and set(np.unique(found.class_map)) <= {1, 2}
    areas = found.class_areas
    assert sum(areas.values()) == 48 * 64 and list(areas.values()) == sorted(areas.values(), reverse=True)
    assert all(area == (found.class_map == model.class_names.index(name) + 1).sum() for name, area in areas.items())
    first = next(iter(areas))
    assert repr(found).startswith(f"class map: {first} {100 * areas[first] / (48 * 64):.0f} %")
    assert "tells disc, brick apart in images" in repr(model)


def test_it_is_drawn_and_written(model, tmp_path):
    found = model(save_photo(tmp_path / "a.png"))
    drawn = found.draw()
    assert drawn.width % 64 == 0 and drawn.height > drawn.width * 48 / 64  # the legend is below
    with Image.open(found.save(tmp_path / "out.png")) as picture:
        assert picture.size == drawn.size
    content = json.loads(found.save(tmp_path / "out.json").read_text())
    assert content["objects"] == [] and content["classes"] == found.class_areas
    assert b"PNG" in found._repr_png_() and "class map" in found._repr_html_()


def test_a_folder_with_a_damaged_photo_goes_on(model, tmp_path):
    save_photo(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"b\.png"):
        good, bad = list(model(tmp_path))
    assert good.class_map is not None and "failed" in repr(bad) and bad.class_areas == {}


def test_nobody_can_be_asked_why_there_is_an_object(model):
    with pytest.raises(UsageError, match="tells the class of every sample"):
        maskrcnn.explain(model.predictor, torch.from_numpy(noise()).permute(2, 0, 1))


def test_of_a_model_of_objects_the_class_map_is_painted_from_the_masks(tiny_file):
    found = maskrcnn.load(tiny_file, score=0)(noise())
    assert len(found) and set(np.unique(found.class_map)) <= {0, 1, 2}
    covered = found.masks.any(0)
    assert ((found.class_map > 0) == covered).all()


def test_the_parts_of_a_class_in_a_scan_are_objects():
    torch.manual_seed(0)
    network = build_model(tiny_signal_config(3, preprocess=GRID, **ALONE)).eval()
    with torch.no_grad():
        network.heads["semantic"].logits.weight *= 100
    info = tiny_signal_info(network, "volume")
    model = maskrcnn.Model(maskrcnn.Predictor(network, info))
    found = model(some_scan()[0].numpy(), spacing=(1.0, 1.0, 1.0))
    assert len(found) and found.masks.sum() == (found.class_map > 0).sum()
    for one in found:
        assert (found.class_map[one.masks[0]] == one.labels[0]).all()
