"""RoIAlign against its twin, and what must hold of it: constants, ramps, mirrors, and one dimension inside another."""

import pytest
import torch

import naive
from cases import DTYPES, NDIMS, SHAPES, as_array, inner_boxes, random_boxes, seeded
from maskrcnn.ops.roi_align import assign_levels, pool_bins, roi_align

OUTPUT = {1: (3,), 2: (2, 3), 3: (2, 1, 3)}
STRIDES = {1: (2,), 2: (2, 4), 3: (1, 2, 4)}
ALIGNED = pytest.mark.parametrize("aligned", [False, True], ids=["unaligned", "aligned"])
SAMPLING = pytest.mark.parametrize("sampling_ratio", [1, 2, 0])


def feature_map(ndim, images=1, seed=0, dtype=torch.float64, channels=2):
    return torch.randn(images, channels, *SHAPES[ndim], generator=seeded(seed), dtype=torch.float64).to(dtype)


def image_shape(ndim):
    return tuple(n * step for n, step in zip(SHAPES[ndim], STRIDES[ndim]))


def pool(features, boxes, ndim, stride=None, output_size=None, sampling_ratio=2, aligned=True):
    """From one image and one level."""
    zero = torch.zeros(len(boxes), dtype=torch.long)
    stride, output_size = stride or (1,) * ndim, output_size or OUTPUT[ndim]
    return roi_align([features], boxes, zero, zero, [stride], output_size, sampling_ratio, aligned)


@NDIMS
@DTYPES
@ALIGNED
@SAMPLING
def test_roi_align_is_that_of_the_twin(ndim, dtype, aligned, sampling_ratio):
    features = feature_map(ndim, dtype=dtype)
    large = random_boxes(3, image_shape(ndim), dtype=dtype)
    tiny = random_boxes(2, image_shape(ndim), seed=1, dtype=dtype, smallest=0.001, largest=0.02)
    boxes = torch.cat([large, tiny])
    pooled = pool(features, boxes, ndim, STRIDES[ndim], None, sampling_ratio, aligned)
    assert pooled.dtype == dtype
    for box, bins in zip(boxes.tolist(), pooled):
        twin = naive.roi_align(as_array(features[0]), box, STRIDES[ndim], OUTPUT[ndim], sampling_ratio, aligned)
        torch.testing.assert_close(bins, torch.from_numpy(twin).to(dtype), rtol=1e-4, atol=1e-5)


@NDIMS
@ALIGNED
def test_the_border_is_pulled_one_sample_far(ndim, aligned):
    """Bins of half a sample that begin two samples outside; none of their samples lies on a limit itself."""
    features = feature_map(ndim)
    for start in (-2.1, SHAPES[ndim][0] - 2.1):
        box = torch.tensor([start] * ndim + [start + 4.0] * ndim, dtype=torch.float64)
        output_size = (8,) * ndim
        pooled = pool(features, box[None], ndim, None, output_size, 1, aligned)[0]
        twin = naive.roi_align(as_array(features[0]), box.tolist(), (1,) * ndim, output_size, 1, aligned)
        torch.testing.assert_close(pooled, torch.from_numpy(twin))
        assert (pooled == 0).any()
        assert (pooled != 0).any()


@NDIMS
@ALIGNED
@SAMPLING
def test_a_box_fully_outside_pools_zeros(ndim, aligned, sampling_ratio):
    box = torch.tensor([[-9.0] * ndim + [-4.0] * ndim, [50.0] * ndim + [60.0] * ndim], dtype=torch.float64)
    assert not pool(feature_map(ndim), box, ndim, sampling_ratio=sampling_ratio, aligned=aligned).any()


@NDIMS
def test_an_empty_box_pools_zeros_when_sampled_adaptively(ndim):
    """It has no samples; the boxes beside it are pooled as they are without it."""
    features, boxes = feature_map(ndim), inner_boxes(3, SHAPES[ndim], dtype=torch.float64)
    empty = boxes[1:2].repeat(1, 1)
    empty[:, ndim:] = empty[:, :ndim]
    pooled = pool(features, torch.cat([boxes, empty]), ndim, sampling_ratio=0)
    assert torch.equal(pooled[:3], pool(features, boxes, ndim, sampling_ratio=0))
    assert not pooled[3].any()
    assert not pool(features, empty, ndim, sampling_ratio=0).any()


