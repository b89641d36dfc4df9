"""The surface head in both published forms: maps over boxes, parts of the file, mirror images, tiles, checkpoints."""

import dataclasses

import numpy as np
import pytest
import torch

from cases import NDIMS, inner_boxes, seeded, small_config, small_model
from maskrcnn.checkpoints.config_check import check_agreement
from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.config import ModelConfig, PoolConfig, SurfaceConfig, SurfaceHeadConfig, from_dict, to_dict
from maskrcnn.data.transforms.geometry import flip_map
from maskrcnn.errors import CheckpointError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.tiling.tile_detections import move_to_image
from maskrcnn.losses.objective import Objective
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import Place, heads_of
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import ImageBatch, Instances
from maskrcnn.surfaces.points import SurfacePoints
from surfaces_made import FOUR, random_points
from tiny import tiny_model

PLAIN = SurfaceHeadConfig(FOUR, PoolConfig(4), channels=6, convs=2)
FORMS = {
    "plain": PLAIN,
    "deeplab": dataclasses.replace(PLAIN, atrous=True, norm="group", decoder=5),
    "coarse": dataclasses.replace(PLAIN, coarse=5, enlarged=1, decoding="whole"),
}
forms = pytest.mark.parametrize("form", FORMS)


def make_model(ndim=2, form="plain", **changes):
    torch.manual_seed(0)
    model = small_model(ndim, surface_head=FORMS[form], **changes).eval()
    for layer in model.heads["surface"].network.outputs.values():
        torch.nn.init.normal_(layer.weight, std=0.5)
    return model


def found_in(model, image, boxes, labels=None):
    labels = torch.ones(len(boxes), dtype=torch.int64) if labels is None else labels
    found = Instances(boxes, labels, torch.ones(len(boxes)))
    batch = ImageBatch(image[None], [tuple(image.shape[1:])])
    with torch.no_grad():
        model.describe(model.backbone(image[None]), batch, [found])
    return found


@NDIMS
@forms
def test_maps_are_as_fine_as_the_config_says(ndim, form):
    model = make_model(ndim, form)
    head = model.heads["surface"]
    side = 4 * 2 * FORMS[form].enlarged
    features = model.backbone(torch.randn(2, 1, *(32,) * ndim, generator=seeded()))
    for counts in ((3, 2), (0, 2), (0, 0)):
        maps = head(features, [inner_boxes(count, (32,) * ndim) for count in counts])
        assert maps.shape == (sum(counts), FORMS[form].coarse + 15, *(side,) * ndim)


@NDIMS
@forms
def test_objects_get_parts_of_the_file(ndim, form):
    model = make_model(ndim, form)
    image = torch.randn(1, *(32,) * ndim, generator=seeded(1))
    found = found_in(model, image, inner_boxes(3, (32,) * ndim))
    found.mask_logits = None
    model.heads["surface"].to_file(found, Place(AxisMap.identity(ndim), (32,) * ndim, 0.5))
    assert len(found.surface) == 3 and found.surface.surface == "four"
    assert "surface" not in found.outputs
    for i in range(3):
        parts, uv = found.surface.parts[i], found.surface.uv[i]
        window = found.surface.window(i)
        assert uv.shape == (2, *parts.shape) and parts.max() <= 4
        assert not uv[:, parts == 0].any()
        assert np.array_equal(found.regions.mask(i)[window], parts > 0)  # no head draws masks here
        low, high = found.boxes[i].chunk(2)
        reach = 0 if form == "plain" else 1  # whole samples are rounded down
        for axis, own in enumerate(window):
            x = ndim - 1 - axis
            assert own.start <= low[x] + reach and own.stop >= high[x].floor() - reach


def test_hundreds_of_boxes_are_looked_at_in_turn_to_the_same_maps():
    model = make_model()
    image = torch.randn(1, 32, 32, generator=seeded(1))
    boxes = inner_boxes(20, (32, 32))
    together = found_in(model, image, boxes).outputs["surface"]
    alone = torch.cat([found_in(model, image, box[None]).outputs["surface"] for box in boxes])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_classes_without_the_surface_are_background():
    head = dataclasses.replace(PLAIN, labels=(2,))
    model = small_model(2, surface_head=head).eval()
    found = found_in(model, torch.randn(1, 32, 32), inner_boxes(3, (32, 32)), torch.tensor([1, 2, 1]))
    model.heads["surface"].to_file(found, Place(AxisMap.identity(2), (32, 32), 0.5))
    assert not found.surface.parts[0].any() and not found.surface.parts[2].any()


