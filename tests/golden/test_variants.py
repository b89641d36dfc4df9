"""Given the weights of torchvision's other models, our detections are theirs: objects, order, boxes, masks, points."""

from __future__ import annotations

import numpy as np
import pytest
import variants
from agreement import TOLERANCES, differences, our_findings, our_model
from reference import meta, recording

CASES = [(name, eps) for name, variant in variants.VARIANTS.items() for eps in variant.epsilons]
PICTURES = [variants.picture(index, 0) for index in (0, 1)]


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    return recording("variants")


def of_case(recorded: dict[str, np.ndarray], name: str, eps: float, index: int) -> dict[str, np.ndarray]:
    prefix = f"{name}/{eps:g}/{index}/"
    theirs = {key.removeprefix(prefix): value for key, value in recorded.items() if key.startswith(prefix)}
    if "mask_probs" in theirs:
        theirs["mask_probs"] = theirs["mask_probs"] / 65535
    return theirs


@pytest.mark.parametrize("name, eps", CASES)
def test_what_is_found_is_what_torchvision_finds(recorded: dict[str, np.ndarray], name: str, eps: float) -> None:
    model = our_model(name, variants.shapes_of(name), 0, eps)
    for index, found in enumerate(our_findings(model, PICTURES, variants.SIZE)):
        for what, difference in differences(found, of_case(recorded, name, eps, index)).items():
            assert difference <= TOLERANCES[what], (what, index)


def test_the_epsilon_of_the_norms_is_seen(recorded: dict[str, np.ndarray]) -> None:
    """Boxes of another epsilon are further away than the tolerance: a test with the wrong one would fail."""
    model = our_model("faster", variants.shapes_of("faster"), 0, 1e-5)
    found = our_findings(model, PICTURES[:1], variants.SIZE)[0]
    for eps in (0.0, 1.7e-3):
        assert differences(found, of_case(recorded, "faster", eps, 0))["boxes"] > TOLERANCES["boxes"]


def test_the_recordings_are_worth_agreeing_with() -> None:
    for name, case in meta()["variants"].items():
        assert case["detections"] == variants.DETECTIONS, name
        assert case["classes"] >= (1 if name.startswith("keypoint") else 2), name