@NDIMS
@SAMPLING
def test_no_boxes_pool_nothing_and_leave_a_gradient_of_zero(ndim, sampling_ratio):
    features = feature_map(ndim).requires_grad_()
    pooled = pool(features, torch.zeros(0, 2 * ndim), ndim, sampling_ratio=sampling_ratio)
    assert pooled.shape == (0, 2, *OUTPUT[ndim])
    pooled.sum().backward()
    assert torch.equal(features.grad, torch.zeros_like(features))


@NDIMS
@ALIGNED
@SAMPLING
def test_gradients_with_respect_to_features(ndim, aligned, sampling_ratio):
    shape = {1: (7,), 2: (4, 5), 3: (3, 3, 4)}[ndim]
    features = torch.randn(1, 1, *shape, generator=seeded(), dtype=torch.float64, requires_grad=True)
    boxes = random_boxes(3, shape, dtype=torch.float64)
    pooled = lambda x: pool(x, boxes, ndim, None, (2,) * ndim, sampling_ratio, aligned)  # noqa: E731
    assert torch.autograd.gradcheck(pooled, features)


@ALIGNED
@SAMPLING
@pytest.mark.parametrize("ndim", [1, 2])
def test_an_axis_of_one_sample_changes_nothing(ndim, aligned, sampling_ratio):
    """A row is an image of height 1, an image a volume of depth 1, for boxes that span the new axis."""
    features, boxes = feature_map(ndim), random_boxes(4, SHAPES[ndim], dtype=torch.float64)
    low, high = boxes.chunk(2, 1)
    deep = torch.cat([low, torch.zeros(4, 1), high, torch.ones(4, 1)], 1).double()
    pooled = pool(features, boxes, ndim, sampling_ratio=sampling_ratio, aligned=aligned)
    lifted = pool(features[:, :, None], deep, ndim + 1, None, (1, *OUTPUT[ndim]), sampling_ratio, aligned)
    torch.testing.assert_close(lifted[:, :, 0], pooled)


@NDIMS
@ALIGNED
@SAMPLING
def test_constant_features_give_that_constant(ndim, aligned, sampling_ratio):
    features = torch.full((1, 2, *SHAPES[ndim]), 3.0, dtype=torch.float64)
    boxes = inner_boxes(4, SHAPES[ndim], dtype=torch.float64)
    pooled = pool(features, boxes, ndim, sampling_ratio=sampling_ratio, aligned=aligned)
    torch.testing.assert_close(pooled, torch.full_like(pooled, 3.0))


@NDIMS
@SAMPLING
def test_a_ramp_gives_the_centre_of_each_bin(ndim, sampling_ratio):
    """Channel k is the coordinate along axis k of each sample's centre, in samples of the image."""
    stride, output_size = STRIDES[ndim], OUTPUT[ndim]
    axes = [(torch.arange(n, dtype=torch.float64) + 0.5) * step for n, step in zip(SHAPES[ndim], stride)]
    ramps = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]
    # kept half a feature sample from the border, beyond which a ramp does not go on
    step = torch.tensor(stride[::-1], dtype=torch.float64)
    inner = inner_boxes(4, [n - 1 for n in SHAPES[ndim]], dtype=torch.float64)
    boxes = ((inner.reshape(4, 2, ndim) + 0.5) * step).flatten(1)
    pooled = pool(ramps, boxes, ndim, stride, output_size, sampling_ratio)
    for box, bins in zip(boxes.tolist(), pooled):
        for k, ((low, high), count) in enumerate(zip(reversed(naive.sides(box)), output_size)):
            centres = low + (torch.arange(count, dtype=torch.float64) + 0.5) * (high - low) / count
            along = bins[k].movedim(k, -1)
            torch.testing.assert_close(along, centres.expand_as(along))


@NDIMS
@SAMPLING
def test_levels_and_images_in_one_call_are_pooled_as_one_by_one(ndim, sampling_ratio):
    levels = [feature_map(ndim, images=2, seed=k)[(..., *[slice(None, None, 1 + k)] * ndim)] for k in range(3)]
    strides = [tuple(step * (1 + k) for step in STRIDES[ndim]) for k in range(3)]
    boxes = random_boxes(12, image_shape(ndim), dtype=torch.float64)
    image, level = torch.arange(12) % 2, torch.arange(12) % 3
    together = roi_align(levels, boxes, image, level, strides, OUTPUT[ndim], sampling_ratio, True)
    for r, (b, k) in enumerate(zip(image.tolist(), level.tolist())):
        alone = pool(levels[k][b : b + 1], boxes[r : r + 1], ndim, strides[k], None, sampling_ratio)
        torch.testing.assert_close(together[r : r + 1], alone)


