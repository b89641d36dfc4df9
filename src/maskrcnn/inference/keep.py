"""What is kept of what was found: objects of some classes, and masks in one piece."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch

from maskrcnn.inference.options import Settings
from maskrcnn.masks.pasting import largest_parts
from maskrcnn.structures import Instances


def of_classes(found: Instances, labels: Sequence[int] | None) -> Instances:
    """The objects of some labels; all for None."""
    return found if labels is None else found[torch.isin(found.labels, torch.tensor(labels))]


def in_pieces(found: Instances, settings: Settings) -> Instances:
    """Without the islands of masks, where the settings want each in one piece."""
    if found.regions is None or not settings.in_one_piece:
        return found
    return dataclasses.replace(found, regions=largest_parts(found.regions))