@NDIMS
@pytest.mark.parametrize("form", ["plain", "coarse"])
def test_a_mirror_image_of_a_mirror_image_says_the_same(ndim, form):
    model = make_model(ndim, form)
    head, info = model.heads["surface"], ModelInfo(model.config, ("a", "b"))
    found = found_in(model, torch.randn(1, *(32,) * ndim, generator=seeded(1)), inner_boxes(2, (32,) * ndim))
    before = found.outputs["surface"]
    across = flip_map((32,) * ndim, (0,))
    head.mirror(found, across, info)
    once = found.outputs["surface"]
    coarse = FORMS[form].coarse
    torch.testing.assert_close(once[:, coarse + 1], before[:, coarse + 2].flip(-1))  # left from right
    torch.testing.assert_close(once[:, coarse + 5 + 3], 1 - before[:, coarse + 5 + 3].flip(-1))  # u of the front
    head.mirror(found, across, info)
    torch.testing.assert_close(found.outputs["surface"], before)


def test_where_the_surface_does_not_say_a_mirror_image_tells_parts_alone():
    blind = dataclasses.replace(PLAIN, surface=dataclasses.replace(FOUR, mirrored_uv=()))
    model = small_model(2, surface_head=blind).eval()
    image, boxes = torch.randn(1, 32, 32, generator=seeded(1)), inner_boxes(2, (32, 32))
    looks = [found_in(model, image, boxes), found_in(model, image.flip(-1), flip_map((32, 32), (0,)).boxes(boxes))]
    before = looks[0].outputs["surface"].clone()
    head = model.heads["surface"]
    head.mirror(looks[1], flip_map((32, 32), (0,)), ModelInfo(model.config, ("a", "b")))
    other = looks[1].outputs["surface"]
    head.average(looks)
    after = looks[0].outputs["surface"]
    torch.testing.assert_close(after[:, :7], (before[:, :7] + other[:, :7]) / 2)
    torch.testing.assert_close(after[:, 7:], before[:, 7:])


def test_maps_of_a_tile_move_to_the_image():
    model = make_model()
    found = found_in(model, torch.randn(1, 32, 32), inner_boxes(2, (32, 32)))
    model.heads["surface"].to_file(found, Place(AxisMap.identity(2), (32, 32), 0.5))
    moved = move_to_image(found, (10, 20), (64, 64), heads_of(model))
    assert np.array_equal(moved.surface.offsets, found.surface.offsets + [10, 20])
    again = found.surface[torch.tensor([1, 0])]
    assert np.array_equal(again.parts[0], found.surface.parts[1])


def labelled(ndim=2):
    """One image: an object with points, one with a mask alone, one of which nothing is known."""
    boxes = inner_boxes(3, (32,) * ndim)
    masks = [np.zeros((32,) * ndim, bool) for _ in boxes]
    low, high = boxes[1].round().long().chunk(2)
    masks[1][tuple(slice(a, b) for a, b in zip(low.flip(0).tolist(), high.flip(0).tolist()))] = True
    regions = Regions.from_masks(masks, (32,) * ndim)
    return Instances(boxes, torch.tensor([1, 2, 1]), regions=regions, surface=random_points((20, 0, 0), boxes))


@NDIMS
@forms
def test_a_training_step_compares_what_is_known_and_moves_every_weight_of_the_head(ndim, form):
    model = make_model(ndim, form)
    images = ImageBatch(torch.randn(2, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim] * 2)
    nothing = Instances(torch.zeros(0, 2 * ndim))
    objective = Objective(model)
    terms = objective(images, [labelled(ndim), nothing], [0, 1])
    assert set(objective.names()) == set(terms)
    assert all(terms[f"loss_surface_{name}"].count > 0 for name in ("coarse", "part", "u", "v"))
    sum(term.mean() for name, term in terms.items() if "surface" in name).backward()
    for name, weight in model.heads["surface"].named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name