@NDIMS
@ALIGNED
@SAMPLING
def test_a_flipped_box_reads_the_mirrored_grid(ndim, aligned, sampling_ratio):
    """A box whose corners were mirrored along x, and left so, has the bins of the box on the mirrored features."""
    features, boxes = feature_map(ndim), random_boxes(4, SHAPES[ndim], dtype=torch.float64)
    mirrored = boxes.clone()
    mirrored[:, [0, ndim]] = SHAPES[ndim][-1] - boxes[:, [0, ndim]]
    grid = torch.tensor([SHAPES[ndim]] * 4)
    table = lambda x: x[0].flatten(1).T.contiguous()  # noqa: E731
    options = (torch.zeros(4, dtype=torch.long), grid)
    straight = pool_bins(table(features.flip(-1)), *options, boxes, OUTPUT[ndim], sampling_ratio, aligned)
    flipped = pool_bins(table(features), *options, mirrored, OUTPUT[ndim], sampling_ratio, aligned)
    torch.testing.assert_close(flipped, straight)


@NDIMS
def test_an_aligned_flipped_box_has_flipped_bins(ndim):
    features, boxes = feature_map(ndim), random_boxes(4, SHAPES[ndim], dtype=torch.float64)
    low, high = boxes.chunk(2, 1)
    flipped = pool(features, torch.cat([high, low], 1), ndim)
    torch.testing.assert_close(flipped, pool(features, boxes, ndim).flip(*range(2, 2 + ndim)))


@NDIMS
def test_the_memory_format_of_features_does_not_matter(ndim):
    features, boxes = feature_map(ndim), random_boxes(4, SHAPES[ndim], dtype=torch.float64)
    last = features.movedim(1, -1).contiguous().movedim(-1, 1)
    assert last.stride() != features.stride()
    assert torch.equal(pool(last, boxes, ndim), pool(features, boxes, ndim))


@NDIMS
def test_bfloat16_features_are_pooled_in_bfloat16(ndim):
    features, boxes = feature_map(ndim, dtype=torch.bfloat16), random_boxes(4, SHAPES[ndim])
    pooled = pool(features, boxes, ndim)
    assert pooled.dtype == torch.bfloat16
    torch.testing.assert_close(pooled.float(), pool(features.float(), boxes, ndim), rtol=0.05, atol=0.05)


@NDIMS
@pytest.mark.parametrize("epsilon_inside", [False, True])
def test_levels_are_those_of_the_twin(ndim, epsilon_inside):
    exponents = torch.linspace(2, 11, 50)
    lengths = torch.exp2(exponents[:, None] + torch.randn(50, ndim, generator=seeded()) / 2)
    boxes = torch.cat([torch.zeros_like(lengths), lengths], 1)
    levels = assign_levels(boxes, 4, epsilon_inside=epsilon_inside)
    assert levels.tolist() == [naive.assign_level(b, 4, 2, 224.0, 4, epsilon_inside) for b in boxes.tolist()]
    assert set(levels.tolist()) == {0, 1, 2, 3}


@NDIMS
def test_a_box_of_canonical_size_begins_a_level(ndim):
    lengths = torch.tensor([111.0, 112.0, 223.0, 224.0, 447.0, 448.0])[:, None].expand(-1, ndim)
    boxes = torch.cat([torch.zeros_like(lengths), lengths], 1)
    assert assign_levels(boxes, 4).tolist() == [0, 1, 1, 2, 2, 3]


@NDIMS
@pytest.mark.parametrize("epsilon_inside", [False, True])
def test_an_empty_box_belongs_to_the_finest_level(ndim, epsilon_inside):
    assert assign_levels(torch.ones(1, 2 * ndim), 4, epsilon_inside=epsilon_inside).tolist() == [0]
    assert assign_levels(torch.ones(0, 2 * ndim), 4, epsilon_inside=epsilon_inside).shape == (0,)


def test_adaptive_sampling_takes_as_many_samples_as_a_bin_is_long():
    """A spike of height 1 in a bin of 2.5 samples is met by one of 3 points, at a distance that is known."""
    features = torch.zeros(1, 1, 8)
    features[..., 3] = 1
    pooled = pool(features, torch.tensor([[2.0, 4.5]]), 1, None, (1,), 0)
    positions = [2.0 - 0.5 + (k + 0.5) * 2.5 / 3 for k in range(3)]
    expected = sum(max(0.0, 1 - abs(p - 3)) for p in positions) / 3
    assert pooled.item() == pytest.approx(expected)
    assert expected > 0
