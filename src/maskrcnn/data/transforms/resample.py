"""From one sampling rate to another without aliasing: a windowed sinc, evaluated where the new samples lie.

Sample k covers [k, k + 1), so its centre is k + 1/2, and a position p becomes p * new / old exactly.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

ZERO_CROSSINGS = 16  # of the sinc on either side
ROLLOFF = 0.94  # where the filter cuts, as a part of the lower of the two limits
BETA = 9.0  # of Kaiser's window: about 90 dB of damping
MOST_PHASES = 4096
SHARED = 16  # new samples that should have one filter, for it to pay to go filter by filter
BLOCK = 64  # new samples that are made together, where they do not
TABLE = 4096  # parts of half of Kaiser's window: between them a straight line is right to 1e-7 of its height


def resample(samples: Tensor, old_rate: float, new_rate: float) -> Tensor:
    """Resample a signal in time.

    New sample k lies at the old position (k + 1/2) * old / new. The signal goes on beyond its ends
    with their values.

    Args:
        samples: ``[C, T]``.
        old_rate: of ``samples``.
        new_rate: to resample to.

    Returns:
        float32 ``[C, round(T * new_rate / old_rate)]``.

    Raises:
        ValueError: rates that are not positive.
    """
    if not (old_rate > 0 and new_rate > 0):
        raise ValueError(f"resample needs two positive rates, not {old_rate} and {new_rate}.")
    samples = samples.float()
    length = samples.shape[-1]
    ratio = Fraction(old_rate).limit_denominator(10**6) / Fraction(new_rate).limit_denominator(10**6)
    count = max(1, round(length / ratio)) if length else 0
    if ratio == 1 or length == 0:
        return samples.clone()
    if SHARED * min(ratio.denominator, MOST_PHASES) > count:
        return _by_blocks(samples, float(ratio), count)
    if ratio.denominator > MOST_PHASES:
        ratio = ratio.limit_denominator(MOST_PHASES)
    return _by_phases(samples, ratio.numerator, ratio.denominator, count)


def _by_phases(samples: Tensor, step: int, phases: int, count: int) -> Tensor:
    """``phases`` new samples for every ``step`` old ones: new samples that are ``phases`` apart have one filter, and
    lie ``step`` old samples apart, so each phase is a convolution with that stride."""
    ratio = step / phases
    cutoff = ROLLOFF * min(1.0, 1 / ratio)
    reach = math.ceil(ZERO_CROSSINGS / cutoff)
    rounds = -(-count // phases)
    behind = max(0, rounds * step + reach + 1 - samples.shape[-1])
    padded = F.pad(samples[:, None], (reach, behind), mode="replicate")
    result = samples.new_empty(samples.shape[0], rounds, phases)
    for phase in range(min(phases, count)):
        position = (phase + 0.5) * ratio - 0.5  # in which old sample k is at k
        first = math.floor(position) - reach + 1
        kernel = _kernel(np.arange(first, first + 2 * reach) - position, cutoff, reach)
        found = F.conv1d(padded[..., first + reach :], torch.from_numpy(kernel)[None, None], stride=step)
        result[:, :, phase] = found[:, 0, :rounds]
    return result.reshape(samples.shape[0], -1)[:, :count]


def _by_blocks(samples: Tensor, ratio: float, count: int) -> Tensor:
    """Each new sample with a filter of its own; those of a block are the columns of a matrix."""
    cutoff = ROLLOFF * min(1.0, 1 / ratio)
    reach = math.ceil(ZERO_CROSSINGS / cutoff)
    padded = F.pad(samples[:, None], (reach, reach + math.ceil(ratio) + 2), mode="replicate")[:, 0]
    result = samples.new_empty(samples.shape[0], count)
    for begin in range(0, count, BLOCK):
        positions = (np.arange(begin, min(begin + BLOCK, count)) + 0.5) * ratio - 0.5
        first, last = math.floor(positions[0]) - reach + 1, math.floor(positions[-1]) + reach
        kernels = _kernel(np.arange(first, last + 1)[:, None] - positions, cutoff, reach)
        result[:, begin : begin + BLOCK] = padded[:, first + reach : last + reach + 1] @ torch.from_numpy(kernels)
    return result


def _kernel(distances: np.ndarray, cutoff: float, reach: int) -> np.ndarray:
    """Weights of old samples at these distances ``[n, ...]``, float32; along the first axis they add up to 1, so that a
    constant stays what it is."""
    weights, near = np.zeros(distances.shape), np.abs(distances) <= reach
    inside = distances[near]
    weights[near] = np.sinc(cutoff * inside) * _window(np.abs(inside) / reach)
    normalised: np.ndarray = (weights / weights.sum(0)).astype(np.float32)
    return normalised


@lru_cache(maxsize=1)
def _half_window() -> np.ndarray:
    """Kaiser's window from its middle to its end, and the end once more."""
    return np.i0(BETA * np.sqrt(1 - (np.arange(TABLE + 2) / TABLE).clip(0, 1) ** 2))


def _window(distances: np.ndarray) -> np.ndarray:
    """Kaiser's window at parts 0..1 of its half: from a table, for the Bessel function costs ten times the rest."""
    table, positions = _half_window(), distances * TABLE
    index = positions.astype(np.int64)
    between: np.ndarray = table[index] + (table[index + 1] - table[index]) * (positions - index)
    return between
