"""What the runtime computes in NumPy is what the package computes in torch."""

import numpy as np
import pytest
import torch

from cases import NDIMS, SHAPES, inner_boxes, random_boxes, seeded
from maskrcnn.data.transforms import contrast, geometry
from maskrcnn.inference.tiling import merging
from maskrcnn.inference.tiling import tiles as torch_tiles
from maskrcnn.masks import pasting
from maskrcnn.masks.components import connected_parts
from maskrcnn.models.heads import closeup_mask
from maskrcnn.ops import anchors, box_coding, boxes, cut_out, keypoints, nd, nms, roi_align
from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle
from maskrcnn.structures import Instances

pytest.importorskip("onnxruntime")
from maskrcnn_runtime import boxes as rb  # noqa: E402
from maskrcnn_runtime import masks as rm  # noqa: E402
from maskrcnn_runtime import points as rp  # noqa: E402
from maskrcnn_runtime import samples as rs  # noqa: E402
from maskrcnn_runtime import tiles as rt  # noqa: E402
from maskrcnn_runtime.network import Found  # noqa: E402

BINS = {1: (9,), 2: (7, 10), 3: (5, 6, 4)}


def same(own, other, **tolerance):
    np.testing.assert_allclose(own, np.asarray(other), **({"rtol": 1e-5, "atol": 1e-5} | tolerance))


@NDIMS
def test_boxes(ndim):
    shape = SHAPES[ndim]
    a, b = random_boxes(30, shape, smallest=0.1) - 2, random_boxes(20, shape, seed=1, smallest=0.1)
    deltas = torch.randn(30, 2 * ndim, generator=seeded())
    same(rb.clip_boxes(a.numpy(), shape), boxes.clip_boxes(a, shape))
    for least in (0.0, 3.0):
        same(rb.are_larger(a.numpy(), least), boxes.are_larger(a, least))
    same(rb.pairwise_iou(a.numpy(), b.numpy()), boxes.pairwise_iou(a, b))
    weights = box_coding.default_weights(ndim)
    assert rb.default_weights(ndim) == weights
    same(
        rb.decode_boxes(9 * deltas.numpy(), a.numpy(), weights),
        box_coding.decode_boxes(9 * deltas, a, weights),
        rtol=1e-4,
    )
    same(rb.cuboid_around(a.numpy(), 1.25, 0.5), cut_out.cuboid_around(a, 1.25, 0.5))
    same(rb.cube_around(a.numpy(), 1.08), cut_out.cube_around(a, 1.08))
    for inside in (False, True):
        own = rb.assign_levels(a.numpy(), 4, 2, 16.0, inside)
        same(own, roi_align.assign_levels(a, 4, 2, 16.0, epsilon_inside=inside))


@NDIMS
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_suppression(ndim, threshold):
    some = random_boxes(60, SHAPES[ndim], smallest=0.3)
    scores = torch.rand(60, generator=seeded()).round(decimals=1)
    groups = torch.randint(0, 3, (60,), generator=seeded())
    same(rb.nms(some.numpy(), scores.numpy(), threshold), nms.nms(some, scores, threshold))
    own = rb.grouped_nms(some.numpy(), scores.numpy(), groups.numpy(), threshold)
    same(own, nms.grouped_nms(some, scores, groups, threshold))


@NDIMS
@pytest.mark.parametrize("rounded", [False, True])
def test_anchors(ndim, rounded):
    shapes, grid, stride = anchors.volume_shapes((2.0,), ndim), (3, 2, 4)[:ndim], (4, 8, 2)[:ndim]
    cells = anchors.cell_anchors((7.0, 11.0), shapes, rounded)
    own = rb.cell_anchors((7.0, 11.0), shapes, rounded)
    same(own, cells)
    same(rb.grid_anchors(own, grid, stride), anchors.grid_anchors(cells, grid, stride))


@pytest.mark.parametrize("shape", [(100, 70), (33, 300), (64, 64), (1, 1)])
@pytest.mark.parametrize("down", [True, False])
def test_shapes_that_images_are_resized_to(shape, down):
    assert rs.resize_shape(shape, 64, 96, down) == geometry.resize_shape(shape, 64, 96, down)


