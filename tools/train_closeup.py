"""Train the close-up mask head of a model by itself, on every mask of some data sets.

    python tools/train_closeup.py MODEL DATA... --out runs/closeup --minutes 120 [--others MODEL]

`maskrcnn train` teaches this head beside all others, a few objects of each image; here the rest of the model stands
still, so all that it says of an image (the ordinary masks, of boxes that err as detections do) is asked once and kept,
and a step sees nothing but close-ups. Every tenth photo of the first data set is held out and judged on, also
where others have it. `state.pt` in the folder of `--out` goes on where a run was broken off, and `best.safetensors` is
MODEL with the head.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checkpoints.ours import load_matching, save_checkpoint
from maskrcnn.config import CloseUpMaskConfig, LossConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.transforms.samples import normalise
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.closeup import closeup_mask_loss
from maskrcnn.losses.mask import mask_targets, regions_of
from maskrcnn.modalities.open import open_dataset
from maskrcnn.models.build import build_model
from maskrcnn.models.heads.closeup_mask import CloseUpMaskHead, bins_inside
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.cut_out import cut_out
from maskrcnn.training.schedule import MovingAverage

LOOKS = 4  # boxes that err differently, of each object and each model
MOST = 12  # objects of one image in a step
LEFT_OUT = 10  # every so many-th photo judges
SMALLEST = 64  # pixels of a mask: smaller ones are mostly the annotator's hand
WARMUP = 200  # steps


@dataclass(frozen=True)
class Train:
    model: Annotated[Path, tyro.conf.Positional]
    """Model that gets the head, or the name of one."""
    data: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Data sets with masks; photos of the first judge."""
    out: Path
    """Folder to write."""
    minutes: float = 60.0
    """Time to learn, all runs into this folder together."""
    others: tuple[Path, ...] = ()
    """Further models, whose ordinary masks are learned from as well."""
    start: Path | None = None
    """Checkpoint of a model with the head to begin with."""
    size: int = 160
    """Samples a side of a close-up."""
    batch: int = 32
    """Close-ups a step."""
    lr: float = 1e-3
    """Learning rate of the decoder at its highest."""
    body_lr: float = 0.3
    """That of the body, as a part of it."""
    blind: float = 0.0
    """Part of the close-ups without the ordinary mask."""
    bf16: bool = True
    """Learn in bfloat16."""
    seed: int = 0
    """Of everything that is drawn."""


def start_model(path: Path, size: int, begin: Path | None) -> tuple[MaskRCNN, Any]:
    """The model with the head, whose body is the model's own, or one trained before."""
    source, info = load_model(path)
    config = dataclasses.replace(info.config, closeup_mask_head=CloseUpMaskConfig(size=size))
    model = build_model(config)
    left = load_matching(model, source.state_dict())[1]
    assert all(name.startswith("heads.closeup_mask.") for name in left), left
    head = head_of(model)
    body = head.segmenter.body
    tensors = source.backbone.body.state_dict()
    stem = tensors["stem.conv.weight"]
    given = body.state_dict()["stem.conv.weight"].shape[1] - stem.shape[1]
    tensors["stem.conv.weight"] = torch.cat([stem, stem.new_zeros(len(stem), given, *stem.shape[2:])], 1)
    body.load_state_dict(tensors)
    if begin is not None:
        trained, _ = load_model(begin)
        head.load_state_dict(head_of(trained).state_dict())
    return model, dataclasses.replace(info, config=config)


def head_of(model: MaskRCNN) -> CloseUpMaskHead:
    head = model.heads["closeup_mask"]
    assert isinstance(head, CloseUpMaskHead)
    return head


