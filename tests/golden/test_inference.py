"""Given torchvision's weights, our detections are torchvision's: the same number, order, classes, boxes and masks.

Both run in double precision, where the order of a sum, which the number of threads decides, does not count; how far
torchvision itself is from that in single precision is ``float64_difference`` in ``meta.json``.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import seeded
import torch
from reference import meta, prepared_double, recording, reference_model

from maskrcnn.data.transforms.geometry import resize_map
from maskrcnn.ops.masks import paste_mask
from maskrcnn.structures import Instances, batch_images

SIZES = {320: 512, 448: 640}
CASES = {"alone0": [0], "alone1": [1], "batch": [0, 1]}
BOX, SCORE, MASK = 0.01, 1e-4, 1e-3  # pixels, probability, probability


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    return recording("inference")


def run(
    min_size: int, indices: list[int], norm_eps: float = 1e-5, dtype: torch.dtype = torch.float64
) -> list[Instances]:
    """Detections of the pictures, together in one padded batch, in the pictures' own coordinates."""
    images = [prepared_double(index, min_size, SIZES[min_size]).to(dtype) for index in indices]
    with torch.inference_mode():
        detections = copy.deepcopy(reference_model(norm_eps)).to(dtype)(batch_images(images))
    for found, index, image in zip(detections, indices, images):
        found.boxes = resize_map(image.shape[1:], seeded.IMAGE_SIZES[index]).boxes(found.boxes)
    return detections


def assert_same(found: Instances, recorded: dict[str, np.ndarray], name: str, exact: str = "exact_") -> None:
    assert found.labels is not None and found.scores is not None
    assert found.labels.tolist() == recorded[f"{name}/labels"].tolist()
    np.testing.assert_allclose(found.scores, recorded[f"{name}/{exact}scores"], rtol=0, atol=SCORE)
    np.testing.assert_allclose(found.boxes, recorded[f"{name}/{exact}boxes"], rtol=0, atol=BOX)


@pytest.mark.parametrize("min_size", SIZES)
@pytest.mark.parametrize("case", CASES)
def test_detections_and_masks_are_those_of_torchvision(
    recorded: dict[str, np.ndarray], min_size: int, case: str
) -> None:
    for index, found in zip(CASES[case], run(min_size, CASES[case])):
        name = f"{min_size}/{case}/{index}"
        assert_same(found, recorded, name)
        assert found.mask_logits is not None
        masks = found.mask_logits.sigmoid()
        some = recorded[f"{name}/mask_probs"] / 65535
        np.testing.assert_allclose(masks[: len(some)], some, rtol=0, atol=MASK)
        assert_same_pasted(masks, found, recorded, name, seeded.IMAGE_SIZES[index])


def assert_same_pasted(
    masks: torch.Tensor, found: Instances, recorded: dict[str, np.ndarray], name: str, spatial_shape: tuple[int, int]
) -> None:
    """Full-size masks, where torchvision's own way of pasting is asked for."""
    bits = np.unpackbits(recorded[f"{name}/pasted_bits"])[: 2 * np.prod(spatial_shape)].reshape(2, *spatial_shape)
    for k, i in enumerate(recorded[f"{name}/pasted_index"]):
        (top, left), window = paste_mask(masks[i], found.boxes[i], spatial_shape, exact_torchvision=True)
        full = np.zeros(spatial_shape, np.float32)
        full[top : top + window.shape[0], left : left + window.shape[1]] = window
        y, x = recorded[f"{name}/window_corner"][k]
        expected = recorded[f"{name}/window_probs"][k] / 65535
        np.testing.assert_allclose(full[y : y + 32, x : x + 32], expected, rtol=0, atol=MASK)
        undecided = np.abs(full - 0.5) < MASK
        assert ((full >= 0.5) == bits[k])[~undecided].all()


def test_the_norms_epsilon_of_the_published_checkpoint(recorded: dict[str, np.ndarray]) -> None:
    (found,) = run(320, [0], norm_eps=0.0)
    assert_same(found, recorded, "eps0", exact="")


@pytest.mark.parametrize("tile", [2, 4])
def test_convolutions_by_tiles_in_single_precision_find_the_same(
    recorded: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, tile: int
) -> None:
    monkeypatch.setattr("maskrcnn.models.convolution.best_tile", lambda *_: tile)
    (found,) = run(320, [0], dtype=torch.float32)
    assert_same(found, recorded, "320/alone0/0")


def test_the_recordings_are_worth_agreeing_with() -> None:
    for name, case in meta()["inference"]["cases"].items():
        assert 20 <= case["detections"] <= 80, name
        assert case["classes"] >= 3, name
        assert case["smallest_score_gap"] > 1e-3, name
