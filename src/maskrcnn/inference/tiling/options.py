"""How large tiles may be and how far they overlap. Does not load torch: the command line asks before anything runs."""

from __future__ import annotations

from maskrcnn.errors import UsageError

SMALLEST_TILE = 32  # samples: below, the coarsest level of a pyramid has nothing to see
OVERLAP = 0.25  # of a tile
LARGEST_OVERLAP = 0.75  # of a tile: beyond, every sample is looked at four times along each axis
AUTO, OFF = "auto", "off"


def check_tiles(tile: int | str, overlap: float) -> None:
    """Raises UsageError for a tile that is neither auto, off nor a number of samples, or a number out of range."""
    if not 0 < overlap <= LARGEST_OVERLAP:
        raise UsageError(f"Tiles must overlap by more than 0 and at most {LARGEST_OVERLAP} of a tile, not {overlap}.")
    if tile in (AUTO, OFF):
        return
    if not isinstance(tile, int) and not tile.isdecimal():
        raise UsageError(f"A tile is auto, off or a number of samples, not {tile}.")
    if int(tile) < SMALLEST_TILE:
        raise UsageError(f"A tile must be at least {SMALLEST_TILE} samples long, not {tile}.")
