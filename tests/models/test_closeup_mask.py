"""Close-up masks: what the head sees, what it draws, and what becomes of it on the way to the file."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import naive
from cases import NDIMS, SHAPES, TinyBody, as_array, inner_boxes, random_boxes, seeded, small_config, small_model
from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.config import BackboneConfig, CloseUpMaskConfig, from_dict, to_dict
from maskrcnn.data.transforms.geometry import flip_map
from maskrcnn.inference.look import rescored
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.closeup import BORDER, border, closeup_mask_loss
from maskrcnn.losses.objective import Objective
from maskrcnn.models.head import Place
from maskrcnn.models.heads.closeup_mask import AT_ONCE, CloseUpSegmenter, bins_inside, extend_to_border, spread_out
from maskrcnn.ops.cut_out import cuboid_around, cut_out, read_masks
from maskrcnn.regions import AxisMap, Regions, paste_regions
from maskrcnn.structures import ImageBatch, ImageSource, Instances
from tiny import noise, tiny_info, tiny_model

BINS = {1: (9,), 2: (7, 10), 3: (5, 6, 4)}
MASKS = {1: (6,), 2: (4, 5), 3: (3, 4, 2)}
TINY = CloseUpMaskConfig(size=32, widths=(8, 8, 6, 6, 4))


def closeup_config(ndim, **changes):
    body = BackboneConfig("tiny", ((2,) * ndim, (1,) * ndim, *((2,) * ndim,) * 3), norm="group")
    return CloseUpMaskConfig(**{"body": body, "size": 16, "widths": (6, 5, 4, 3)} | changes)


def model_with_closeup(ndim, **changes):
    model = small_model(ndim, closeup_mask_head=closeup_config(ndim, **changes))
    torch.nn.init.normal_(model.heads["closeup_mask"].segmenter.logits.weight, std=2.0)
    return model


@NDIMS
def test_masks_are_read_where_bins_of_other_regions_have_their_centres(ndim):
    boxes = random_boxes(5, SHAPES[ndim], smallest=0.2)
    regions = random_boxes(5, SHAPES[ndim], seed=1, smallest=0.2)
    masks = torch.rand(5, *MASKS[ndim], generator=seeded())
    read = read_masks(masks, boxes, regions, BINS[ndim])
    for mask, box, region, own in zip(masks, boxes.tolist(), regions.tolist(), read):
        for place in np.ndindex(*BINS[ndim]):
            position = []
            for axis, k in enumerate(place):
                x = ndim - 1 - axis
                centre = region[x] + (region[ndim + x] - region[x]) * (k + 0.5) / BINS[ndim][axis]
                position.append((centre - box[x]) / (box[ndim + x] - box[x]) * mask.shape[axis] - 0.5)
            assert own[place].item() == pytest.approx(naive.read_framed(as_array(mask), position), abs=1e-4)


@NDIMS
def test_regions_have_a_margin_and_are_not_too_narrow(ndim):
    boxes = random_boxes(20, SHAPES[ndim])
    regions = cuboid_around(boxes, 1.25, 0.5)
    low, high = (regions.chunk(2, 1)[k] for k in (0, 1))
    torch.testing.assert_close(low + high, boxes[:, :ndim] + boxes[:, ndim:])
    sides, own = high - low, boxes[:, ndim:] - boxes[:, :ndim]
    assert (sides >= 1.25 * own - 1e-4).all()
    assert (sides.amin(1) >= 0.5 * sides.amax(1) - 1e-4).all()
    torch.testing.assert_close(sides.amax(1), 1.25 * own.amax(1))


@NDIMS
def test_the_head_sees_image_box_and_ordinary_mask(ndim):
    model = model_with_closeup(ndim).eval()
    head = model.heads["closeup_mask"]
    images = torch.randn(2, 1, *(32,) * ndim, generator=seeded())
    boxes = [inner_boxes(3, (32,) * ndim), inner_boxes(1, (32,) * ndim, seed=1)]
    masks = torch.rand(4, *(4,) * ndim, generator=seeded())
    with torch.no_grad():
        logits = head.look(images, boxes, masks)
        regions = [cuboid_around(own, head.config.margin, head.config.narrowest) for own in boxes]
        every = torch.cat(boxes)
        given = [read_masks(own, every, torch.cat(regions), head.size) for own in (torch.ones_like(masks), masks)]
        seen = torch.cat([cut_out(images, regions, head.size), torch.stack(given, 1) * 2 - 1], 1)
        torch.testing.assert_close(logits, head.segmenter(seen))
    assert logits.shape == (4, *head.output_size)


def test_many_objects_are_seen_in_turn():
    head = model_with_closeup(2).eval().heads["closeup_mask"]
    boxes = [inner_boxes(AT_ONCE + 3, (32, 32))]
    image, masks = torch.randn(1, 1, 32, 32, generator=seeded()), torch.rand(AT_ONCE + 3, 4, 4, generator=seeded())
    together = head.look(image, boxes, masks)
    with torch.no_grad():
        torch.testing.assert_close(head.look(image, boxes, masks), together)


def test_as_many_widths_as_outputs():
    with pytest.raises(ValueError, match="decoder over 4 outputs needs as many widths, not 3"):
        CloseUpSegmenter(2, TinyBody(2, 3, closeup_config(2).body), (4, 4, 3))


def found_by(model, images, boxes):
    found = [Instances(own, torch.ones(len(own), dtype=torch.long)) for own in boxes]
    with torch.no_grad():
        model.describe(model.backbone(images.tensor), images, found)
    return found


@NDIMS
def test_the_file_gets_the_finer_masks(ndim):
    model = model_with_closeup(ndim).eval()
    images = ImageBatch(torch.randn(1, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim])
    (found,) = found_by(model, images, [inner_boxes(3, (32,) * ndim)])
    logits, regions = found.outputs["closeup_mask"], found.outputs["closeup_mask_regions"]
    place = Place(AxisMap((0.5,) * ndim, (0.0,) * ndim), (16,) * ndim, 0.5)
    found.boxes = place.back.boxes(found.boxes)
    for head in model.heads.values():
        head.to_file(found, place)
    expected = paste_regions(logits.sigmoid(), place.back.boxes(regions), (16,) * ndim)
    assert [found.regions.mask(k).tolist() for k in range(3)] == [expected.mask(k).tolist() for k in range(3)]
    assert found.outputs == {}


@NDIMS
def test_doubtful_masks_lower_the_scores_of_their_objects(ndim):
    model = model_with_closeup(ndim, rescoring=2.0, sure=0.9).eval()
    images = ImageBatch(torch.randn(1, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim])
    (found,) = found_by(model, images, [inner_boxes(3, (32,) * ndim)])
    logits = torch.randn(found.outputs["closeup_mask"].shape, generator=seeded(3))
    found.outputs["closeup_mask"] = logits
    for head in model.heads.values():
        head.to_file(found, Place(AxisMap.identity(ndim), (32,) * ndim, 0.5))
    expected = []
    for own in logits:
        inside = [p for p in own.sigmoid().flatten().tolist() if p >= 0.5]
        expected.append(min(sum(inside) / max(len(inside), 1) / 0.9, 1.0) ** 2)
    torch.testing.assert_close(found.outputs.pop("mask_quality"), torch.tensor(expected))
    assert len(set(expected)) > 1 and found.outputs == {}


def test_rescored_objects_are_in_order_again_and_over_the_threshold():
    found = Instances(torch.arange(16.0).reshape(4, 4), torch.tensor([1, 2, 3, 4]), torch.tensor([0.9, 0.8, 0.6, 0.5]))
    assert rescored(found, 0.5) is found
    found.outputs["mask_quality"] = torch.tensor([0.5, 1.0, 1.0, 0.9])
    left = rescored(found, 0.5)
    assert left.labels.tolist() == [2, 3] and left.outputs == {}
    torch.testing.assert_close(left.scores, torch.tensor([0.8, 0.6]))


def test_scores_of_objects_that_somebody_else_found_stay():
    model = tiny_model(closeup_mask_head=dataclasses.replace(TINY, rescoring=2.0))
    predictor = Predictor(model, tiny_info(model), "cpu")
    picture = torch.from_numpy(noise()).permute(2, 0, 1)
    found = predictor.masks(picture, inner_boxes(2, (48, 64)), torch.ones(2).long())
    assert found.outputs == {} and len(found.regions) == 2


def test_small_objects_keep_the_ordinary_mask():
    plain, some = small_model(2).eval(), model_with_closeup(2, smallest=10.0).eval()
    some.load_state_dict(plain.state_dict(), strict=False)
    boxes = torch.tensor([[2.0, 2, 8, 9], [4, 4, 24, 26], [1, 20, 9, 30]])  # of 6.5, 20.98 and 8.9 samples
    images = ImageBatch(torch.randn(1, 1, 32, 32, generator=seeded()), [(32, 32)])
    place = Place(AxisMap.identity(2), (32, 32), 0.5)
    (own,), (other,) = found_by(some, images, [boxes]), found_by(plain, images, [boxes])
    assert own.outputs["closeup_mask"].isnan().flatten(1).all(1).tolist() == [True, False, True]
    finer = paste_regions(
        own.outputs["closeup_mask"][1:2].sigmoid(), own.outputs["closeup_mask_regions"][1:2], (32, 32)
    )
    for found, model in ((own, some), (other, plain)):
        for head in model.heads.values():
            head.to_file(found, place)
    assert np.array_equal(own.regions.mask(0), other.regions.mask(0))
    assert np.array_equal(own.regions.mask(2), other.regions.mask(2))
    assert np.array_equal(own.regions.mask(1), finer.mask(0))


def test_a_model_without_ordinary_masks_has_no_finer_ones():
    model = small_model(2, mask_head=None, closeup_mask_head=closeup_config(2)).eval()
    images = ImageBatch(torch.randn(1, 1, 32, 32, generator=seeded()), [(32, 32)])
    (found,) = found_by(model, images, [inner_boxes(2, (32, 32))])
    assert found.outputs == {} and found.regions is None


@NDIMS
def test_small_objects_are_seen_as_they_are_in_the_file(ndim):
    """The input is a quarter of the file: an object of 5 samples there has 20."""
    head = model_with_closeup(ndim).eval().heads["closeup_mask"]
    file, size = torch.rand(1, *(128,) * ndim, generator=seeded()) * 255, (32,) * ndim
    source = ImageSource(file, AxisMap((0.25,) * ndim, (0.0,) * ndim), (128.0,), (64.0,))
    image = torch.zeros(1, 1, *size)
    regions = torch.tensor([[4.0] * ndim + [10.0] * ndim, [2.0] * ndim + [30.0] * ndim])  # the second is not enlarged
    cuts = head.cuts(image, [regions], [source])
    torch.testing.assert_close(cuts[:1], cut_out((file[None] - 128) / 64, [regions[:1] * 4], head.size))
    assert not cuts[1].any() and head.size == (16,) * ndim
    assert not head.cuts(image, [regions], None).any()


def test_a_mirrored_source_shows_the_same():
    head = model_with_closeup(2).eval().heads["closeup_mask"]
    file = torch.rand(1, 90, 101, generator=seeded()) * 255
    source = ImageSource(file, AxisMap((32 / 101, 28 / 90), (0.0, 0.0)), (128.0,), (64.0,))
    region = torch.tensor([[3.0, 4, 12, 11]])
    across = flip_map((28, 32), (0,)).boxes(region)
    one = head.cuts(torch.zeros(1, 1, 28, 32), [region], [source])
    other = head.cuts(torch.zeros(1, 1, 28, 32), [across], [source.mirrored(32)])
    torch.testing.assert_close(other.flip(-1), one, rtol=0, atol=1e-4)


@NDIMS
def test_mirrored_masks_are_those_of_the_mirror_image(ndim):
    model = model_with_closeup(ndim).eval()
    head, size = model.heads["closeup_mask"], (32,) * ndim
    images = ImageBatch(torch.randn(1, 1, *size, generator=seeded()), [size])
    (found,) = found_by(model, images, [inner_boxes(2, size)])
    before = Regions.join(
        [paste_regions(found.outputs["closeup_mask"].sigmoid(), found.outputs["closeup_mask_regions"], size)]
    )
    head.mirror(found, flip_map(size, (0,)), None)
    after = paste_regions(found.outputs["closeup_mask"].sigmoid(), found.outputs["closeup_mask_regions"], size)
    differ = [np.mean(before.mask(k)[..., ::-1] != after.mask(k)) for k in range(2)]
    assert max(differ) < 0.01  # a sample on the threshold may fall to either side


@NDIMS
def test_masks_go_on_beyond_the_border_of_the_image(ndim):
    shape, bins = SHAPES[ndim], BINS[ndim]
    regions = random_boxes(8, shape, smallest=0.3, largest=1.4)
    masks = torch.rand(8, *bins, generator=seeded())
    inside = bins_inside(regions, shape, bins)
    extended = extend_to_border(masks, regions, shape)
    assert inside.flatten(1).any(1).all() and not inside.all()
    torch.testing.assert_close(extended[inside], masks[inside], rtol=0, atol=0)
    for mask, own, here in zip(masks, extended, inside):
        known = here.nonzero()
        for place in (~here).nonzero():
            nearest = known[(known - place).abs().sum(1).argmin()]
            assert own[tuple(place)] == mask[tuple(nearest)]


def naive_loss(logits, targets, counted):
    """Place by place, of one object."""
    change = np.zeros(targets.shape)
    for place in np.ndindex(*targets.shape):
        for axis in range(targets.ndim):
            for step in (-1, 1):
                near = list(place)
                near[axis] += step
                if 0 <= near[axis] < targets.shape[axis]:
                    change[place] = max(change[place], abs(targets[place] - targets[tuple(near)]))
    total = weights = both = own = true = 0.0
    for place in np.ndindex(*targets.shape):
        if not counted[place]:
            continue
        p = 1 / (1 + math.exp(-logits[place]))
        weight = 1 + BORDER * change[place]
        weights += weight
        total -= weight * (targets[place] * math.log(p) + (1 - targets[place]) * math.log(1 - p))
        both, own, true = both + p * targets[place], own + p, true + targets[place]
    return total / weights + 1 - (2 * both + 1) / (own + true + 1)


@NDIMS
def test_the_loss_is_the_naive_one(ndim):
    shape = (3, *BINS[ndim])
    logits = torch.randn(shape, generator=seeded(), dtype=torch.float64)
    targets = torch.rand(shape, generator=seeded(1), dtype=torch.float64).round(decimals=1)
    counted = torch.rand(shape, generator=seeded(2)) < 0.8
    term = closeup_mask_loss(logits, targets, counted)
    expected = sum(naive_loss(*map(as_array, own)) for own in zip(logits, targets, counted))
    assert term.count == 3 and term.total.item() == pytest.approx(expected, rel=1e-5)


def test_borders_lie_on_both_sides_of_a_step():
    assert border(torch.tensor([[0.0, 0, 1, 1, 1]])).tolist() == [[0, 1, 1, 0, 0]]


@NDIMS
def test_bins_inside_an_image(ndim):
    regions, shape = random_boxes(6, SHAPES[ndim], largest=1.5), SHAPES[ndim]
    inside = bins_inside(regions, shape, BINS[ndim])
    for region, own in zip(regions.tolist(), inside):
        for place in np.ndindex(*BINS[ndim]):
            centre = [
                region[ndim - 1 - a] + (region[2 * ndim - 1 - a] - region[ndim - 1 - a]) * (k + 0.5) / BINS[ndim][a]
                for a, k in enumerate(place)
            ]
            assert own[place].item() == all(0 <= c <= size for c, size in zip(centre, shape))


@pytest.mark.parametrize(("count", "most", "chosen"), [(3, None, [0, 1, 2]), (3, 6, [0, 1, 2]), (7, 3, [0, 2, 4])])
def test_objects_of_an_image_are_chosen_evenly(count, most, chosen):
    assert spread_out(count, most).tolist() == chosen


@NDIMS
def test_the_whole_model_learns(ndim):
    model = model_with_closeup(ndim)
    size = (32,) * ndim
    images = ImageBatch(torch.randn(1, 1, *size, generator=seeded()), [size])
    boxes = inner_boxes(2, size)
    windows = [([int(v) for v in box[:ndim].flip(0)], np.ones((6,) * ndim, bool)) for box in boxes]
    target = Instances(boxes, torch.tensor([1, 2]), regions=Regions.from_windows(size, windows))
    losses = Objective(model)(images, [target], [0])
    assert set(losses) == set(Objective(model).names())
    term = losses["loss_closeup_mask"]
    assert 0 < term.count <= 2 * model.config.loss.closeup_samples
    term.total.backward()
    segmenter = model.heads["closeup_mask"].segmenter
    for layer in (
        segmenter.body.layers[0].conv,
        segmenter.laterals[0],
        segmenter.merged[-1],
        segmenter.finest,
        segmenter.logits,
    ):
        assert layer.weight.grad.abs().sum() > 0
    # what the heads before it say is no part of what is learned here
    assert all(p.grad is None or p.grad.abs().sum() == 0 for p in model.heads["mask"].parameters())


def test_an_image_without_objects_costs_nothing():
    model = model_with_closeup(2)
    images = ImageBatch(torch.randn(1, 1, 32, 32, generator=seeded()), [(32, 32)])
    nothing = Instances(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), regions=Regions.blank((32, 32)))
    term = Objective(model)(images, [nothing], [0])["loss_closeup_mask"]
    assert term.count == 0 and term.total.item() == 0


def test_a_config_comes_back():
    values = to_dict(dataclasses.replace(small_config(2), closeup_mask_head=TINY))
    values["backbone"]["body"] = "mobilenet_v2"  # a checkpoint names bodies that everybody has
    assert from_dict(values).closeup_mask_head == TINY


@pytest.fixture(scope="module")
def predictor():
    model = tiny_model(closeup_mask_head=TINY)
    torch.nn.init.normal_(model.heads["closeup_mask"].segmenter.logits.weight, std=1.0)
    return Predictor(model, tiny_info(model))


@pytest.fixture(scope="module")
def photo():
    return torch.from_numpy(noise(64, 112)).permute(2, 0, 1)


def masks_of(found):
    return [found.regions.mask(k) for k in range(len(found))]


def test_sharp_off_is_the_model_without_the_head(predictor, photo):
    plain = tiny_model()
    plain.load_state_dict({k: v for k, v in predictor.model.state_dict().items() if "closeup_mask" not in k})
    expected = Predictor(plain, tiny_info(plain))(photo)
    off, on = predictor.with_options(sharp=False)(photo), predictor(photo)
    assert np.array_equal(masks_of(off), masks_of(expected))
    torch.testing.assert_close(on.boxes, off.boxes, rtol=0, atol=0)
    assert not np.array_equal(masks_of(on), masks_of(off))


@pytest.mark.parametrize("options", [{"flip": True}, {"tile": 64}, {"tile": 64, "flip": True}])
def test_whatever_way_it_is_looked_at_nothing_is_left_over(predictor, photo, options):
    found = predictor.with_options(**options)(photo)
    assert len(found) > 0 and found.outputs == {} and len(found.regions) == len(found)


def test_given_boxes_get_finer_masks(predictor, photo):
    boxes = torch.tensor([[10.0, 10, 50, 50], [-5, 20, 40, 70]])
    fine, plain = (
        predictor.masks(photo, boxes, options=o) for o in (None, predictor.with_options(sharp=False).options)
    )
    assert not np.array_equal(masks_of(fine), masks_of(plain)) and torch.equal(fine.boxes, boxes)


def test_it_is_saved_and_loaded(predictor, photo, tmp_path):
    path = tmp_path / "sharp.safetensors"
    save_checkpoint(path, predictor.model, predictor.info)
    again = Predictor(*load_checkpoint(path))
    assert np.array_equal(masks_of(again(photo)), masks_of(predictor(photo)))
