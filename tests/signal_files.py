"""Small recordings with labels, for the tests of everything that reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

RATE = 250


def write_record(folder: Path, name: str, length: int = 1000, rate: float = RATE, seed: int = 0) -> np.ndarray:
    """A WFDB record of two leads of noise; returns what was written ``[2, T]``, rounded to its steps of 1/200 mV."""
    wfdb = pytest.importorskip("wfdb")
    samples = np.random.default_rng(seed).integers(-400, 400, (length, 2)) / 200
    wfdb.wrsamp(
        name, fs=rate, units=["mV", "mV"], sig_name=["MLII", "V5"], p_signal=samples, fmt=["212", "212"],
        adc_gain=[200.0, 200.0], baseline=[0, 0], write_dir=str(folder),
    )  # fmt: skip
    return samples.T


def write_marks(folder: Path, name: str, marks: list[tuple[int, str, int]], annotator: str = "q1c") -> None:
    """Annotations: sample, symbol and num of each."""
    wfdb = pytest.importorskip("wfdb")
    samples, symbols, numbers = zip(*marks)
    wfdb.wrann(  # which writes no digit into an annotator's name
        name, "tmp", np.array(samples), list(symbols), num=np.array(numbers), fs=RATE, write_dir=str(folder)
    )
    (folder / f"{name}.tmp").rename(folder / f"{name}.{annotator}")


def beat(at: int, t_onset: bool = True) -> list[tuple[int, str, int]]:
    """P [at, at+20], QRS [at+30, at+50] and T [at+80, at+120], peaks in the middle; T perhaps without its onset."""
    p = [(at, "(", 0), (at + 10, "p", 0), (at + 20, ")", 0)]
    qrs = [(at + 30, "(", 1), (at + 40, "N", 1), (at + 50, ")", 1)]
    t = [*([(at + 80, "(", 2)] if t_onset else []), (at + 100, "t", 0), (at + 120, ")", 2)]
    return [*p, *qrs, *t]
