"""Fingerprints of pictures against slow twins, and what they may not confuse."""

import numpy as np
import pytest
import torch

from maskrcnn.data import fingerprint as fp


def picture(seed, shape=(90, 130)):
    """Soft random blobs ``[3, H, W]``, uint8."""
    coarse = torch.rand((1, 3, 6, 8), generator=torch.Generator().manual_seed(seed)) * 255
    return torch.nn.functional.interpolate(coarse, shape, mode="bicubic")[0].clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("shape", [(90, 130), (32, 64), (20, 33)])
def test_a_thumbnail_is_the_mean_of_each_part(shape):
    image = picture(0, shape)
    grey = image.float().mean(0).numpy()
    rows, columns = ([k * side // fp.SIDE for k in range(fp.SIDE + 1)] for side in shape)
    expected = [
        [grey[a : max(b, a + 1), c : max(d, c + 1)].mean() for c, d in zip(columns, columns[1:])]
        for a, b in zip(rows, rows[1:])
    ]
    assert np.abs(fp.fingerprint(image).thumbnail - np.array(expected)).max() <= 0.51


def test_the_hash_holds_the_signs_of_a_cosine_transform():
    thumbnail = fp.fingerprint(picture(1)).thumbnail.astype(np.float64)
    signs = fp.hash_signs(thumbnail[None])[0]
    n = np.arange(fp.SIDE) + 0.5
    expected = []
    for u in range(fp.FREQUENCIES):
        for v in range(fp.FREQUENCIES):
            waves = np.outer(np.cos(np.pi * u * n / fp.SIDE), np.cos(np.pi * v * n / fp.SIDE))
            expected.append(1 if (thumbnail * waves).sum() > 0 else -1)
    assert signs.tolist() == expected[1:]


def test_a_fingerprint_works_in_any_dimension():
    for shape in ((100,), (40, 50), (33, 34, 35)):
        seen = fp.fingerprint(torch.rand((1, *shape)) * 255)
        assert seen.thumbnail.shape == (fp.SIDE,) * len(shape)
        assert fp.hash_signs(seen.thumbnail[None]).shape == (1, fp.FREQUENCIES ** len(shape) - 1)


def test_alike_pairs_are_those_of_a_slow_search():
    generator = np.random.default_rng(0)
    thumbnails = np.stack([fp.fingerprint(picture(k)).thumbnail for k in range(30)])
    near = np.clip(thumbnails[[3, 7, 7]] * 0.8 + 20 + generator.normal(0, 2, (3, fp.SIDE, fp.SIDE)), 0, 255)
    everything = np.concatenate([thumbnails, near.astype(np.uint8)])
    expected = []
    for j in range(len(everything)):
        for i in range(j):
            a, b = everything[i].ravel().astype(float), everything[j].ravel().astype(float)
            if np.corrcoef(a, b)[0, 1] >= fp.ALIKE:
                expected.append((i, j))
                break
    assert fp.alike_pairs(everything, everything, earlier=True) == expected == [(3, 30), (7, 31), (7, 32)]


def test_pairs_between_two_sets_and_mirrored_ones():
    first = np.stack([fp.fingerprint(picture(k)).thumbnail for k in range(5)])
    second = np.stack([fp.fingerprint(picture(k).flip(-1)).thumbnail for k in (9, 2)])
    assert fp.alike_pairs(first, second) == []
    assert fp.alike_pairs(fp.mirrored(first), second) == [(2, 1)]


def test_blank_pictures_are_like_no_other():
    blank = fp.fingerprint(torch.full((3, 50, 50), 80, dtype=torch.uint8))
    assert blank.is_blank() and not fp.fingerprint(picture(0)).is_blank()
    assert fp.alike_pairs(*[np.stack([blank.thumbnail] * 3)] * 2) == []


def test_the_content_is_that_of_the_pixels_and_their_shape():
    image = picture(0)
    assert fp.fingerprint(image).content == fp.fingerprint(image.clone()).content
    assert fp.fingerprint(image).content != fp.fingerprint(image.roll(1)).content
    assert fp.fingerprint(image).content != fp.fingerprint(image.reshape(3, 130, 90)).content


@pytest.mark.parametrize(
    "name, source",
    [
        ("12_jpg.rf.7dd48d1bd15d22d7b2c87535ea6b9572.jpg", "12"),
        ("a/b/my.photo_PNG.rf.7dd48d1bd15d22d7b2c87535ea6b9572.jpg", "my.photo"),
        ("x_bmp_jpg.rf.c26c4646f6be47c30e9d218304ce0f0b.jpg", "x_bmp"),
        ("photo.jpg.rf.Ab3dEf6hIj9l.jpg", "photo"),
        ("photo_jpg.jpg", None),
        ("photo.jpg", None),
        ("surf.jpg", None),
    ],
)
def test_the_name_of_the_source(name, source):
    assert fp.source_name(name) == source
