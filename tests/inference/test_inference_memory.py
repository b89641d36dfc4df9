"""What a long prediction frees goes back to the system."""

import sys

import pytest
import torch

from maskrcnn.inference.tiling import tiles as tiling
from maskrcnn.inference.tiling.memory import return_freed_memory
from maskrcnn.structures import Instances


def nothing(tiles):
    return [Instances(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0)) for _ in tiles]


def test_it_is_returned_every_so_many_tiles(monkeypatch):
    calls = []
    monkeypatch.setattr(tiling, "return_freed_memory", lambda: calls.append(1))
    tiling.predict_tiles(nothing, torch.zeros(1, 32, 32 * 33), 32, overlap=0.01, tiles_at_once=1)
    assert len(calls) == -(-34 // tiling.RETURN_AFTER)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be asked")
def test_asking_changes_nothing_that_is_in_use():
    kept = [torch.full((1000,), float(k)) for k in range(100)]
    junk = [torch.zeros(100_000) for _ in range(100)]
    del junk
    assert return_freed_memory() in (True, False)
    assert all((values == k).all() for k, values in enumerate(kept))