@NDIMS
@pytest.mark.parametrize("antialias", [False, True])
def test_images_are_resampled(ndim, antialias):
    x = torch.randn(2, *SHAPES[ndim], generator=seeded())
    for factor in (0.4, 1.7):
        shape = tuple(round(factor * n) for n in SHAPES[ndim])
        expected = nd.interpolate(x[None], shape, antialias)[0]
        same(rs.interpolate(x.numpy(), shape, antialias and ndim == 2), expected, atol=1e-4)


def test_photos_are_resized_to_the_same_bytes_but_for_rounding():
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    expected = geometry.resize_image(torch.from_numpy(image).permute(2, 0, 1), (40, 55), True).permute(1, 2, 0)
    assert np.abs(rs.resize_image(image, (40, 55), True).astype(int) - expected.numpy()).max() <= 1
    floats = image.astype(np.float32)
    expected = geometry.resize_image(torch.from_numpy(floats).permute(2, 0, 1), (40, 155)).permute(1, 2, 0)
    same(rs.resize_image(floats, (40, 155), False), expected, atol=1e-2)
    stretched = contrast.stretch_contrast(torch.from_numpy(image // 9).permute(2, 0, 1)).permute(1, 2, 0)
    same(rs.stretch_contrast(image // 9), stretched, atol=1e-3)


@NDIMS
def test_objects_are_cut_out(ndim):
    image = torch.randn(2, *SHAPES[ndim], generator=seeded())
    some = random_boxes(5, SHAPES[ndim], smallest=0.2) - 3
    same(
        rs.cut_out(image.numpy(), some.numpy(), BINS[ndim]), cut_out.cut_out(image[None], [some], BINS[ndim]), atol=1e-4
    )
    large = torch.randint(0, 256, (2, *(6 * n for n in SHAPES[ndim])), generator=seeded(), dtype=torch.uint8)
    how = ((100.0, 120.0), (50.0, 60.0))
    own = rs.cut_out_finely(large.numpy(), 6 * some.numpy(), BINS[ndim], *how)
    same(own, cut_out.cut_out_finely(large, 6 * some, BINS[ndim], *how), atol=1e-3)
    outside = some + 1000
    assert not rs.cut_out_finely(large.numpy(), outside.numpy(), BINS[ndim], *how).any()


@NDIMS
def test_masks_are_read_in_other_regions(ndim):
    some = random_boxes(5, SHAPES[ndim], smallest=0.2)
    regions = cut_out.cuboid_around(some, 1.3, 0.5)
    masks = torch.rand(5, *BINS[ndim], generator=seeded())
    bins = tuple(n + 3 for n in BINS[ndim])
    own = rs.read_masks(masks.numpy(), some.numpy(), regions.numpy(), bins)
    same(own, cut_out.read_masks(masks, some, regions, bins), atol=1e-4)
    further = regions - 4
    own = rs.extend_to_border(masks.numpy(), further.numpy(), SHAPES[ndim])
    same(own, closeup_mask.extend_to_border(masks, further, SHAPES[ndim]))


@NDIMS
def test_points(ndim):
    logits = 3 * torch.randn(4, 2, *BINS[ndim], generator=seeded())
    some = inner_boxes(4, SHAPES[ndim])
    for decoding, decode in keypoints.DECODERS.items():
        same(rp.DECODERS[decoding](logits.numpy(), some.numpy()), decode(logits, some), atol=1e-3)
    points = rp.decode_keypoints(logits.numpy(), some.numpy() - 5)
    same(rp.keep_inside(points, SHAPES[ndim]), keypoints.keep_inside(torch.from_numpy(points), SHAPES[ndim]))


def windows_of(masks, shape):
    """Whole pictures of the runtime's masks."""
    pictures = np.zeros((len(masks), *shape), dtype=bool)
    for picture, mask in zip(pictures, masks):
        picture[mask.slices()] = mask.window()
    return pictures


def test_masks_are_pasted():
    shape = (40, 60)
    some = torch.cat([random_boxes(30, shape, smallest=0.2), torch.tensor([[0.0, 0, 60, 40], [70, 50, 80, 60]])])
    some = torch.cat([some, torch.tensor([[0.2, 3, 20, 39.8]])])
    masks = torch.rand(len(some), 7, 5, generator=seeded())
    for threshold in (0.4, 0.6):
        expected = pasting.paste_to_border(masks, some, shape, threshold)
        own = rm.paste_to_border(masks.numpy(), some.numpy(), shape, threshold)
        pictures = windows_of(own, shape)
        assert np.count_nonzero(pictures != [expected.mask(i) for i in range(len(expected))]) == 0
        assert [mask.area() for mask in own] == expected.areas().tolist()
        for k, mask in enumerate(own):
            assert mask.rle(shape) == regions_to_rle(expected, k)
            assert mask.area() == 0 or mask.box().tolist() == expected.boxes()[k].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_part_of_a_mask(seed):
    window = np.random.default_rng(seed).random((23, 31)) < 0.35
    parts = connected_parts(window, corners=True)
    expected = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    own = rm.largest_part(rm.Mask.of((0, 0), window))
    np.testing.assert_array_equal(windows_of([own], window.shape)[0], expected)


def test_a_mask_of_nothing_and_one_of_everything():
    nothing, everything = rm.Mask.of((3, 4), np.zeros((5, 6), bool)), rm.Mask.of((0, 0), np.ones((5, 6), bool))
    assert nothing.area() == 0 and nothing.window().size == 0 and rm.largest_part(nothing) is nothing
    assert everything.area() == 30 and everything.window().all()
    whole = Regions.from_masks([np.zeros((5, 6), bool), np.ones((5, 6), bool)], (5, 6))
    assert [m.rle((5, 6)) for m in (nothing, everything)] == [regions_to_rle(whole, k) for k in range(2)]


@pytest.mark.parametrize("shape, tile, overlap", [((100, 130), (40, 40), 0.25), ((30, 90), (40, 40), 0.5)])
def test_tiles(shape, tile, overlap):
    assert rb.tile_slices(shape, tile, overlap) == torch_tiles.tile_slices(shape, tile, overlap)


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_objects_of_tiles_are_made_one(seed, masks):
    generator, shape = np.random.default_rng(seed), (90, 120)
    slices = torch_tiles.tile_slices(shape, 50, 0.3)
    objects = [
        (generator.integers(0, (70, 90)), generator.integers(6, (60, 70)), int(generator.integers(1, 3)))
        for _ in range(12)
    ]
    of_tiles, of_runtime = [], []
    for where in slices:
        rows = []
        for low, extent, label in objects:
            first = np.maximum(low, [s.start for s in where])
            last = np.minimum(low + extent, [s.stop for s in where])
            if (last - first > 3).all():
                box = np.concatenate([first[::-1], last[::-1]]) - np.tile([s.start for s in where][::-1], 2)
                rows.append((box, label, generator.random()))
        rows.sort(key=lambda row: -row[2])
        own = np.array([row[0] for row in rows], dtype=np.float32).reshape(-1, 4)
        labels, scores = np.array([row[1] for row in rows], np.int64), np.array([row[2] for row in rows], np.float32)
        extent = tuple(s.stop - s.start for s in where)
        drawn = [np.ones((int(b[3] - b[1]), int(b[2] - b[0])), bool) for b in own]
        for window in drawn:
            window[: len(window) // 3, : window.shape[1] // 3] = False
        offsets = [(int(b[1]), int(b[0])) for b in own]
        regions = Regions.from_windows(extent, zip(offsets, drawn)) if masks else None
        of_tiles.append(Instances(*(torch.from_numpy(v) for v in (own, labels, scores)), regions=regions))
        pieces = [rm.Mask.of(*pair) for pair in zip(offsets, drawn)] if masks else None
        of_runtime.append(Found(own, labels, scores, pieces))
    expected = merging.merge_tiles(of_tiles, slices, shape, 2.0)
    own = rt.merge_tiles(of_runtime, slices, shape, 2.0)
    assert len(own) == len(expected) > 0
    same(own.boxes, expected.boxes)
    same(own.labels, expected.labels)
    same(own.scores, expected.scores)
    if masks:
        pictures = windows_of(own.masks, shape)
        assert np.count_nonzero(pictures != [expected.regions.mask(k) for k in range(len(expected))]) == 0


def test_the_assignment_is_the_best():
    from maskrcnn_runtime.tracking import assign
    from scipy.optimize import linear_sum_assignment

    generator = np.random.default_rng(0)
    for rows, columns in ((1, 1), (4, 4), (3, 7), (8, 2), (0, 3), (3, 0)):
        worth = generator.random((rows, columns)).astype(np.float32)
        pairs = assign(worth)
        assert len(pairs) == min(rows, columns) == len({i for i, _ in pairs}) == len({j for _, j in pairs})
        best = worth[linear_sum_assignment(worth, maximize=True)].sum()
        assert sum(worth[i, j] for i, j in pairs) == pytest.approx(best, abs=1e-5)
