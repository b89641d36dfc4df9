"""A picture of a mix: its waveform, the parts coloured by song, with a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from maskrcnn.drawing.chips import place_font
from maskrcnn.drawing.colours import PALETTE
from maskrcnn.drawing.style import PAPER, with_legend

WIDTH, HEIGHT, RULER, RIM = 1400, 260, 30, 10  # pixels
INK, LINE = (60, 60, 60), (150, 150, 150)
MARKS = (5, 10, 15, 30, 60, 120, 300)  # seconds between times, of which the shortest that leaves room is taken


def draw_mix(
    mix: npt.NDArray[np.float32], rate: float, starts: Sequence[int], songs: Sequence[int], names: Sequence[str]
) -> Image.Image:
    """Draw a mix.

    Args:
        mix: ``[C, T]``.
        rate: samples a second.
        starts: the sample at which each part begins.
        songs: of each part the song that it is from, an index into ``names``.
        names: of the songs.

    Returns:
        The picture; below it the songs that are in the mix, in their colours.
    """
    picture = Image.new("RGB", (WIDTH, HEIGHT + RULER), PAPER)
    draw, font = ImageDraw.Draw(picture), place_font((WIDTH, HEIGHT))
    inner, length = WIDTH - 2 * RIM, mix.shape[1]
    wave = np.abs(mix).max(0)
    edges = np.linspace(0, length, inner + 1).astype(int)
    owners = np.searchsorted(starts, edges[:-1], side="right") - 1
    top = max(float(wave.max()), 1e-9)
    for x, (a, b) in enumerate(zip(edges[:-1], edges[1:])):
        high = float(wave[a : max(b, a + 1)].max()) / top * (HEIGHT / 2 - RIM)
        draw.line([(RIM + x, HEIGHT / 2 - high), (RIM + x, HEIGHT / 2 + high)], fill=_colour(songs[owners[x]]))
    for start in starts[1:]:
        x = RIM + start * inner / length
        draw.line([(x, RIM / 2), (x, HEIGHT)], fill=INK)
    seconds = length / rate
    every = next((mark for mark in MARKS if seconds / mark <= 14), MARKS[-1])
    for second in range(0, int(seconds) + 1, every):
        x = RIM + second / seconds * inner
        draw.line([(x, HEIGHT), (x, HEIGHT + 6)], fill=LINE)
        draw.text((x + 3, HEIGHT + 4), f"{second // 60}:{second % 60:02d}", fill=INK, font=font)
    return with_legend(picture, [(names[song], _colour(song)) for song in dict.fromkeys(songs)])


def _colour(song: int) -> tuple[int, int, int]:
    return PALETTE[song % len(PALETTE)]
