"""Give a shipped model the surface head of a trained one, in halves; the rest of it stays as it is.

python tools/surface/finish.py people runs/surface/last.safetensors [--judged judged.json] --out people.safetensors
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checkpoints.ours import load_matching, save_checkpoint
from maskrcnn.models.build import build_model

ORIGIN = (
    "surface: rendered people (maskrcnn synthetic people; anny, Apache-2.0, its data CC0), and masks and joints of the "
    "photos of people; no surface point was set by hand"
)


@dataclass(frozen=True)
class Finish:
    model: Annotated[Path, tyro.conf.Positional]
    """Model that gets the head, or the name of one."""
    trained: Annotated[Path, tyro.conf.Positional]
    """Model with the head."""
    out: Path
    """File to write."""
    judged: Path | None = None
    """What tools/surface/judge.py wrote of it."""


def main() -> None:
    flags = tyro.cli(Finish)
    source, info = load_model(flags.model)
    trained, learned = load_model(flags.trained)
    config = dataclasses.replace(info.config, surface_head=learned.config.surface_head)
    model = build_model(config)
    load_matching(model, source.state_dict())
    model.heads["surface"].load_state_dict(trained.heads["surface"].state_dict())
    metrics = dict(info.metrics)
    if flags.judged is not None:
        figures = json.loads(flags.judged.read_text())
        metrics |= {f"surface/{on}/{key}": v for on, own in figures.items() for key, v in own["head"].items()}
    info = dataclasses.replace(info, config=config, metrics=metrics, notes=info.notes | {"surface": ORIGIN})
    save_checkpoint(flags.out, model, info, half=True)
    print(f"{flags.out}: {flags.out.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
