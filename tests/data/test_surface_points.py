"""Labels on surfaces: picked, joined, moved, cropped and turned round with the objects that they are of."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import NDIMS, inner_boxes
from maskrcnn.config import PreprocessConfig
from maskrcnn.data.transforms.copy_paste import copy_paste
from maskrcnn.data.transforms.samples import AugmentConfig, EvalTransform, Sample, TrainTransform, map_instances
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import Instances, Record
from maskrcnn.surfaces.known import SMPL_24
from maskrcnn.surfaces.points import SurfacePoints, mirrored_groups
from surfaces_made import FOUR, random_points, same

AS_IT_IS = PreprocessConfig(pixel_mean=(0.0,), pixel_std=(1.0,))


def made(ndim=2, counts=(3, 0, 4, 1)):
    boxes = inner_boxes(len(counts), (20,) * ndim)
    part = np.random.default_rng(1).integers(0, 5, (6,) * ndim).astype(np.uint8)
    return random_points(counts, boxes, coarse=(part, None, part[::-1].copy(), None))


@NDIMS
def test_objects_keep_their_points_where_some_are_picked(ndim):
    points = made(ndim)
    owners = points.owners()
    for index in (torch.tensor([2, 0, 2]), torch.tensor([True, False, False, True]), slice(1, 3), np.array([], int)):
        picked = points[index]
        chosen = np.arange(4)[index.numpy() if isinstance(index, torch.Tensor) else index]
        assert len(picked) == len(chosen)
        expected = [points.places[owners == int(i)] for i in chosen]
        assert torch.equal(picked.places, torch.cat([*expected, points.places[:0]]))
        assert picked.counts.tolist() == [len(own) for own in expected]
    joined = SurfacePoints.join([points[:1], points[1:]])
    assert same(joined, points)
    assert points.are_known().tolist() == [True, False, True, True]


def test_labels_of_different_surfaces_are_not_joined():
    with pytest.raises(ValueError, match="four, smpl-24"):
        SurfacePoints.join([SurfacePoints.blank("four", 1), SurfacePoints.blank("smpl-24", 1)])


def test_instances_carry_them():
    boxes = inner_boxes(4, (20, 20))
    found = Instances(boxes, surface=made())
    assert same(found[torch.tensor([3, 1])].surface, made()[torch.tensor([3, 1])])
    assert same(Instances.join([found[:2], found[2:]]).surface, made())
    assert Instances.join([found[:2], Instances(boxes[2:])]).surface is None
    assert found.to("cpu").surface is found.surface


@given(st.integers(0, 50))
def test_turning_twice_gives_what_there_was(seed):
    points = random_points((4, 2), inner_boxes(2, (20, 20)), seed)
    assert same(points.mirrored(FOUR).mirrored(FOUR), points)


def test_left_becomes_right_in_a_mirror_image():
    points = random_points((60,), inner_boxes(1, (20, 20)))
    turned = points.mirrored(FOUR)
    assert [FOUR.mirrored[p - 1] for p in points.parts.tolist() if p > 0] == turned.parts[points.parts > 0].tolist()
    assert mirrored_groups(FOUR) == (1, 3, 2, 4)
    own = {-1: -1, -2: -3, -3: -2, -4: -4, 0: 0}
    low = points.parts <= 0
    assert [own[p] for p in points.parts[low].tolist()] == turned.parts[low].tolist()
    known = torch.isfinite(points.uv[:, 0]) & (points.parts > 0)
    torch.testing.assert_close(turned.uv[known, 0], 1 - points.uv[known, 0])
    torch.testing.assert_close(turned.uv[known, 1], points.uv[known, 1])
    part = np.array([[0, 1, 2, 3, 4]], np.uint8)
    drawn = dataclasses.replace(points, coarse=(part,), coarse_boxes=torch.zeros(1, 4)).mirrored(FOUR)
    assert drawn.coarse[0].tolist() == [[0, 1, 3, 2, 4]]


def test_what_nobody_knows_of_a_mirror_image_is_not_taught():
    points = random_points((60,), inner_boxes(1, (20, 20)), surface=SMPL_24)
    turned = points.mirrored(SMPL_24)  # its parts change places, but nobody knows u and v
    assert torch.isnan(turned.uv).all() and turned.counts.tolist() == [60]
    assert not torch.equal(turned.parts, points.parts)
    other = points.mirrored(FOUR)  # of another surface: only where the object is not
    assert other.parts.tolist() == [0] * int((points.parts == 0).sum())


def test_parts_of_smpl_change_sides_with_their_coarse_parts():
    names = [name.replace("left", "right") for name in SMPL_24.parts]
    assert [names[m - 1] for m in SMPL_24.mirrored if "head" not in names[m - 1]] == names[:22]
    assert mirrored_groups(SMPL_24) == (1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 14)
    assert sorted(part for group in SMPL_24.groups for part in group) == list(range(1, 25))


@NDIMS
def test_points_move_with_their_boxes(ndim):
    boxes = inner_boxes(4, (20,) * ndim)
    found = Instances(boxes, surface=made(ndim))
    axis_map = AxisMap((-2.0, *(1.5,) * (ndim - 1)), (40.0,) * ndim)
    moved = map_instances(found, axis_map).surface
    torch.testing.assert_close(moved.places, axis_map.points(found.surface.places))
    torch.testing.assert_close(moved.coarse_boxes, axis_map.corners(boxes))


def painted(seed=0):
    """A picture in which the value of each point's pixel tells its part, u and v."""
    rng = np.random.default_rng(seed)
    image = torch.zeros(1, 24, 24)
    where = rng.permutation(20 * 20)[:60]
    places = np.stack([where % 20 + 2.5, where // 20 + 2.5], 1)
    parts, uv = rng.integers(1, 5, 60), rng.integers(0, 10, (60, 2)) / 10
    for (x, y), part, (u, v) in zip(places, parts, uv):
        image[0, int(y), int(x)] = part * 50 + round(u * 10) * 5 + round(v * 10) / 2
    points = SurfacePoints.of_objects("four", [(places, parts, uv)])
    mask = np.zeros((24, 24), bool)
    mask[2:22, 2:22] = True
    regions = Regions.from_masks([mask], (24, 24))
    return image, Record("x", 1, "x", (24, 24), regions.boxes(), np.array([1]), regions, surface=points)


@pytest.mark.parametrize("seed", range(6))
def test_a_varied_sample_shows_each_point_where_it_lies(seed):
    image, record = painted()
    augment = AugmentConfig((16, 16), (1.5, 1.5), (0,), brightness=0.0, contrast=0.0, min_box_size=0.0)
    generator = np.random.default_rng(seed)
    sample = TrainTransform(augment, AS_IT_IS, surface=FOUR)(image, record, generator)
    points = sample.target.surface
    scale = sample.axis_map.scale
    assert abs(scale[0]) == pytest.approx(1, abs=0.01)  # so that no pixel is mixed with others
    assert 0 < len(points.parts) < 60
    for (x, y), part, (u, v) in zip(points.places.tolist(), points.parts.tolist(), points.uv.tolist()):
        assert 0 <= x < 16 and 0 <= y < 16
        if scale[0] < 0:  # the picture still shows what it showed
            part, u = FOUR.mirrored[part - 1], 1 - u
        value = part * 50 + round(u * 10) * 5 + round(v * 10) / 2
        assert float(sample.image[0, int(y), int(x)]) == pytest.approx(value, abs=0.1)


def test_evaluation_keeps_every_point():
    image, record = painted()
    sample = EvalTransform(dataclasses.replace(AS_IT_IS, min_size=48, max_size=48))(image, record)
    torch.testing.assert_close(sample.target.surface.places, record.surface.places * 2)


def test_points_under_a_pasted_object_are_left_out():
    _, record = painted()
    target, donor = record.instances(), record.instances()
    part = np.ones((4, 4), np.uint8)
    target.surface = dataclasses.replace(target.surface, coarse=(part,))
    mask = np.zeros((24, 24), bool)
    mask[:, :12] = True
    donor = Instances(torch.tensor([[0.0, 0.0, 12.0, 24.0]]), torch.tensor([2]))
    donor.regions = Regions.from_masks([mask], (24, 24))
    samples = [Sample(torch.zeros(1, 24, 24), own, AxisMap.identity(2), (24, 24)) for own in (target, donor)]
    pasted = copy_paste(*samples, AugmentConfig(min_visible=0.1), np.random.default_rng(0)).target.surface
    assert pasted.counts.tolist() == [int((record.surface.places[:, 0] >= 12).sum()), 0]
    assert (pasted.places[:, 0] >= 12).all() and pasted.coarse == (None, None)
    back = copy_paste(*samples[::-1], AugmentConfig(min_visible=0.1), np.random.default_rng(0)).target.surface
    assert back.counts.tolist()[-1] == 60