@pytest.mark.parametrize("target", [Instances(torch.zeros(0, 4)), Instances(inner_boxes(2, (32, 32)))])
def test_without_labels_there_is_nothing_to_compare(target):
    model = make_model()
    images = ImageBatch(torch.randn(1, 1, 32, 32), [(32, 32)])
    target.labels = torch.ones_like(target.labels)
    terms = Objective(model)(images, [target], [0])
    assert all(term.count == 0 for name, term in terms.items() if "surface" in name)
    sum(term.mean() for term in terms.values()).backward()


def test_labels_of_another_surface_and_other_classes_teach_nothing():
    target = labelled()
    target.regions = None
    target.surface = dataclasses.replace(target.surface, surface="smpl-24")
    images = ImageBatch(torch.randn(1, 1, 32, 32), [(32, 32)])
    terms = Objective(make_model())(images, [target], [0])
    assert all(term.count == 0 for name, term in terms.items() if "surface" in name)
    target = labelled()
    target.labels = torch.tensor([2, 2, 2])
    model = small_model(2, surface_head=dataclasses.replace(PLAIN, labels=(1,)))
    terms = Objective(model)(images, [target], [0])
    assert all(term.count == 0 for name, term in terms.items() if "surface" in name)


def test_fewer_proposals_are_compared_where_the_config_says_so():
    loss = small_config(2).loss
    images = ImageBatch(torch.randn(1, 1, 32, 32, generator=seeded()), [(32, 32)])
    counts = []
    for samples in (None, 1):
        surface = dataclasses.replace(loss.surface, samples=samples, positive_iou=0.5)
        model = make_model(loss=dataclasses.replace(loss, surface=surface, box_samples=64))
        target = labelled()
        target.surface = random_points((0, 0, 0), target.boxes)
        counts.append(Objective(model)(images, [target], [0])["loss_surface_coarse"].count)
    assert counts[1] == 16 * 16 and counts[0] >= counts[1]


@forms
def test_a_checkpoint_keeps_head_and_surface(tmp_path, form):
    model = tiny_model(surface_head=FORMS[form])
    save_checkpoint(tmp_path / "m.safetensors", model, ModelInfo(model.config, ("a", "b")))
    loaded, info = load_checkpoint(tmp_path / "m.safetensors")
    assert info.config.surface_head == FORMS[form]
    image = torch.randint(0, 256, (3, 40, 40), generator=seeded()).float()
    found = [Predictor(m.eval(), info).masks(image, inner_boxes(2, (40, 40))) for m in (model, loaded)]
    assert all(np.array_equal(a, b) for a, b in zip(found[0].surface.parts, found[1].surface.parts))


def test_the_config_goes_through_json():
    config = ModelConfig(surface_head=FORMS["deeplab"])
    assert from_dict(to_dict(config)) == config


@pytest.mark.parametrize(
    ("surface", "coarse", "says"),
    [
        (SurfaceConfig("empty"), 2, "no parts"),
        (dataclasses.replace(FOUR, mirrored=(1, 1, 3, 4)), 2, "each part once"),
        (dataclasses.replace(FOUR, mirrored_uv=((1.0, 0.0, 1.0, 0.0),)), 2, "u and v of 1 parts"),
        (dataclasses.replace(FOUR, groups=((1, 5),)), 2, "beyond the 4"),
        (FOUR, 6, "5 coarse parts"),
    ],
)
def test_a_surface_that_contradicts_itself_is_refused(surface, coarse, says):
    config = small_config(2, surface_head=dataclasses.replace(PLAIN, surface=surface, coarse=coarse))
    with pytest.raises(CheckpointError, match=says):
        check_agreement(config)


def test_predictions_have_it_whole_in_tiles_and_mirrored():
    model = make_model()
    info = ModelInfo(model.config, ("a", "b"))
    image = torch.randint(0, 256, (1, 64, 64), generator=seeded()).float()
    for options in ({}, {"flip": True}, {"tile": 48}):
        found = Predictor(model, info).with_options(score=0.0, max_detections=4, **options)(image)
        assert found.surface is not None and len(found.surface) == len(found)
        for i in range(len(found)):
            assert all(own.start >= 0 and own.stop <= 64 for own in found.surface.window(i))


def test_blank_labels_say_nothing():
    blank = SurfacePoints.blank("four", 3)
    assert len(blank) == 3 and not blank.are_known().any() and len(blank[torch.tensor([2])]) == 1
