"""Let a model read its masks from other levels of the pyramid, before it learns on.

python tools/pool_masks.py MODEL --size 256 --out FILE
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from maskrcnn.checkpoints.ours import load_checkpoint, load_exactly, save_checkpoint
from maskrcnn.models.build import build_model


@dataclass(frozen=True)
class PoolMasks:
    model: Annotated[Path, tyro.conf.Positional]
    """Model with a mask head."""
    out: Path
    """File to write."""
    size: float
    """Objects of this size are pooled at stride 16, `PoolConfig.canonical_size`; larger is finer."""


def main() -> None:
    flags = tyro.cli(PoolMasks, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    model, info = load_checkpoint(flags.model)
    head = info.config.mask_head
    assert head is not None, "the model has no mask head"
    config = replace(info.config, mask_head=replace(head, pool=replace(head.pool, canonical_size=flags.size)))
    finer = build_model(config).eval()
    load_exactly(finer, model.state_dict(), flags.model)
    save_checkpoint(flags.out, finer, replace(info, config=config, metrics={}))
    print(flags.out)


if __name__ == "__main__":
    main()
