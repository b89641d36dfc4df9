"""Imprints of pictures against slow twins, and what they may not confuse."""

import numpy as np
import pytest
import torch

from maskrcnn.modalities.images import duplicates as same_picture


def picture(seed, shape=(90, 130)):
    """Soft random blobs ``[3, H, W]``, uint8."""
    coarse = torch.rand((1, 3, 6, 8), generator=torch.Generator().manual_seed(seed)) * 255
    return torch.nn.functional.interpolate(coarse, shape, mode="bicubic")[0].clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("shape", [(90, 130), (32, 64), (20, 33)])
def test_a_thumbnail_is_the_mean_of_each_part(shape):
    image = picture(0, shape)
    grey = image.float().mean(0).numpy()
    rows, columns = ([k * side // same_picture.SIDE for k in range(same_picture.SIDE + 1)] for side in shape)
    expected = [
        [grey[a : max(b, a + 1), c : max(d, c + 1)].mean() for c, d in zip(columns, columns[1:])]
        for a, b in zip(rows, rows[1:])
    ]
    assert np.abs(same_picture.imprint(image).thumbnail - np.array(expected)).max() <= 0.51


def test_the_hash_holds_the_signs_of_a_cosine_transform():
    thumbnail = same_picture.imprint(picture(1)).thumbnail.astype(np.float64)
    signs = same_picture.hash_signs(thumbnail[None])[0]
    n = np.arange(same_picture.SIDE) + 0.5
    expected = []
    for u in range(same_picture.FREQUENCIES):
        for v in range(same_picture.FREQUENCIES):
            waves = np.outer(np.cos(np.pi * u * n / same_picture.SIDE), np.cos(np.pi * v * n / same_picture.SIDE))
            expected.append(1 if (thumbnail * waves).sum() > 0 else -1)
    assert signs.tolist() == expected[1:]


def test_an_imprint_works_in_any_dimension():
    for shape in ((100,), (40, 50), (33, 34, 35)):
        seen = same_picture.imprint(torch.rand((1, *shape)) * 255)
        assert seen.thumbnail.shape == (same_picture.SIDE,) * len(shape)
        assert same_picture.hash_signs(seen.thumbnail[None]).shape == (1, same_picture.FREQUENCIES ** len(shape) - 1)


def test_alike_pairs_are_those_of_a_slow_search():
    generator = np.random.default_rng(0)
    thumbnails = np.stack([same_picture.imprint(picture(k)).thumbnail for k in range(30)])
    near = np.clip(
        thumbnails[[3, 7, 7]] * 0.8 + 20 + generator.normal(0, 2, (3, same_picture.SIDE, same_picture.SIDE)), 0, 255
    )
    everything = np.concatenate([thumbnails, near.astype(np.uint8)])
    expected = []
    for j in range(len(everything)):
        for i in range(j):
            a, b = everything[i].ravel().astype(float), everything[j].ravel().astype(float)
            if np.corrcoef(a, b)[0, 1] >= same_picture.ALIKE:
                expected.append((i, j))
                break
    assert same_picture.alike_pairs(everything, everything, earlier=True) == expected == [(3, 30), (7, 31), (7, 32)]


def test_pairs_between_two_sets_and_mirrored_ones():
    first = np.stack([same_picture.imprint(picture(k)).thumbnail for k in range(5)])
    second = np.stack([same_picture.imprint(picture(k).flip(-1)).thumbnail for k in (9, 2)])
    assert same_picture.alike_pairs(first, second) == []
    assert same_picture.alike_pairs(same_picture.mirrored(first), second) == [(2, 1)]


def test_blank_pictures_are_like_no_other():
    blank = same_picture.imprint(torch.full((3, 50, 50), 80, dtype=torch.uint8))
    assert blank.is_blank() and not same_picture.imprint(picture(0)).is_blank()
    assert same_picture.alike_pairs(*[np.stack([blank.thumbnail] * 3)] * 2) == []


def test_the_content_is_that_of_the_pixels_and_their_shape():
    image = picture(0)
    assert same_picture.imprint(image).content == same_picture.imprint(image.clone()).content
    assert same_picture.imprint(image).content != same_picture.imprint(image.roll(1)).content
    assert same_picture.imprint(image).content != same_picture.imprint(image.reshape(3, 130, 90)).content
