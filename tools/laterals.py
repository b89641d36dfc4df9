"""Fit a pyramid's laterals to a new body, so that what stands on the pyramid can stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.transforms.samples import EvalTransform
from maskrcnn.modalities.images.read.pictures import read_record_image
from maskrcnn.modalities.open import open_dataset
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import batch_images

RIDGE = 1e-3  # of the mean square of the body's outputs


def prepared_photos(data: Path, preprocess: PreprocessConfig, every: int) -> Iterator[Tensor]:
    """Each `every`-th photo of a data set, `[1, C, *S]`."""
    dataset, transform = open_dataset(data), EvalTransform(preprocess)
    for record in (dataset[i] for i in range(0, len(dataset), every)):
        yield batch_images([transform(read_record_image(record), record).image]).tensor


@torch.no_grad()
def fit_laterals(target: MaskRCNN, source: MaskRCNN, photos: Iterable[Tensor]) -> list[float]:
    """Set the laterals of `target`; the part of the old outputs' variance that each explains, finest first."""
    laterals = cast(Any, target.backbone.fpn.lateral)
    sums: list[tuple[Tensor, Tensor, Tensor]] = []
    for photo in photos:
        old = [layer(x) for layer, x in zip(cast(Any, source.backbone.fpn.lateral), source.backbone.body(photo))]
        for level, (x, y) in enumerate(zip(target.backbone.body(photo), old)):
            x = torch.cat([x, torch.ones_like(x[:, :1])], 1)  # the bias
            x, y = (t.movedim(1, -1).flatten(0, -2).double() for t in (x, y))
            new = x.T @ x, x.T @ y, y.square().sum()
            if len(sums) <= level:
                sums.append(new)
            else:
                sums[level] = tuple(a + b for a, b in zip(sums[level], new))  # type: ignore[assignment]
    explained = []
    for layer, (xx, xy, yy) in zip(laterals, sums):
        ridge = RIDGE * xx.diagonal()[:-1].mean()
        weights = torch.linalg.solve(xx + ridge * torch.eye(len(xx), dtype=xx.dtype), xy)  # [C + 1, out]
        layer.weight.copy_(weights[:-1].T.reshape(layer.weight.shape))
        layer.bias.copy_(weights[-1])
        mean = xy[-1].square().sum() / xx[-1, -1]  # what the mean alone explains of yy
        gain = 2 * (weights * xy).sum() - (weights * (xx @ weights)).sum()
        explained.append(float((gain - mean) / (yy - mean)))
    return explained
