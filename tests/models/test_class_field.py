"""The class field: between anchors against a naive reading, as part of a box head, and moved from class to class."""

import dataclasses

import pytest
import torch

import naive
from cases import NDIMS, as_array, inner_boxes, seeded, small_config, small_model
from maskrcnn.checkpoints.transfer import transfer
from maskrcnn.config import ClassFieldConfig
from maskrcnn.losses.objective import Objective
from maskrcnn.models.class_field import ClassField
from maskrcnn.ops.nd import interpolate
from maskrcnn.structures import ImageBatch, Instances

CLASSES = 3


def config(ndim, **changes):
    """Three levels; two anchors a position on the finest, of unequal sides where there is more than one."""
    oblong = tuple(6.0 + 3 * axis for axis in range(ndim))
    cells = (((5.0,) * ndim, oblong), ((12.0,) * ndim,), ((24.0,) * ndim,))
    return dataclasses.replace(
        ClassFieldConfig(expanded=6, extras=((4, 5),), cells=cells, first=(1.5, 3.0, 2.0), nearest=4), **changes
    )


def field_and_outputs(ndim, **changes):
    torch.manual_seed(0)
    field = ClassField(ndim, [4, 7], [(4,) * ndim, (8,) * ndim], CLASSES, config(ndim, **changes))
    for layer in field.logits:
        torch.nn.init.normal_(layer.weight)
        torch.nn.init.normal_(layer.bias)
    outputs = [torch.randn(2, c, *(n,) * ndim, generator=seeded(c)) for c, n in ((4, 8), (7, 4))]
    return field, outputs


@NDIMS
def test_a_box_is_read_between_the_anchors_most_like_it(ndim):
    nearest = 4 if ndim > 1 else 100  # in 1-D several anchors often overlap a box equally, and any may come first
    field, outputs = field_and_outputs(ndim, nearest=nearest)
    boxes = [inner_boxes(5, (32,) * ndim), inner_boxes(3, (32,) * ndim, seed=1)]
    reading = field(outputs)
    read = reading.at(boxes).split([5, 3])
    for own, image_boxes, image_logits in zip(read, boxes, reading.logits):
        expected = [
            naive.read_field(image_logits.tolist(), reading.boxes.tolist(), box, nearest, 8.0)
            for box in image_boxes.tolist()
        ]
        torch.testing.assert_close(own, torch.tensor(expected), rtol=1e-4, atol=1e-4)


@NDIMS
def test_the_anchors_lie_where_the_config_says(ndim):
    field, outputs = field_and_outputs(ndim)
    expected = []
    for level, (grid, stride) in enumerate(((8, 4), (4, 8), (2, 16))):
        first = field.config.first[level]
        cells = [[first - s / 2 for s in c] + [first + s / 2 for s in c] for c in field.config.cells[level]]
        expected += naive.grid_anchors(cells, (grid,) * ndim, (stride,) * ndim)
    reading = field(outputs)
    assert as_array(reading.boxes).tolist() == expected
    assert reading.logits.shape == (2, len(expected), CLASSES)


def test_the_rows_of_an_output_layer_run_by_class_then_by_anchor():
    field, outputs = field_and_outputs(2)
    with torch.no_grad():
        for level, layer in enumerate(field.logits):
            layer.weight.zero_()
            cells = len(field.config.cells[level])
            layer.bias.copy_(torch.arange(CLASSES * cells) + 100 * level)
    logits = field(outputs).logits
    assert logits[0, :2].tolist() == [[0, 2, 4], [1, 3, 5]]  # both anchors of the first position
    assert logits[1, 128].tolist() == [100, 101, 102]


def test_no_boxes_give_no_logits():
    field, outputs = field_and_outputs(2)
    assert field(outputs).at([torch.zeros(0, 4), torch.zeros(0, 4)]).shape == (0, CLASSES)


def test_levels_and_anchors_that_do_not_agree_are_refused():
    with pytest.raises(ValueError, match="3 levels needs cells"):
        field_and_outputs(2, first=(1.0, 2.0))


def proposing(ndim, proposals=4, **changes):
    """A field with boxes, its deltas at random."""
    field, outputs = field_and_outputs(ndim, proposals=proposals, **changes)
    for layer in field.deltas:
        torch.nn.init.normal_(layer.bias, std=2)
    return field, outputs


