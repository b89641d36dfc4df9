"""Three objects of a picture: one with a hole and a second part, a plain one, and one whose mask covers nothing."""

import numpy as np
import torch

from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

NAMES = ("disc", "brick")
SHAPE = (40, 60)


def masks() -> np.ndarray:
    own = np.zeros((3, *SHAPE), bool)
    own[0, 5:15, 8:20] = True
    own[0, 8:11, 10:14] = False
    own[0, 20:22, 8:12] = True
    own[1, 30:36, 40:55] = True
    return own


def some_objects(with_masks: bool = True) -> Instances:
    return Instances(
        boxes=torch.tensor([[8.0, 5.0, 20.0, 22.0], [40.25, 30.5, 55.0, 36.0], [1.0, 2.0, 3.0, 4.0]]),
        labels=torch.tensor([1, 2, 1]),
        scores=torch.tensor([0.9, 0.75, 0.5]),
        regions=Regions.from_masks(masks(), SHAPE) if with_masks else None,
        keypoints=torch.arange(3 * 2 * 3).reshape(3, 2, 3).float(),
    )
