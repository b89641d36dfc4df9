"""The labels of a whole data set in a few flat arrays.

A worker process that is forked shares the memory of its parent until it writes to it, and Python writes to every object
that it only looks at: it counts references. A data set of an object an image (and several an annotation) is so copied
bit by bit into every worker. A few large arrays are a few objects, however many images there are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch

from maskrcnn.regions import Regions
from maskrcnn.structures import Record
from maskrcnn.surfaces.labels import SurfaceLabel, unpack_part_map
from maskrcnn.surfaces.points import SurfacePoints

ANY_TEXT = "surrogatepass"  # json may hold halves of characters, and file names bytes that are none
Decode = Callable[[list[bytes], tuple[int, ...]], Regions]


@dataclass(frozen=True)
class PackedBytes:
    """Strings of bytes in one array.

    Attributes:
        buffer: uint8, all of them in a row.
        ends: int64 ``[n + 1]``: string i is ``buffer[ends[i] : ends[i + 1]]``.
    """

    buffer: np.ndarray
    ends: np.ndarray

    @staticmethod
    def pack(strings: Iterable[bytes]) -> PackedBytes:
        joined, ends = bytearray(), [0]
        for string in strings:
            joined += string
            ends.append(len(joined))
        return PackedBytes(np.frombuffer(bytes(joined), dtype=np.uint8), np.array(ends, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, i: int) -> bytes:
        return self.buffer[self.ends[i] : self.ends[i + 1]].tobytes()


@dataclass(frozen=True)
class FlatSurfaces:
    """What is labelled on the surfaces of T objects, S points in all.

    Attributes:
        surface: its name.
        ends: int64 ``[T + 1]``: the points of object i are rows ``ends[i]`` to ``ends[i + 1]``.
        places: float32 ``[S, D]``; parts: int64 ``[S]``; uv: float32 ``[S, 2]``.
        coarse, coarse_boxes: T strings, empty where nobody drew coarse parts; float32 ``[T, 2D]``, where they lie.
    """

    surface: str
    ends: np.ndarray
    places: np.ndarray
    parts: np.ndarray
    uv: np.ndarray
    coarse: PackedBytes
    coarse_boxes: np.ndarray

    @staticmethod
    def pack(surface: str, labels: Sequence[SurfaceLabel | None]) -> FlatSurfaces | None:
        """From what is labelled on each object; None where that is nothing."""
        known = [label for label in labels if label is not None]
        if not known:
            return None
        nowhere = np.zeros_like(known[0].box)
        return FlatSurfaces(
            surface,
            np.cumsum([0, *(0 if label is None else len(label.parts) for label in labels)]),
            np.concatenate([label.places for label in known]),
            np.concatenate([label.parts for label in known]),
            np.concatenate([label.uv for label in known]),
            PackedBytes.pack(b"" if label is None else label.coarse for label in labels),
            np.stack([nowhere if label is None else label.box for label in labels]),
        )

    def of(self, objects: slice) -> SurfacePoints:
        """The labels of some objects."""
        rows = slice(int(self.ends[objects.start]), int(self.ends[objects.stop]))
        return SurfacePoints(
            self.surface,
            torch.from_numpy(np.diff(self.ends[objects.start : objects.stop + 1])),
            torch.from_numpy(self.places[rows].copy()),
            torch.from_numpy(self.parts[rows].copy()),
            torch.from_numpy(self.uv[rows].copy()),
            tuple(unpack_part_map(self.coarse[i]) for i in range(objects.start, objects.stop)),
            torch.from_numpy(self.coarse_boxes[objects].copy()),
        )


@dataclass(frozen=True)
class FlatRecord:
    """One image of :class:`FlatRecords`, made when it is asked for."""

    flat: FlatRecords
    index: int

    def record(self) -> Record:
        return self.flat.record(self.index)

    def num_objects(self) -> int:
        return int((~self.flat.crowd[self.flat.objects(self.index)]).sum())


@dataclass(frozen=True)
class FlatRecords(Sequence[FlatRecord]):
    """n images with T objects in all; each record that is read is made anew and shares nothing.

    Attributes:
        sources, file_names, image_ids: n strings; ids as json, which tells numbers from texts.
        spatial_shapes: int64 ``[n, D]``.
        ends: int64 ``[n + 1]``: the objects of image i are rows ``ends[i]`` to ``ends[i + 1]``.
        boxes: float32 ``[T, 2D]``; labels: int64 ``[T]``; crowd: bool ``[T]``; areas: float64 ``[T]``.
        keypoints: float32 ``[T, P, D + 1]``, or None.
        masks: T strings, or None.
        decode: from the masks of one image and its spatial shape to regions.
        exhaustive: n strings: the exhaustive labels of an image as json, empty for all labels.
        surfaces: of all objects, or None.
    """

    sources: PackedBytes
    file_names: PackedBytes
    image_ids: PackedBytes
    spatial_shapes: np.ndarray
    ends: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    keypoints: np.ndarray | None
    masks: PackedBytes | None
    decode: Decode
    exhaustive: PackedBytes
    surfaces: FlatSurfaces | None = None

    @staticmethod
    def pack(
        records: Sequence[Record],
        masks: Iterable[bytes] | None,
        decode: Decode,
        surfaces: FlatSurfaces | None = None,
    ) -> FlatRecords:
        """From at least one record, each with a spatial shape, crowd flags and areas.

        Args:
            records: at least one, each with a spatial shape, crowd flags and areas.
            masks: of all objects in the order of the records, in the form that ``decode`` reads;
                None: boxes only.
            decode: reads a mask.
            surfaces: what is labelled on the surfaces of all objects, in the order of the records; None: nothing.

        Returns:
            The records in a few arrays.
        """

        def join(name: str) -> np.ndarray:
            return np.concatenate([getattr(record, name) for record in records])

        exhaustive = (record.exhaustive for record in records)
        return FlatRecords(
            sources=PackedBytes.pack(os.fsencode(record.source) for record in records),
            file_names=PackedBytes.pack(record.file_name.encode("utf-8", ANY_TEXT) for record in records),
            image_ids=PackedBytes.pack(json.dumps(record.image_id).encode() for record in records),
            spatial_shapes=np.array([record.spatial_shape for record in records], dtype=np.int64),
            ends=np.cumsum([0, *map(len, records)]),
            boxes=join("boxes"),
            labels=join("labels"),
            crowd=join("crowd"),
            areas=join("areas"),
            keypoints=None if records[0].keypoints is None else join("keypoints"),
            masks=None if masks is None else PackedBytes.pack(masks),
            decode=decode,
            exhaustive=PackedBytes.pack(b"" if k is None else json.dumps(sorted(k)).encode() for k in exhaustive),
            surfaces=surfaces,
        )

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, index: int) -> FlatRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[FlatRecord]: ...
    def __getitem__(self, index: int | slice) -> FlatRecord | list[FlatRecord]:
        chosen = range(len(self))[index]
        return FlatRecord(self, chosen) if isinstance(chosen, int) else [FlatRecord(self, i) for i in chosen]

    def objects(self, index: int) -> slice:
        """The rows of the objects of image ``index``."""
        return slice(int(self.ends[index]), int(self.ends[index + 1]))

    def record(self, index: int) -> Record:
        """The labels of image ``index``."""
        rows, spatial_shape = self.objects(index), tuple(self.spatial_shapes[index].tolist())
        masks = None if self.masks is None else [self.masks[i] for i in range(rows.start, rows.stop)]
        exhaustive = self.exhaustive[index]
        return Record(
            source=os.fsdecode(self.sources[index]),
            image_id=json.loads(self.image_ids[index]),
            file_name=self.file_names[index].decode("utf-8", ANY_TEXT),
            spatial_shape=spatial_shape,
            boxes=self.boxes[rows].copy(),
            labels=self.labels[rows].copy(),
            regions=None if masks is None else self.decode(masks, spatial_shape),
            crowd=self.crowd[rows].copy(),
            keypoints=None if self.keypoints is None else self.keypoints[rows].copy(),
            areas=self.areas[rows].copy(),
            exhaustive=frozenset(json.loads(exhaustive)) if exhaustive else None,
            surface=None if self.surfaces is None else self.surfaces.of(rows),
        )
