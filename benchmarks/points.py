"""The other way to sharper masks, for comparison with close-ups: uncertain points decided again from fine features.

    python benchmarks/points.py people people_train.json --minutes 20

PointRend (Kirillov et al. 2020): a small network decides points of a mask from the pyramid's finest features and the
ordinary mask there; in use it is asked only where the mask, doubled in size twice, is uncertain. It learns on the
frozen features of the model, from the same boxes that err and is judged on the same held-out objects as
tools/train_closeup.py judges on. The time is all of it: reading the features once, and learning.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from maskrcnn.config import LossConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.mask import mask_targets, regions_of
from maskrcnn.modalities.open import open_dataset
from maskrcnn.ops.cut_out import cuboid_around, read_masks
from maskrcnn.ops.roi_align import roi_align
from train_closeup import SMALLEST, held_out, jittered, overlaps

FINE, MASK, POINTS, OVER, UNCERTAIN = 56, 112, 196, 3, 0.75  # bins of features and of masks; points as in the paper
CLOSE_UP = 80  # bins of what the close-up head gives


@dataclass(frozen=True)
class Points:
    model: Annotated[str, tyro.conf.Positional]
    """Model with masks."""
    data: Annotated[Path, tyro.conf.Positional]
    """Labelled photos."""
    minutes: float = 20.0
    """To read features and to learn."""
    batch: int = 32
    lr: float = 1e-3


class PointNetwork(nn.Module):
    """Features ``[R, C, P]`` and coarse logits ``[R, 1, P]`` of points to their logits ``[R, P]``."""

    def __init__(self, channels: int, width: int = 256) -> None:
        super().__init__()
        widths = [channels, width, width]
        self.layers = nn.ModuleList(nn.Conv1d(w + 1, width, 1) for w in widths)
        self.logits = nn.Conv1d(width + 1, 1, 1)

    def forward(self, features: Tensor, coarse: Tensor) -> Tensor:
        x = features
        for layer in self.layers:
            x = F.relu(layer(torch.cat([x, coarse], 1)))
        logits: Tensor = self.logits(torch.cat([x, coarse], 1))[:, 0]
        return logits


@torch.inference_mode()
def gather(model: str, data: Dataset) -> dict[str, Tensor]:
    """Of every object one box that errs, the features and ordinary logits over it, its mask, and whether it judges."""
    predictor = Predictor.load(model)
    for further in set(predictor.model.heads) - {"box", "mask"}:
        del predictor.model.heads[further]
    head, generator = predictor.model.heads["mask"], torch.Generator().manual_seed(0)
    rows: dict[str, list[Tensor]] = {k: [] for k in ("features", "coarse", "targets", "boxes", "wide", "judges")}
    for record in data:
        target = record.instances()
        regions = regions_of(target)
        able = torch.nonzero(torch.from_numpy(regions.areas() >= SMALLEST) & ~target.crowd)[:, 0]
        if len(able) == 0:
            continue
        boxes = jittered(target.boxes, generator)[able]
        batch, to_input = predictor.prepare(data.read_image(record))
        levels = predictor.model.backbone(batch.tensor)
        seen, zeros = to_input.boxes(boxes), torch.zeros(len(able), dtype=torch.long)
        stride = predictor.model.backbone.strides[0]
        rows["features"].append(roi_align(levels[:1], seen, zeros, zeros, [stride], (FINE, FINE), 2, True).half())
        rows["coarse"].append(head(levels, [seen])[:, 0])
        rows["targets"].append(mask_targets([regions[able]], [boxes], (MASK, MASK), LossConfig()).half())
        around = cuboid_around(boxes, 1.25, 0.5)
        rows["wide"].append(mask_targets([regions[able]], [around], (CLOSE_UP, CLOSE_UP), LossConfig()) >= 0.5)
        rows["boxes"].append(boxes)
        rows["judges"].append(torch.full((len(able),), held_out(record.file_name)))
    return {name: torch.cat(own) for name, own in rows.items()}


def at(values: Tensor, points: Tensor) -> Tensor:
    """``[R, C, P]``: maps ``[R, C, H, W]`` read linearly at points ``[R, P, 2]``, 0..1, x first."""
    return F.grid_sample(values, points[:, :, None] * 2 - 1, align_corners=False, padding_mode="border")[..., 0]


def uncertain_points(coarse: Tensor, generator: torch.Generator) -> Tensor:
    """``[R, P, 2]``: of three times as many points those where the mask is least certain, and some anywhere."""
    count = len(coarse)
    many = torch.rand(count, OVER * POINTS, 2, generator=generator)
    doubt = -at(coarse, many)[:, 0].abs()
    best = doubt.topk(int(UNCERTAIN * POINTS), 1)[1]
    chosen = many.gather(1, best[..., None].expand(-1, -1, 2))
    return torch.cat([chosen, torch.rand(count, POINTS - best.shape[1], 2, generator=generator)], 1)


@torch.inference_mode()
def refined(network: PointNetwork, features: Tensor, coarse: Tensor) -> Tensor:
    """Logits ``[R, 112, 112]``: the ordinary ones, doubled twice, each time with the most uncertain decided again."""
    mask = coarse
    while mask.shape[-1] < MASK:
        mask = F.interpolate(mask, scale_factor=2, mode="bilinear", align_corners=False)
        side = mask.shape[-1]
        order = (-mask[:, 0].abs()).flatten(1).topk(min(side * side, 784), 1)[1]
        points = torch.stack([order % side, order // side], -1)
        places = (points + 0.5) / side
        decided = network(at(features, places), at(coarse, places))
        flat = mask.flatten(1)
        mask = flat.scatter(1, order, decided).reshape(mask.shape)
    return mask[:, 0]


def judge(network: PointNetwork | None, rows: dict[str, Tensor]) -> float:
    own = []
    for k in rows["judges"].nonzero()[:, 0].split(32):
        coarse, boxes = rows["coarse"][k][:, None], rows["boxes"][k]
        logits = coarse[:, 0] if network is None else refined(network, rows["features"][k].float(), coarse)
        around = cuboid_around(boxes, 1.25, 0.5)
        wide = read_masks(logits.sigmoid(), boxes, around, (CLOSE_UP, CLOSE_UP)) - 0.5
        own.append(overlaps(wide, rows["wide"][k].float(), torch.ones_like(rows["wide"][k])))
    return torch.cat(own).mean().item()


def main() -> None:
    flags = tyro.cli(Points, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    begun = time.monotonic()
    torch.manual_seed(0)
    rows = gather(flags.model, open_dataset(flags.data))
    print(f"{len(rows['boxes'])} objects after {time.monotonic() - begun:.0f} s", flush=True)
    print(f"ordinary masks: mean IoU {judge(None, rows):.4f}", flush=True)
    network, generator = PointNetwork(rows["features"].shape[1]), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=flags.lr, weight_decay=0.02)
    learn = (~rows["judges"]).nonzero()[:, 0]
    total, told, step = flags.minutes * 60, 0.0, 0
    while (spent := time.monotonic() - begun) < total:
        for group in optimizer.param_groups:
            group["lr"] = flags.lr * max(1 - spent / total, 0.01)
        k = learn[torch.randint(len(learn), (flags.batch,), generator=generator)]
        features, coarse, targets = (
            rows["features"][k].float(),
            rows["coarse"][k][:, None],
            rows["targets"][k][:, None].float(),
        )
        if torch.rand((), generator=generator) < 0.5:
            features, coarse, targets = features.flip(-1), coarse.flip(-1), targets.flip(-1)
        points = uncertain_points(coarse, generator)
        logits = network(at(features, points), at(coarse, points))
        loss = F.binary_cross_entropy_with_logits(logits, at(targets, points)[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if spent - told > 300:
            told = spent
            print(f"{spent / 60:.1f} min, step {step}: mean IoU {judge(network, rows):.4f}", flush=True)
    print(f"{flags.minutes:g} min, step {step}: mean IoU {judge(network, rows):.4f}", flush=True)


if __name__ == "__main__":
    main()
