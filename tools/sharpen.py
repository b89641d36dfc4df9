"""Make a model's scores mean what they say: a temperature and a background shift for its class logits.

    python tools/sharpen.py MODEL DATA.json --out FILE

A model that learned from a teacher's doubts doubts as much: its scores are flat, and its best detection may have a
score of 0.4. Over the proposals of all images of DATA (labelled exhaustively) the factor and the shift are sought under
which the true class is likeliest (temperature scaling, Guo et al. 2017), and multiplied into the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, cast

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor

from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.data.transforms.samples import EvalTransform
from maskrcnn.losses.sampling import split_crowd
from maskrcnn.modalities.open import open_dataset
from maskrcnn.models.heads.box import BoxHead
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.rpn import propose
from maskrcnn.ops.boxes import pairwise_coverage, pairwise_iou
from maskrcnn.structures import ImageBatch, Instances, batch_images


@torch.no_grad()
def logits_of_proposals(model: MaskRCNN, images: ImageBatch, target: Instances) -> tuple[Tensor, Tensor]:
    """Class logits `[R, K + 1]` of one image's proposals, and what they hold, `[R]`; none that lie in a crowd."""
    features = model.backbone(images.tensor)
    anchors = model.rpn.anchors(features, images.tensor.shape[2:])
    proposals = propose(*model.rpn(features), anchors, images.spatial_shapes, model.config.selection)
    objects, crowd = split_crowd(target)
    head = cast(BoxHead, model.heads["box"])
    proposals, reading = head.join(features, proposals, images.spatial_shapes)
    logits, _ = head(features, proposals, reading)
    answer = torch.zeros(len(proposals[0]), dtype=torch.long)
    if len(objects):
        overlap, best = pairwise_iou(proposals[0], target.boxes[objects]).max(1)
        answer = torch.where(overlap >= 0.5, target.labels[objects][best], 0)  # type: ignore[index]
    clear = torch.ones(len(answer), dtype=torch.bool)
    if len(crowd):
        clear = (pairwise_coverage(proposals[0], crowd) < 0.5).all(1)
    return logits[clear].float(), answer[clear]


def rescaled(logits: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
    """Logits `[R, K + 1]` whose differences are `factor` times as large, and background's raised by `shift`."""
    return factor * logits + shift * F.one_hot(torch.tensor(0), logits.shape[1])


def fit(logits: Tensor, answer: Tensor) -> tuple[float, float]:
    """The factor and the shift with the least cross-entropy."""
    values = torch.tensor([0.0, 0.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([values], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        entropy = F.cross_entropy(rescaled(logits, values[0].exp(), values[1]), answer)
        entropy.backward()
        return entropy

    optimizer.step(loss)  # type: ignore[arg-type]
    return values[0].exp().item(), values[1].item()


@torch.no_grad()
def sharpen(model: MaskRCNN, factor: float, shift: float) -> None:
    """Multiply `factor` and `shift` into the weights of the class logits."""
    head = model.heads["box"]
    layers = [head.class_logits, *(head.field.logits if head.field is not None else ())]  # type: ignore[union-attr, misc]
    for layer in layers:
        layer.weight *= factor
        layer.bias *= factor
    head.class_logits.bias[0] += shift  # type: ignore[union-attr, index, operator]


@dataclass(frozen=True)
class Sharpen:
    model: Annotated[Path, tyro.conf.Positional]
    """Model file."""
    data: Annotated[Path, tyro.conf.Positional]
    """Data in which every class was searched for."""
    out: Path
    """File to write."""


def main() -> None:
    flags = tyro.cli(Sharpen, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    model, info = load_checkpoint(flags.model)
    data, transform = open_dataset(flags.data), EvalTransform(info.config.preprocess)
    if data.class_names != info.class_names:
        raise SystemExit(f"{flags.data} has other classes than {flags.model}.")
    found = []
    for record in data:
        sample = transform(data.read_image(record), record)
        images = batch_images([sample.image], info.config.preprocess.size_divisor)
        found.append(logits_of_proposals(model, images, sample.target))
    logits, answer = (torch.cat(column) for column in zip(*found))
    factor, shift = fit(logits, answer)
    before, after = (
        F.cross_entropy(rescaled(logits, torch.tensor(f), torch.tensor(s)), answer).item()
        for f, s in ((1.0, 0.0), (factor, shift))
    )
    sharpen(model, factor, shift)
    note = {"factor": round(factor, 3), "background": round(shift, 3)}
    save_checkpoint(flags.out, model, replace(info, notes={**info.notes, "sharpened": note}))
    print(
        f"{len(answer)} proposals: factor {factor:.3f}, background {shift:+.3f}; "
        f"cross-entropy {before:.4f} to {after:.4f}"
    )


if __name__ == "__main__":
    main()