@NDIMS
def test_a_field_with_boxes_moves_every_anchor_and_is_read_between_the_boxes(ndim):
    field, outputs = proposing(ndim, nearest=10_000)
    plain, _ = field_and_outputs(ndim)
    reading, anchors = field(outputs), plain(outputs).boxes
    assert reading.boxes.shape == (2, *anchors.shape)
    start = 0
    for level, (grid, cells) in enumerate(zip((8, 4, 2), field.config.cells)):
        moved = reading.boxes[1, start : start + grid**ndim * len(cells)].reshape(-1, len(cells), 2 * ndim)
        deltas = field.deltas[level].bias.reshape(len(cells), 2 * ndim)
        for k in range(len(cells)):
            anchor = anchors[start + k]
            length = anchor[ndim:] - anchor[:ndim]
            centre = anchor[:ndim] + length / 2 + deltas[k, :ndim] / 10 * length
            half = length * (deltas[k, ndim:] / 5).exp() / 2
            weights = field.deltas[level].weight
            assert weights.abs().max() < 0.01  # so the biases say nearly all
            torch.testing.assert_close(moved[0, k], torch.cat([centre - half, centre + half]), rtol=0, atol=0.5)
        start += grid**ndim * len(cells)
    boxes = [inner_boxes(3, (32,) * ndim), inner_boxes(2, (32,) * ndim, seed=1)]
    expected = [
        naive.read_field(logits.tolist(), places.tolist(), box, 10_000, 8.0)
        for logits, places, own in zip(reading.logits, reading.boxes, boxes)
        for box in own.tolist()
    ]
    torch.testing.assert_close(reading.at(boxes), torch.tensor(expected), rtol=1e-4, atol=1e-4)


@NDIMS
def test_its_best_boxes_join_the_proposals(ndim):
    field, outputs = proposing(ndim)
    given, shapes = [inner_boxes(2, (32,) * ndim), torch.zeros(0, 2 * ndim)], [(30,) * ndim, (32,) * ndim]
    reading = field(outputs)
    for own, before, logits, boxes, shape in zip(reading.join(given, shapes), given, *reading_parts(reading), shapes):
        surest = logits.amax(1)
        chosen = surest.argsort(descending=True)[: 8 * 4].tolist()
        clipped = [naive.clip(boxes[i].tolist(), shape) for i in chosen]
        kept = naive.nms(clipped, surest[chosen].tolist(), 0.7)[:4]
        expected = torch.tensor([clipped[i] for i in kept])
        torch.testing.assert_close(own, torch.cat([before, expected]), rtol=1e-4, atol=1e-3)
        assert not own.requires_grad


def reading_parts(reading):
    return reading.logits, reading.boxes


def test_a_field_without_boxes_proposes_nothing():
    field, outputs = field_and_outputs(2)
    given = [inner_boxes(2, (32, 32)), torch.zeros(0, 4)]
    assert all(torch.equal(a, b) for a, b in zip(field(outputs).join(given, [(32, 32)] * 2), given))
    assert len(field.deltas) == 0


@NDIMS
def test_the_whole_model_finds_and_learns_where_the_field_proposes(ndim):
    model = model_with_field(ndim, proposals=5)
    with torch.no_grad():
        for layer in model.heads["box"].field.deltas:
            layer.bias.fill_(0.5)
    images = ImageBatch(torch.randn(1, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim])
    target = Instances(inner_boxes(2, (32,) * ndim), torch.tensor([1, 2]))
    losses = Objective(model)(images, [target], [0])
    sum(term.total for term in losses.values()).backward()
    field = model.heads["box"].field
    assert field.logits[0].weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in (*field.deltas.parameters(), *field.box_filters.parameters()))
    none = dataclasses.replace(model.config.selection, post_nms=0)
    model.config = dataclasses.replace(model.config, selection=none)  # all that is found comes from the field
    with torch.no_grad():
        model.heads["box"].class_logits.bias[1] += 5
        assert len(model.eval()(images)[0]) > 0


@NDIMS
@pytest.mark.parametrize("proposals", [0, 4])
def test_a_rescaled_image_adds_its_own_anchors_at_the_size_of_the_first(ndim, proposals):
    """Twice as many places; those of the other image as if it had been seen alone, and then enlarged."""
    field, outputs = field_and_outputs(ndim, proposals=proposals, rescaled=0.5)
    alone, _ = field_and_outputs(ndim, proposals=proposals)
    half = [torch.randn(2, c, *(n,) * ndim, generator=seeded(c + 1)) for c, n in ((4, 4), (7, 2))]
    whole = field([*outputs, *half])
    for part, expected, factor in zip(split(whole, alone(outputs)), (alone(outputs), alone(half)), (1, 2)):
        torch.testing.assert_close(part[0], expected.logits)
        torch.testing.assert_close(part[1], expected.boxes * factor)


