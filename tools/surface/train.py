"""Train the close-up surface head of a model by itself, on rendered people and on real ones.

    python tools/surface/train.py people --rendered runs/bodies/* --real people_train.json --out runs/surface

Rendered people (`maskrcnn synthetic people`) teach parts, u and v of every pixel. Real ones teach what a mask and
joints tell (as SimPose, Zhu et al. 2020, does): their mask is body, a visible joint lies on a part beside it, and so do
points of a limb both of whose joints are seen; no u and v. The rest of the model stands still. `state.pt` in the folder
of `--out` goes on where a run was broken off, and `last.safetensors` is MODEL with the head.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from people import SETS, Store, mirrored_sets, real_people, rendered_people
from torch import Tensor

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checkpoints.ours import load_matching, save_checkpoint
from maskrcnn.config import CloseUpConfig, SurfaceHeadConfig
from maskrcnn.models.build import build_model
from maskrcnn.surfaces.known import SURFACES
from maskrcnn.training.schedule import MovingAverage

MARGIN = 1.6  # of a stored cut-out, in longest sides of the box
WARMUP = 100  # steps
STILL = 6  # of the body's blocks
WIDTHS = CloseUpConfig(laterals=(128, 128, 128, 96), merged=(128, 96, 64), hidden=160)


@dataclass(frozen=True)
class Train:
    model: Annotated[Path, tyro.conf.Positional]
    """Model that gets the head, or the name of one; its joints' network is the beginning."""
    rendered: tuple[Path, ...]
    """Folders that `maskrcnn synthetic people` made."""
    out: Path
    """Folder to write."""
    real: Path | None = None
    """COCO json of real people, with masks and keypoints; None: the ablation without."""
    photos: Path | None = None
    """Folder of its photos."""
    minutes: float = 40.0
    """Time to learn, all runs into this folder together."""
    batch: int = 24
    """Rendered people a step."""
    real_batch: int = 12
    """Real people a step."""
    lr: float = 2e-3
    """Learning rate of the decoder at its highest."""
    body_lr: float = 0.1
    """That of the body, as a part of it."""
    bf16: bool = False
    """Compute in bfloat16, on processors that know it."""
    seed: int = 0
    """Of everything that is drawn."""


def last_made(folders: tuple[Path, ...]) -> float:
    """When the labels of a folder were written last; more people may be made while others are learned from."""
    return max((folder / "annotations.json").stat().st_mtime for folder in folders)


def start_model(path: Path) -> tuple[Any, Any]:
    source, info = load_model(path)
    surface = SurfaceHeadConfig(surface=SURFACES["anny-24"], closeup=WIDTHS)
    config = dataclasses.replace(info.config, surface_head=surface)
    model = build_model(config)
    left = load_matching(model, source.state_dict())[1]
    assert all(name.startswith("heads.surface.") for name in left), left
    decoder = model.heads["surface"].network.decoder
    decoder.body.load_state_dict(source.heads["keypoint"].closeup.body.state_dict())
    return model, dataclasses.replace(info, config=config)


def draw_moves(count: int, generator: torch.Generator, margin: float) -> tuple[Tensor, Tensor]:
    """From places -1..1 in what the network sees to those in stored cut-outs, ``[N, 2, 3]``, and which are mirrored."""

    def drawn(deviation: float) -> Tensor:
        return torch.randn(count, generator=generator) * deviation

    part = margin / MARGIN
    scale = part * drawn(0.08).exp()
    angle = drawn(0.3) * (torch.rand(count, generator=generator) < 0.5)
    flip = torch.rand(count, generator=generator) < 0.5
    cos, sin = angle.cos() * scale, angle.sin() * scale
    sign = torch.where(flip, -1.0, 1.0)
    rows = [
        torch.stack([cos * sign, -sin, drawn(0.05) * part], 1),
        torch.stack([sin * sign, cos, drawn(0.05) * part], 1),
    ]
    return torch.stack(rows, 1), flip


