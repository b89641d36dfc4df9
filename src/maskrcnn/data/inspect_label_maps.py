"""What is wrong with label maps (images of object numbers) beyond what makes them unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from maskrcnn.data.faults import Fault
from maskrcnn.data.images import is_image
from maskrcnn.structures import Record

LOSSY = frozenset({".jpg", ".jpeg", ".webp"})
SPECK = 4  # samples: an object of no more is a slip of the pen
SEMANTIC_PARTS = 2  # parts of the only number of a map from which it looks like "object or not" instead of numbers
MOST_LOOKED_AT = 500  # objects of one image whose parts are counted


def is_label_maps(path: Path) -> bool:
    """Whether a data set that was opened as ``path`` is a folder of label maps."""
    labels = path / "labels"
    return (path / "images").is_dir() and labels.is_dir() and any(map(is_image, labels.iterdir()))


def inspect_folders(folder: Path) -> Iterator[Fault]:
    """Images without a label map, label maps without an image, and label maps in a format that changes numbers."""
    images, maps = (_by_stem(folder / name) for name in ("images", "labels"))
    for stem in sorted(images.keys() - maps.keys()):
        yield Fault("image-unlabelled", images[stem].name, "no label map of this name", images[stem].name)
    for stem in sorted(maps.keys() - images.keys()):
        yield Fault("image-missing", maps[stem].name, "only its label map is there", maps[stem].name)
    for stem in sorted(maps.keys() & images.keys()):
        if maps[stem].suffix.lower() in LOSSY:
            yield Fault("label-map-lossy", f"labels/{maps[stem].name}", "", images[stem].name)


def inspect_label_map(record: Record) -> Iterator[Fault]:
    """Specks, and numbers that lie in several places, in the label map of one record."""
    regions, name = record.regions, record.file_name
    if regions is None or len(regions) == 0:
        return
    areas = regions.areas()
    specks = int((areas <= SPECK).sum())
    if specks:
        yield Fault("object-speck", name, f"{specks} of {len(areas)} objects", name)
    parts = [count_parts(regions.window(k)) for k in range(min(len(regions), MOST_LOOKED_AT)) if areas[k] > SPECK]
    if len(regions) == 1 and parts and parts[0] >= SEMANTIC_PARTS:
        yield Fault("label-map-semantic", name, f"{parts[0]} separate places with one number", name)
    elif several := sum(count > 1 for count in parts):
        yield Fault("object-in-parts", name, f"{several} of {len(areas)} objects", name)


def count_parts(mask: np.ndarray) -> int:
    """Connected parts of a boolean array of any D; samples that share a corner are connected.

    Runs along the last axis are joined with those of neighbouring lines that they touch (union and find).
    """
    lines = mask.reshape(-1, mask.shape[-1])
    positions = np.array(np.unravel_index(np.arange(len(lines)), mask.shape[:-1] or (1,))).T
    padded = np.pad(lines, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    line, start = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    first = np.searchsorted(line, np.arange(len(lines) + 1))
    parent = list(range(len(line)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    place = {tuple(position): index for index, position in enumerate(positions.tolist())}
    steps = [step for step in np.ndindex(*(3,) * (mask.ndim - 1)) if step < (1,) * (mask.ndim - 1)]
    for index, position in enumerate(positions.tolist()):
        for step in steps:
            other = place.get(tuple(p + s - 1 for p, s in zip(position, step)))
            if other is None:
                continue
            for a in range(first[index], first[index + 1]):
                for b in range(first[other], first[other + 1]):
                    if start[a] <= end[b] and start[b] <= end[a]:
                        parent[root(a)] = root(b)
    return sum(root(k) == k for k in range(len(line)))


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.iterdir()) if is_image(path) and not path.name.startswith(".")}
