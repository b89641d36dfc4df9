"""Given the weights of detectron2's DensePose, our surface head's outputs, parts and losses are its own."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import seeded
import seeded_densepose as made
import seeded_detectron2
import torch
from reference import recording

from maskrcnn.checkpoints.foreign.detectron2 import convert_detectron2
from maskrcnn.checkpoints.foreign.name_mapping import ImportSummary
from maskrcnn.config import LossConfig
from maskrcnn.losses.surface import surface_loss
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import Place
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.regions import AxisMap
from maskrcnn.structures import Instances
from maskrcnn.surfaces.points import SurfacePoints
from maskrcnn.surfaces.reading import split_maps

OUTPUTS = ("coarse_segm", "fine_segm", "u", "v")
EVERY = 4
FORMS = pytest.mark.parametrize("name", made.MODELS)


@functools.cache
def recorded() -> dict[str, np.ndarray]:
    return recording("densepose")


def tensors_of(name: str) -> dict[str, torch.Tensor]:
    """A file of detectron2's: a detector of people that does not matter here, and the head with its weights."""
    depths = seeded_detectron2.R101 if "R_101" in made.MODELS[name].config else seeded_detectron2.R50
    body = seeded_detectron2.Model("", depths, 1, False, 0, (), 0, 0.0)
    tensors = {key: torch.zeros(()).expand(shape) for key, shape in seeded_detectron2.names_and_shapes(body)}
    return tensors | {key: torch.from_numpy(value) for key, value in made.state_dict(made.MODELS[name]).items()}


@functools.lru_cache(4)
def converted(name: str) -> tuple[MaskRCNN, ModelInfo, ImportSummary]:
    return convert_detectron2({"model": tensors_of(name)}, Path(f"{name}.pkl"))


@functools.lru_cache(4)
def maps_of(name: str) -> torch.Tensor:
    head = converted(name)[0].heads["surface"].double()
    levels = [torch.from_numpy(level).double() for level in made.features()]
    with torch.no_grad():
        return head([*levels, levels[-1]], [torch.from_numpy(made.BOXES).double()])


@FORMS
def test_outputs_are_those_of_densepose(name: str) -> None:
    coarse = made.MODELS[name].coarse
    for key, own in zip(OUTPUTS, split_maps(maps_of(name), coarse), strict=True):
        expected = recorded()[f"{name}/{key}"]
        for k, values in enumerate(own.numpy()):
            np.testing.assert_allclose(seeded.probe(values), expected[k], rtol=0, atol=1e-6 * np.abs(expected).max())


@FORMS
def test_parts_u_and_v_of_the_file_are_those_of_densepose(name: str) -> None:
    head = converted(name)[0].heads["surface"]
    found = Instances(torch.from_numpy(made.BOXES), torch.ones(3, dtype=torch.int64))
    found.outputs["surface"] = maps_of(name).float()
    head.to_file(found, Place(AxisMap.identity(2), made.SIDES, 0.5))
    assert found.surface is not None and found.surface.surface == "smpl-24"
    for k in range(3):
        parts = found.surface.parts[k]
        expected = recorded()[f"{name}/labels/{k}"]
        assert np.array_equal(parts, expected)
        assert len(np.unique(expected)) > 3
        assert found.surface.offsets[k].tolist() == [int(made.BOXES[k, 1]), int(made.BOXES[k, 0])]
        uv = found.surface.uv[k][:, ::EVERY, ::EVERY]
        np.testing.assert_allclose(uv, recorded()[f"{name}/uv/{k}"], rtol=0, atol=1e-4)
        assert np.array_equal(found.regions.mask(k)[found.surface.window(k)], expected > 0)


@FORMS
def test_losses_are_those_of_densepose(name: str) -> None:
    expected = json.loads((seeded.HERE / "densepose.json").read_text())[name]
    config = converted(name)[1].config
    own, loss = config.surface_head, config.loss.surface
    boxes = torch.from_numpy(made.truth_boxes())
    low, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    labels = made.labels()
    places = [(low[k] + torch.from_numpy(np.stack([one.x, one.y], 1)) / 256 * size[k]) for k, one in enumerate(labels)]
    objects = [(at.numpy(), one.parts, np.stack([one.u, one.v], 1)) for at, one in zip(places, labels)]
    points = SurfacePoints.of_objects("smpl-24", objects, [one.coarse for one in labels], boxes.numpy())
    regions, masks = torch.from_numpy(made.BOXES), torch.zeros(3, *maps_of(name).shape[2:])
    nothing = (masks, torch.zeros(3, dtype=torch.bool))
    terms = surface_loss(maps_of(name), regions, points, nothing, own.surface, own.coarse, loss)
    assert terms["u"].count > 30
    for key, term, weight in (("U", "u", loss.uv_weight), ("V", "v", loss.uv_weight)):  # sums there
        assert float(terms[term].total) / weight == pytest.approx(expected[key], rel=1e-4)
    for key, term, weight in (("I", "part", loss.part_weight), ("S", "coarse", loss.coarse_weight)):
        assert float(terms[term].mean()) / weight == pytest.approx(expected[key], rel=1e-4)


def test_a_file_becomes_a_model_of_people_with_a_surface() -> None:
    model, info, report = converted("s1x")
    assert info.class_names == ("person",) and info.config.surface_head.surface.name == "smpl-24"
    assert "DensePose R-CNN" in report.source
    assert any("research" in note for note in report.notes)
    assert {stage.stage for stage in report.stages} >= {"surface head", "box head", "body"}
    assert info.config.loss.surface.aligned is False and LossConfig().surface.aligned is True


def test_layers_of_confidence_are_named_and_not_used() -> None:
    _, _, report = converted("confident")
    assert report.ignored == 6
    assert any("kappa_u_lowres, kappa_v_lowres, sigma_2_lowres" in note for note in report.notes)


def test_the_legacy_form_pools_half_as_fine_and_knows_coarse_parts() -> None:
    head = converted("legacy")[1].config.surface_head
    assert (head.pool.output_size, head.coarse, head.decoder) == (14, 15, 0)
    assert converted("legacy")[1].config.backbone.body == "resnet101"