@NDIMS
def test_large_boxes_are_left_to_the_smaller_image(ndim):
    changes = {"proposals": 4, "rescaled": 0.5}
    field, outputs = field_and_outputs(ndim, handover=10.0, **changes)
    plain, _ = field_and_outputs(ndim, **changes)
    half = [torch.randn(2, c, *(n,) * ndim, generator=seeded(c + 1)) for c, n in ((4, 4), (7, 2))]
    alone, _ = field_and_outputs(ndim, proposals=4)
    count = alone(outputs).logits.shape[1]
    before, after = plain([*outputs, *half]), field([*outputs, *half])
    lengths = (before.boxes[..., ndim:] - before.boxes[..., :ndim]).prod(-1) ** (1 / ndim)
    left = lengths > 10
    left[:, count:] = False
    assert left.any() and not left[:, :count].all()
    torch.testing.assert_close(after.logits[~left], before.logits[~left])
    torch.testing.assert_close(after.boxes[~left], before.boxes[~left])
    assert (after.logits[left] < -10).all()
    assert (after.boxes[left][:, :ndim] == after.boxes[left][:, ndim:]).all()
    with pytest.raises(ValueError, match="nothing to hand over"):
        field_and_outputs(ndim, handover=10.0)


def split(reading, first):
    count = first.logits.shape[1]
    logits, boxes = reading.logits.split([count, reading.logits.shape[1] - count], 1), reading.boxes
    return zip(logits, boxes.split([count, boxes.shape[-2] - count], -2))


@NDIMS
def test_the_backbone_looks_again_for_the_field_alone(ndim):
    """The pyramid stays what it is; the second look is the body's own, of the image at half the size."""
    model, plain = model_with_field(ndim, rescaled=0.5).eval(), model_with_field(ndim).eval()
    image = torch.randn(1, 1, *(64,) * ndim, generator=seeded())
    with torch.no_grad():
        once, twice = plain.backbone(image), model.backbone(image)
        again = model.backbone.body(interpolate(image, (32,) * ndim, antialias=True))
    assert len(twice) == len(once) + 2
    for a, b in zip([*once, *again[-2:]], twice):
        torch.testing.assert_close(a, b)
    images = ImageBatch(image, [(64,) * ndim])
    target = Instances(inner_boxes(2, (64,) * ndim), torch.tensor([1, 2]))
    Objective(model)(images, [target], [0])["loss_box_class"].total.backward()
    assert model.heads["box"].field.logits[0].weight.grad.abs().sum() > 0


def model_with_field(ndim, classes=2, seed=0, **changes):
    head = dataclasses.replace(small_config(ndim).box_head, field=config(ndim, **changes))
    return small_model(ndim, seed, box_head=head, num_classes=classes)


@NDIMS
def test_a_box_head_adds_the_field_to_its_own_logits(ndim):
    model = model_with_field(ndim).eval()
    head = model.heads["box"]
    features = model.backbone(torch.randn(1, 1, *(32,) * ndim, generator=seeded()))
    boxes = [inner_boxes(4, (32,) * ndim)]
    with torch.no_grad():
        for layer in head.field.logits:
            layer.weight.zero_()
            layer.bias.zero_()
        before, deltas = head(features, boxes)
        for layer in head.field.logits:
            layer.bias[len(layer.bias) // 2 :] += 3.0  # the second class, at every anchor
        after, same_deltas = head(features, boxes)
    torch.testing.assert_close(after - before, torch.tensor([[0.0, 0.0, 3.0]]).expand(4, 3), rtol=0, atol=1e-5)
    torch.testing.assert_close(deltas, same_deltas)


@NDIMS
def test_the_whole_model_finds_and_learns_with_a_field(ndim):
    model = model_with_field(ndim)
    images = ImageBatch(torch.randn(1, 1, *(32,) * ndim, generator=seeded()), [(32,) * ndim])
    target = Instances(inner_boxes(2, (32,) * ndim), torch.tensor([1, 2]))
    losses = Objective(model)(images, [target], [0])
    losses["loss_box_class"].total.backward()
    field = model.heads["box"].field
    assert field.logits[0].weight.grad.abs().sum() > 0
    assert field.expand.conv.weight.grad.abs().sum() > 0
    with torch.no_grad():
        assert len(model.eval()(images)) == 1


def test_a_class_takes_its_part_of_the_field_along():
    source, target = model_with_field(2, classes=2), model_with_field(2, classes=3, seed=1)
    transfer(source, ("cat", "dog"), target, ("owl", "dog", "cat"))
    for level, (old, new) in enumerate(zip(source.heads["box"].field.logits, target.heads["box"].field.logits)):
        cells = len(config(2).cells[level])
        for part in ("weight", "bias"):
            a, b = getattr(old, part), getattr(new, part)
            torch.testing.assert_close(b[2 * cells :], a[:cells])
            torch.testing.assert_close(b[cells : 2 * cells], a[cells:])
