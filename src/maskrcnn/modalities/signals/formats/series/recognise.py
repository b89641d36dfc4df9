"""Whether what a csv, npz or npy holds is a series of numbers, which its name does not say."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from maskrcnn.data.parsing.units import read_heading
from maskrcnn.modalities.signals.formats.series.sample_tables import looks_like_samples
from maskrcnn.modalities.signals.tables.delimited import column_names, decode_text, find_layout
from maskrcnn.modalities.signals.tables.interval_tables import names_intervals

SAMPLES = ("samples", "signal", "signals", "data", "x", "ecg", "waveform", "values")
MOST_CHANNELS = 64  # an npy with more rows and columns than this is taken for something else
LOOKED_AT = 1 << 14  # bytes of a table, to find out what it is


def looks_like_series(path: Path) -> bool:
    """Whether what a csv, npz or npy holds are numbers of time."""
    looks_like = {".npz": _has_samples, ".npy": _is_long}.get(path.suffix.lower(), _is_numeric)
    try:
        return looks_like(path)
    except Exception:  # archives meet broken bytes with errors of every kind
        return False


def _is_numeric(path: Path) -> bool:
    with path.open("rb") as file:
        lines = decode_text(file.read(LOOKED_AT)).splitlines()
    names = column_names(lines, find_layout(lines, numeric=False))
    return not names_intervals(names) and looks_like_samples(lines[:-1] if len(lines) > 1 else lines)


def _has_samples(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        members = {plain_name(name.removesuffix(".npy")): name for name in archive.namelist() if name.endswith(".npy")}
        name = next((members[name] for name in SAMPLES if name in members), None)
        if name is None:
            return False
        with archive.open(name) as member:
            read = np.lib.format.read_array_header_1_0
            if np.lib.format.read_magic(member) != (1, 0):
                read = np.lib.format.read_array_header_2_0
            return len(read(member)[0]) <= 2  # more axes are a volume's


def _is_long(path: Path) -> bool:
    shape = np.load(path, allow_pickle=False, mmap_mode="r").shape
    return len(shape) == 1 or (len(shape) == 2 and min(shape) <= MOST_CHANNELS)


def plain_name(key: str) -> str:
    return read_heading(key).name
