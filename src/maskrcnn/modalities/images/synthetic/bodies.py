"""Bodies by chance: the body model `anny` (Apache-2.0, its data CC0) in shapes from child to old, and in poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from maskrcnn.errors import UsageError
from maskrcnn.modalities.images.synthetic.poses import Pose, draw_pose, rotation

JOINTS = (
    "nose",
    *(
        f"{side}_{part}"
        for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ),
)  # COCO's
SHAPES = ("gender", "age", "muscle", "weight", "height", "proportions")
MISSING = "rendered people need the body model anny: pip install 'maskrcnn[bodies]'"


@dataclass(frozen=True)
class Body:
    """One body in a pose, in metres: x to its left, y to its back, z up, before it turned.

    Attributes:
        vertices: float32 ``[V, 3]`` of the mesh of ``anny-24``.
        keypoints: float32 ``[17, 3]``: COCO's joints, inside the body.
    """

    vertices: np.ndarray
    keypoints: np.ndarray


class Bodies:
    """Draws bodies. Its first start on a machine reads a few hundred text files, for a minute or more; what it makes
    of them is kept in ``~/.cache/anny``.

    Raises:
        UsageError: anny is not installed.
    """

    def __init__(self, model: Any = None) -> None:
        if model is None:
            try:
                from anny import Anny
            except ImportError:
                raise UsageError(MISSING) from None
            model = Anny(topology="anny", phenotype_blendshapes="original", skinning_method="lbs")
        from anny.keypoints import KeypointsRegressor

        self.model = model
        self.shapes = [name for name in SHAPES if name in model.phenotype_labels]
        self.weights = KeypointsRegressor.coco(model, list(JOINTS)).regression_weights.float().numpy()

    @torch.inference_mode()
    def draw(self, rng: np.random.Generator) -> Body:
        """A body of any age and shape, in a pose, from a generator."""
        shape = {name: float(np.clip(rng.normal(0.5, 0.25), 0, 1)) for name in self.shapes}
        if "age" in shape:  # one of five is a child
            shape["age"] = float(rng.uniform(0.15, 0.6) if rng.random() < 0.2 else rng.uniform(0.6, 1.0))
        return self.of(shape, draw_pose(rng))

    def of(self, shape: dict[str, float], pose: Pose) -> Body:
        """The body of a shape (anny's phenotypes, 0..1) in a pose."""
        turns = torch.eye(4).repeat(1, len(self.model.bone_labels), 1, 1)
        for bone, turn in pose.items():
            if bone in self.model.bone_labels:
                turns[0, self.model.bone_labels.index(bone), :3, :3] = torch.from_numpy(rotation(turn)).float()
        found = self.model(pose_parameters=turns.to(self.model.dtype), phenotype_kwargs=shape)
        vertices = found["vertices"][0].float().numpy()
        return Body(vertices, self.weights @ vertices)
