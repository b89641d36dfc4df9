"""The surface head's losses, one point and one bin after the other, and what labels that tell less teach."""

import dataclasses

import numpy as np
import pytest
import torch

import naive_surface
from cases import NDIMS, inner_boxes, seeded
from maskrcnn.config import SurfaceLossConfig
from maskrcnn.losses.surface import read_part_map, surface_loss
from maskrcnn.surfaces.points import SurfacePoints
from surfaces_made import FOUR, random_points

CONFIG = SurfaceLossConfig(uv_beta=0.3)
BINS = {1: (6,), 2: (4, 5), 3: (3, 3, 4)}
NOTHING = torch.zeros(1, dtype=torch.bool)


def make_case(ndim, coarse):
    """Five proposals: coarse parts, body alone, a mask, points alone, nothing at all."""
    rng = np.random.default_rng(ndim)
    regions = inner_boxes(5, (20,) * ndim)
    boxes = regions + torch.randn(5, 2 * ndim, generator=seeded(1)) * 0.5
    drawn = [rng.integers(0, 4, (7,) * ndim).astype(np.uint8), rng.integers(0, 2, (5,) * ndim).astype(np.uint8)]
    points = random_points((9, 0, 5, 12, 0), boxes, coarse=(*drawn, None, None, None))
    maps = torch.randn(5, coarse + 15, *BINS[ndim], generator=seeded(2)).requires_grad_()
    covered, have = torch.rand(5, *BINS[ndim], generator=seeded(3)), torch.tensor([True, False, True, False, False])
    return maps, regions, points, (covered, have)


@NDIMS
@pytest.mark.parametrize("coarse", [2, 5])
def test_the_losses_are_those_of_points_and_bins_one_by_one(ndim, coarse):
    maps, regions, points, (covered, have) = make_case(ndim, coarse)
    terms = surface_loss(maps, regions, points, (covered, have), FOUR, coarse, CONFIG)
    masks = [own.numpy() if there else None for own, there in zip(covered, have)]
    expected = naive_surface.losses(
        maps.detach().numpy().astype(np.float64), regions.tolist(), points, masks, FOUR, coarse, CONFIG
    )
    for name, (total, count) in expected.items():
        assert terms[name].count == count > 0
        assert terms[name].total.item() == pytest.approx(total, rel=1e-4)


def test_where_nothing_is_known_every_weight_gets_a_gradient_of_zero():
    maps = torch.randn(0, 17, 4, 4).requires_grad_()
    blank = SurfacePoints.blank("four", 0)
    terms = surface_loss(maps, torch.zeros(0, 4), blank, (torch.zeros(0, 4, 4), NOTHING[:0]), FOUR, 2, CONFIG)
    assert {name: term.count for name, term in terms.items()} == {"coarse": 0, "part": 0, "u": 0, "v": 0}
    sum(term.total for term in terms.values()).backward()
    assert maps.grad is not None


def one(place, part, u=0.2, v=0.7):
    return SurfacePoints.of_objects("four", [(np.array([place]), np.array([part]), np.array([[u, v]]))])


def losses_of(maps, points):
    region = torch.tensor([[0.0, 0.0, 8.0, 8.0]])
    masks = (torch.zeros(1, 4, 4), NOTHING)
    return {k: t.count for k, t in surface_loss(maps, region, points, masks, FOUR, 2, CONFIG).items()}


def test_a_joint_tells_its_part_and_no_place_on_it():
    maps = torch.randn(1, 17, 4, 4, generator=seeded())
    assert losses_of(maps, one((3.0, 3.0), 2)) == {"coarse": 1, "part": 1, "u": 1, "v": 1}
    assert losses_of(maps, one((3.0, 3.0), 2, np.nan, np.nan)) == {"coarse": 1, "part": 1, "u": 0, "v": 0}
    assert losses_of(maps, one((3.0, 3.0), -1)) == {"coarse": 1, "part": 1, "u": 0, "v": 0}  # any part of a group
    assert losses_of(maps, one((3.0, 3.0), 0)) == {"coarse": 1, "part": 1, "u": 0, "v": 0}  # background
    assert losses_of(maps, one((8.0, 3.0), 2)) == {"coarse": 0, "part": 0, "u": 0, "v": 0}  # outside
    assert losses_of(maps, one((3.0, 3.0), 9)) == {"coarse": 0, "part": 0, "u": 0, "v": 0}  # no such part
    assert losses_of(maps, one((3.0, 3.0), -9)) == {"coarse": 0, "part": 0, "u": 0, "v": 0}


def test_a_group_is_satisfied_by_any_of_its_parts():
    region, masks = torch.tensor([[0.0, 0.0, 8.0, 8.0]]), (torch.zeros(1, 4, 4), NOTHING)
    totals = []
    for part in (1, 2, 3):
        maps = torch.zeros(1, 17, 4, 4)
        maps[:, 2 + part] = 20
        totals.append(float(surface_loss(maps, region, one((3.0, 3.0), -1), masks, FOUR, 2, CONFIG)["part"].total))
    assert totals[0] < 1e-6 and totals[1] < 1e-6 and totals[2] > 10


@NDIMS
def test_coarse_parts_of_a_mirror_image_are_read_backwards(ndim):
    part = np.random.default_rng(0).integers(0, 4, (6,) * ndim).astype(np.uint8)
    box, bins = torch.tensor([0.0] * ndim + [6.0] * ndim), (6,) * ndim
    region = torch.tensor([-1.0] * ndim + [5.0] * ndim)
    assert np.array_equal(read_part_map(part, box, box, bins), part)
    shifted = read_part_map(part, box, region, bins).numpy()
    inner = (slice(1, None),) * ndim
    assert np.array_equal(shifted[inner], part[(slice(None, -1),) * ndim]) and not shifted[..., 0].any()
    turned = box.clone()
    turned[0], turned[ndim] = 6.0, 0.0
    assert np.array_equal(read_part_map(part, turned, box, bins), part[..., ::-1])


def test_published_bins_lie_half_a_bin_lower():
    maps = torch.zeros(1, 17, 4, 4)
    maps[0, 7 + 1, :, 2] = 1.0  # u of part 1
    region, masks = torch.tensor([[0.0, 0.0, 4.0, 4.0]]), (torch.zeros(1, 4, 4), NOTHING)
    for aligned, place in ((True, 2.5), (False, 2.0)):
        config = dataclasses.replace(CONFIG, aligned=aligned)
        terms = surface_loss(maps, region, one((place, 1.0), 1, 1.0, 0.0), masks, FOUR, 2, config)
        assert float(terms["u"].total) == 0