def jittered(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Boxes ``[N, 2D]`` with errors as detections have them: mostly a few hundredths of a side, at times a sixth."""
    low, high = boxes.chunk(2, -1)
    sides = (high - low).repeat(1, 2)
    spread = torch.tensor([0.02, 0.06, 0.06, 0.12])[torch.randint(4, (len(boxes), 1), generator=generator)]
    return boxes + torch.randn(boxes.shape, generator=generator) * spread * sides


def held_out(file_name: str) -> bool:
    return zlib.crc32(Path(file_name).name.encode()) % LEFT_OUT == 0


@torch.inference_mode()
def ordinary_masks(model: Path, data: Dataset, path: Path, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Of each image, boxes ``[L, N, 2D]`` that err and the ordinary masks over them, uint8 ``[L, N, *m]``; kept in a
    file."""
    if path.exists():
        kept: list[tuple[Tensor, Tensor]] = torch.load(path, weights_only=True)
        return kept
    predictor = Predictor.load(model)
    for further in set(predictor.model.heads) - {"box", "mask"}:
        del predictor.model.heads[further]
    generator = torch.Generator().manual_seed(seed)
    made = []
    for i, record in enumerate(data):
        target = record.instances()
        boxes = torch.stack([jittered(target.boxes, generator) for _ in range(LOOKS)])
        if len(target) == 0:
            made.append((boxes, torch.zeros(LOOKS, 0, 28, 28, dtype=torch.uint8)))
            continue
        masks = predictor.mask_probabilities(
            data.read_image(record), boxes.flatten(0, 1), torch.ones(boxes[..., 0].numel()).long()
        )
        made.append((boxes, (masks * 255).round().to(torch.uint8).unflatten(0, boxes.shape[:2])))
        if i % 100 == 0:
            print(f"ordinary masks of {data.path}: {i} of {len(data)}", flush=True)
    torch.save(made, path)
    return made


class CloseUps(torch.utils.data.Dataset[dict[str, Tensor]]):
    """An image's objects as close-ups: ``seen`` [N, C + 2, *S], ``targets`` and ``counted`` [N, *M]."""

    def __init__(
        self,
        data: Dataset,
        looks: list[list[tuple[Tensor, Tensor]]],
        head: CloseUpMaskHead,
        info: Any,
        seed: int | None,
        left: frozenset[int] = frozenset(),
    ):
        self.data, self.looks, self.head, self.p, self.seed = data, looks, head, info.config.preprocess, seed
        self.left = torch.tensor(sorted(left), dtype=torch.long)
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        torch.set_num_threads(1)
        learning = self.seed is not None
        generator = torch.Generator().manual_seed(hash((self.seed, self.epoch, i)) % 2**31 if learning else 0)
        record = self.data[i]
        target = record.instances()
        regions = regions_of(target)
        able = torch.nonzero(
            torch.from_numpy(regions.areas() >= SMALLEST) & ~target.crowd & ~torch.isin(target.labels, self.left)
        )[:, 0]
        if learning and len(able) > MOST:
            able = able[torch.randperm(len(able), generator=generator)[:MOST]]
        image = normalise(self.data.read_image(record), self.p.pixel_mean, self.p.pixel_std)
        shape = image.shape[1:]
        models = (
            torch.randint(len(self.looks), (len(able),), generator=generator)
            if learning
            else torch.zeros(len(able)).long()
        )
        looks = torch.randint(LOOKS, (len(able),), generator=generator) if learning else torch.zeros(len(able)).long()
        boxes = (
            torch.stack([self.looks[m][i][0][k, n] for m, k, n in zip(models, looks, able)])
            if len(able)
            else torch.zeros(0, 4)
        )
        masks = (
            torch.stack([self.looks[m][i][1][k, n] for m, k, n in zip(models, looks, able)])
            if len(able)
            else torch.zeros(0, 28, 28)
        )
        where = self.head.regions(boxes)
        size = self.head.size
        if learning and torch.rand((), generator=generator) < 0.3:  # as if the photo had fewer pixels
            part = 0.35 + 0.5 * torch.rand((), generator=generator).item()
            cuts = F.interpolate(
                cut_out(image[None], [where], [max(int(s * part), 8) for s in size]), size, mode="bilinear"
            )
        else:
            cuts = cut_out(image[None], [where], size)
        seen = torch.cat([cuts, self.head.given(masks.float() / 255, boxes, where)], 1)
        targets = mask_targets([regions[able]], [where], self.head.output_size, LossConfig())
        counted = bins_inside(where, shape, self.head.output_size)
        if learning and torch.rand((), generator=generator) < 0.5:
            seen, targets, counted = seen.flip(-1), targets.flip(-1), counted.flip(-1)
        return {"seen": seen, "targets": targets, "counted": counted, "areas": torch.from_numpy(regions.areas())[able]}


def joined(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def changed(batch: dict[str, Tensor], blind: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Colours, brightness, and objects of other close-ups pasted in front."""
    seen, targets = batch["seen"].clone(), batch["targets"].clone()
    count = len(seen)

    def drawn(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)).expand(count, 1, 1, 1)

    def some(part: float) -> Tensor:
        return torch.rand(count, generator=generator) < part

    image = seen[:, :-2]
    over = torch.randperm(count, generator=generator)
    for i in some(0.25).nonzero()[:, 0].tolist():
        j = int(over[i])
        if i == j:
            continue
        shift = ((torch.rand(2, generator=generator) - 0.5) * 1.4 * seen.shape[-1]).round().long().tolist()
        mask = _moved(F.interpolate(batch["targets"][j][None, None], seen.shape[2:])[0, 0], shift)
        image[i] = _moved(batch["seen"][j, :-2], shift) * mask + image[i] * (1 - mask)
        seen[i, -1] = seen[i, -1] * (1 - mask) - mask  # the ordinary mask would not have taken it for the object
        targets[i] = targets[i] * (1 - F.interpolate(mask[None, None], targets.shape[1:], mode="area")[0, 0])
    grey = image.mean(1, keepdim=True)
    mix = drawn(0.5, 1.3)
    image = torch.where(some(0.1)[:, None, None, None], grey.expand_as(image), grey + (image - grey) * mix)
    mean = image.mean((1, 2, 3), keepdim=True)
    image = (image - mean) * drawn(0.6, 1.4) + mean + drawn(-0.3, 0.3)
    image = image + (torch.rand(count, image.shape[1], 1, 1, generator=generator) - 0.5) * 0.2
    seen[:, :-2] = image.clamp(-1.2, 1.2)
    seen[some(blind), -1] = 0
    return batch | {"seen": seen, "targets": targets}


def _moved(x: Tensor, shift: list[int]) -> Tensor:
    """``x`` moved along its last two axes, zeros behind it."""
    out = torch.zeros_like(x)
    h, w = x.shape[-2:]
    dy, dx = shift
    out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = x[
        ..., max(-dy, 0) : h - max(dy, 0), max(-dx, 0) : w - max(dx, 0)
    ]
    return out


def overlaps(logits: Tensor, targets: Tensor, counted: Tensor) -> Tensor:
    found, true = (logits > 0) & counted, (targets >= 0.5) & counted
    return (found & true).flatten(1).sum(1) / (found | true).flatten(1).sum(1).clamp(min=1)


@torch.inference_mode()
def judge(head: CloseUpMaskHead, batches: list[dict[str, Tensor]]) -> dict[str, float]:
    """Mean IoU of the held-out close-ups, of the ordinary masks and of the head's, small, medium and large ones."""
    head.eval()
    own, ordinary, areas = [], [], []
    for batch in batches:
        logits = head.segmenter(batch["seen"])
        own.append(overlaps(logits, batch["targets"], batch["counted"]))
        before = F.interpolate(batch["seen"][:, -1:], logits.shape[1:], mode="bilinear")[:, 0]
        ordinary.append(overlaps(before, batch["targets"], batch["counted"]))
        areas.append(batch["areas"])
    head.train()
    size = torch.cat(areas).float().sqrt()
    parts = {"": size > 0, "small": size < 32, "medium": (size >= 32) & (size < 96), "large": size >= 96}
    values = {"own": torch.cat(own), "ordinary": torch.cat(ordinary)}
    return {f"{k} {n}".strip(): v[p].mean().item() for k, v in values.items() for n, p in parts.items()}


def main() -> None:
    flags = tyro.cli(Train, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    flags.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(flags.seed)
    model, info = start_model(flags.model, flags.size, flags.start)
    head = head_of(model)
    parts: list[Any] = []
    judged: list[dict[str, Tensor]] = []
    first: tuple[str, ...] = ()
    for path in flags.data:
        data = open_dataset(path)
        name = f"{zlib.crc32(str(path).encode()):08x}"
        looks = [
            ordinary_masks(m, data, flags.out / f"ordinary-{name}-{m.stem}.pt", flags.seed)
            for m in (flags.model, *flags.others)
        ]
        learn = [i for i, record in enumerate(data) if not held_out(record.file_name) and len(record)]
        known = frozenset(k for k, n in enumerate(data.class_names, 1) if parts and n in first)  # of the same photos
        first = data.class_names if not parts else first
        parts.append(torch.utils.data.Subset(CloseUps(data, looks, head, info, flags.seed, known), learn))
        if not judged:
            still = CloseUps(data, looks, head, info, None)
            kept = [i for i, record in enumerate(data) if held_out(record.file_name)]
            loaded = [own for i in kept if len((own := still[i])["areas"])]
            judged = [joined(loaded[k : k + 8]) for k in range(0, len(loaded), 8)]
    body = [p for n, p in head.segmenter.named_parameters() if n.startswith("body.")]
    rest = [p for n, p in head.segmenter.named_parameters() if not n.startswith("body.")]
    groups = [{"params": body, "factor": flags.body_lr}, {"params": rest, "factor": 1.0}]
    optimizer = torch.optim.AdamW(groups, lr=flags.lr, weight_decay=0.02)
    average = MovingAverage(head, 0.998)
    step, spent, best, epoch = 0, 0.0, -1.0, 0
    state = flags.out / "state.pt"
    if state.exists():
        kept_state = torch.load(state, weights_only=True)
        head.load_state_dict(kept_state["head"])
        optimizer.load_state_dict(kept_state["optimizer"])
        average.state = kept_state["average"]
        step, spent, best, epoch = (kept_state[k] for k in ("step", "spent", "best", "epoch"))
    generator = torch.Generator().manual_seed(flags.seed + step)
    log = (flags.out / "log.jsonl").open("a")
    total, mark, told, saved = flags.minutes * 60, time.monotonic(), time.monotonic(), time.monotonic()
    waiting: list[dict[str, Tensor]] = []
    sums: list[float] = []
    while spent < total:
        for part in parts:
            part.dataset.epoch = epoch  # type: ignore[attr-defined]
        loader = torch.utils.data.DataLoader(
            torch.utils.data.ConcatDataset(parts),
            batch_size=None,
            shuffle=True,
            num_workers=1,
            prefetch_factor=24,
            generator=torch.Generator().manual_seed(flags.seed + epoch),
        )
        for own in loader:
            if len(own["areas"]):
                waiting.append(own)
            if sum(len(w["areas"]) for w in waiting) < flags.batch:
                continue
            batch, waiting = joined(waiting), []
            batch = changed({k: v[: flags.batch] for k, v in batch.items()}, flags.blind, generator)
            done = min(spent / total, 1.0)
            for group in optimizer.param_groups:
                group["lr"] = (
                    flags.lr
                    * group["factor"]
                    * min(1, (step + 1) / WARMUP)
                    * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
                )
            with torch.autocast("cpu", torch.bfloat16, enabled=flags.bf16):
                logits = head.segmenter(batch["seen"])
            loss = closeup_mask_loss(logits, batch["targets"], batch["counted"]).mean()
            optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
            if torch.isfinite(norm):
                optimizer.step()
                average.update(head)
            step += 1
            sums.append(loss.item())
            now = time.monotonic()
            spent, mark = spent + now - mark, now
            if now - told > 60:
                rate, mean = len(sums) * flags.batch / (now - told), sum(sums) / len(sums)
                where = f"{spent / 60:.1f} of {flags.minutes:g} min  epoch {epoch}  step {step}"
                print(f"{where}  loss {mean:.4f}  {rate:.0f} close-ups/s", flush=True)
                told, sums = now, []
            if now - saved > 300 or spent >= total:
                ahead = {n: v.clone() for n, v in head.state_dict().items()}
                head.load_state_dict(average.state)
                figures = judge(head, judged)
                if figures["own"] > best:
                    best = figures["own"]
                    save_checkpoint(flags.out / "best.safetensors", model, info)
                save_checkpoint(flags.out / "last.safetensors", model, info)
                head.load_state_dict(ahead)
                line = {"minutes": round(spent / 60, 1), "step": step} | {k: round(v, 4) for k, v in figures.items()}
                print(line, flush=True)
                log.write(json.dumps(line) + "\n")
                log.flush()
                kept_state = {"head": ahead, "optimizer": optimizer.state_dict(), "average": average.state}
                beside = state.with_suffix(".new")
                torch.save(kept_state | {"step": step, "spent": spent, "best": best, "epoch": epoch}, beside)
                beside.replace(state)
                saved = time.monotonic()
                mark = saved  # judging does not count
            if spent >= total:
                break
        epoch += 1


if __name__ == "__main__":
    main()