def see(store: Store, index: Tensor, moves: Tensor, size: int, bins: int) -> tuple[Tensor, Tensor]:
    """Close-ups ``[N, 3, size, size]``, normalised, and labels ``[N, 4, bins, bins]``: mask, part, u, v."""
    own = store.pixels[index].float() / 127.5 - 1
    seen = F.grid_sample(own, F.affine_grid(moves, [len(own), 3, size, size], False), align_corners=False)
    labels = store.labels[index].float()
    grid = F.affine_grid(moves, [len(own), 4, bins, bins], False)
    return seen, F.grid_sample(labels, grid, mode="nearest", align_corners=False)


def coloured(seen: Tensor, generator: torch.Generator) -> Tensor:
    """Other brightness, contrast, colours and sharpness."""
    count = len(seen)

    def drawn(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(count, channels, 1, 1, generator=generator)

    grey = seen.mean(1, keepdim=True)
    seen = grey + (seen - grey) * torch.where(drawn(0, 1) < 0.1, 0.0, drawn(0.5, 1.3))
    mean = seen.mean((1, 2, 3), keepdim=True)
    seen = (seen - mean) * drawn(0.6, 1.4) + mean + drawn(-0.25, 0.25) + drawn(-0.1, 0.1, 3)
    few = torch.rand(count, generator=generator) < 0.3  # as if the photo had fewer pixels
    if few.any():
        side = int(seen.shape[-1] * (0.2 + 0.5 * torch.rand((), generator=generator).item()))
        seen[few] = F.interpolate(F.interpolate(seen[few], side, mode="area"), seen.shape[-1], mode="bilinear")
    return seen.clamp(-1.2, 1.2)


def losses(maps: Tensor, labels: Tensor, rendered: int, tables: Tensor, flip: Tensor) -> dict[str, Tensor]:
    """Of a batch whose first ``rendered`` are rendered."""
    body, logits, u, v = maps.float().split((2, 25, 25, 25), 1)
    mask = labels[:, 0]
    out = {"body": F.binary_cross_entropy_with_logits(body[:, 1] - body[:, 0], mask)}
    part = labels[:rendered, 1].round().long()
    part = torch.where(flip[:rendered, None, None], tables[0].long()[part], part)
    at = part > 0
    own = part[at]
    out["part"] = F.cross_entropy(logits[:rendered].movedim(1, -1)[at], own)
    affine = tables[1:].T[own]
    wrong = torch.zeros(())
    for k, values in enumerate((u, v)):
        truth = labels[:rendered, 2 + k][at] / 255
        turned = flip[:rendered, None, None].expand_as(part)[at]
        truth = torch.where(turned, truth * affine[:, 2 * k] + affine[:, 2 * k + 1], truth)
        found = values[:rendered].movedim(1, -1)[at].gather(1, own[:, None])[:, 0]
        wrong = wrong + F.smooth_l1_loss(found, truth, beta=0.05)
    out["uv"] = 4 * wrong
    return out


def joint_loss(maps: Tensor, points: Tensor, moves: Tensor, flip: Tensor, allowed: Tensor) -> Tensor:
    """Cross entropy of the parts that each joint of real people may lie on: ``points`` ``[N, P, 3]`` are x and y in
    -1..1 of the stored cut-outs and the number of their set, 0 for none."""
    logits = maps[:, 2:27].float()
    back = torch.linalg.inv(moves[:, :, :2])
    places = torch.einsum("nij,npj->npi", back, points[..., :2] - moves[:, None, :, 2])
    sets = points[..., 2].long()
    sets = torch.where(flip[:, None], torch.tensor(mirrored_sets())[sets], sets)
    inside = (places.abs() < 1).all(-1) & (sets > 0)
    read = F.grid_sample(logits, places[:, :, None], align_corners=False)[..., 0].movedim(1, -1)[inside]
    if len(read) == 0:
        return logits.sum() * 0
    may = allowed[sets[inside]]
    return (read.logsumexp(1) - read.masked_fill(~may, -torch.inf).logsumexp(1)).mean()


def main() -> None:
    flags = tyro.cli(Train, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    flags.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(flags.seed)
    model, info = start_model(flags.model)
    network = model.heads["surface"].network
    decoder, size, bins = network.decoder, network.size[0], network.output_size[0]
    made, made_at = rendered_people(flags.rendered, MARGIN), last_made(flags.rendered)
    real = real_people(flags.real, flags.photos, MARGIN) if flags.real is not None else None
    print(f"{len(made)} rendered people, {0 if real is None else len(real)} real ones", flush=True)
    surface = SURFACES["anny-24"]
    tables = torch.zeros(5, 25)
    tables[0, 1:] = torch.tensor(surface.mirrored)
    tables[1:, 1:] = torch.tensor(surface.mirrored_uv).T
    allowed = torch.zeros(len(SETS) + 1, 25, dtype=torch.bool)
    for k, parts in enumerate(SETS, 1):
        allowed[k, list(parts)] = True
    decoder.train()
    for still in (decoder.body.stem, decoder.body.blocks[:STILL]):  # edges and textures; most of the time goes there
        still.requires_grad_(False)
    body = [p for p in decoder.body.parameters() if p.requires_grad]
    held = {id(p) for p in decoder.body.parameters()}
    rest = [p for p in decoder.parameters() if id(p) not in held]
    groups = [{"params": body, "factor": flags.body_lr}, {"params": rest, "factor": 1.0}]
    optimizer = torch.optim.AdamW(groups, lr=flags.lr, weight_decay=0.02)
    average = MovingAverage(decoder, 0.995)
    step, spent = 0, 0.0
    state = flags.out / "state.pt"
    if state.exists():
        kept = torch.load(state, weights_only=True)
        decoder.load_state_dict(kept["decoder"])
        optimizer.load_state_dict(kept["optimizer"])
        average.state, step, spent = kept["average"], kept["step"], kept["spent"]
    generator = torch.Generator().manual_seed(flags.seed + step)
    total, mark = flags.minutes * 60, time.monotonic()
    told = saved = mark
    sums: list[dict[str, float]] = []
    while spent < total:
        index = torch.randint(len(made), (flags.batch,), generator=generator)
        moves, flip = draw_moves(flags.batch, generator, network.margin)
        seen, labels = see(made, index, moves, size, bins)
        if real is not None:
            own = torch.randint(len(real), (flags.real_batch,), generator=generator)
            real_moves, real_flip = draw_moves(flags.real_batch, generator, network.margin)
            more, known = see(real, own, real_moves, size, bins)
            seen, labels = torch.cat([seen, more]), torch.cat([labels, known])
        done = min(spent / total, 1.0)
        for group in optimizer.param_groups:
            rate = min(1, (step + 1) / WARMUP) * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
            group["lr"] = flags.lr * group["factor"] * rate
        with torch.autocast("cpu", torch.bfloat16, enabled=flags.bf16):
            maps = decoder(coloured(seen, generator))
        terms = losses(maps, labels, flags.batch, tables, flip)
        if real is not None:
            terms["joints"] = joint_loss(maps[flags.batch :], real.points[own], real_moves, real_flip, allowed)
        loss = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(decoder.parameters(), 5.0)
        if torch.isfinite(norm):
            optimizer.step()
            average.update(decoder)
        step += 1
        sums.append({name: term.item() for name, term in terms.items()})
        now = time.monotonic()
        spent, mark = spent + now - mark, now
        if now - told > 30 or spent >= total:
            means = {name: round(float(np.mean([s[name] for s in sums])), 4) for name in sums[0]}
            rate = len(sums) * len(seen) / (now - told)
            print(
                json.dumps({"minutes": round(spent / 60, 1), "step": step} | means | {"a second": round(rate)}),
                flush=True,
            )
            told, sums = now, []
        if now - saved > 300 or spent >= total:
            ahead = {n: v.clone() for n, v in decoder.state_dict().items()}
            decoder.load_state_dict(average.state)
            save_checkpoint(flags.out / "last.safetensors", model, info)
            decoder.load_state_dict(ahead)
            kept = {"decoder": ahead, "optimizer": optimizer.state_dict(), "average": average.state}
            beside = state.with_suffix(".new")
            torch.save(kept | {"step": step, "spent": spent}, beside)
            beside.replace(state)
            if last_made(flags.rendered) > made_at:
                made, made_at = rendered_people(flags.rendered, MARGIN), last_made(flags.rendered)
                print(f"{len(made)} rendered people", flush=True)
            saved = told = mark = time.monotonic()


if __name__ == "__main__":
    main()
