"""What a model found in one picture, recording or scan: arrays, a picture, tables, and the forms of other programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from maskrcnn.checks import counted
from maskrcnn.errors import UsageError
from maskrcnn.exchange.imagej import to_rois, write_rois
from maskrcnn.exchange.qupath import to_geojson, write_geojson
from maskrcnn.exchange.supervision import to_supervision
from maskrcnn.exchange.torchvision import to_torchvision
from maskrcnn.face import habits
from maskrcnn.face.notebook import as_html, as_png
from maskrcnn.files import atomic_write
from maskrcnn.inference.class_maps import class_map_of, class_probabilities_of
from maskrcnn.inference.results.names import id_of, written_of_image, written_of_object
from maskrcnn.inference.results.one_file import OneFile
from maskrcnn.modalities.inputs import wing_of_model
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import Head
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".pdf")


@dataclass(frozen=True, eq=False, repr=False)
class Found:
    """The objects that a model found in one picture (D = 2), recording (D = 1) or scan (D = 3), or its class map.

    It prints as ``9 objects: 7 person, 2 tie``. ``found[found.scores > 0.7]`` and ``found[found.names == "person"]``
    are the objects for which that is true, ``found[0]`` the best, ``for one in found`` goes through them, each a
    :class:`Found` of one object. Positions are in samples of the file (of a scan: turned to RAS+, as ``read_volume``
    gives it), x first, sample k covering [k, k + 1).

    Attributes:
        instances: the objects as tensors.
        info: of the model.
        file: what was looked at; None where that failed.
        source: its path or address; empty for what was in memory.
        failure: why nothing could be looked at, a sentence; empty where it could.
        heads: of the model, whose own outputs stand in ``instances`` and in what is written.
    """

    instances: Instances
    info: ModelInfo
    file: OneFile | None
    source: str = ""
    failure: str = ""
    heads: Mapping[str, Head] = field(default_factory=dict)

    @property
    def boxes(self) -> np.ndarray:
        """Float32 ``[N, 2D]``: low corner, then high corner, x first; of pictures ``x1, y1, x2, y2``."""
        return self.instances.boxes.numpy()

    @property
    def scores(self) -> np.ndarray:
        """Float32 ``[N]``, 0..1, the best first."""
        return self.instances.scores.numpy()

    @property
    def labels(self) -> np.ndarray:
        """Int64 ``[N]``, 1..K: label k is the model's ``class_names[k - 1]``."""
        return self.instances.labels.numpy()

    @property
    def names(self) -> np.ndarray:
        """Str ``[N]``: the class of each object."""
        return np.array([self.info.class_names[label - 1] for label in self.labels.tolist()], dtype=str)

    @property
    def masks(self) -> np.ndarray | None:
        """Bool ``[N, *S]``, tensor order (``[N, H, W]`` of pictures): which samples each object covers; None for
        models of boxes. It is made when it is asked for and may be large; ``regions`` is the same as run lengths."""
        if self.regions is None:
            return None
        masks = np.zeros((len(self), *self.regions.spatial_shape), dtype=bool)
        for i, mask in enumerate(masks):
            mask[:] = self.regions.mask(i)
        return masks

    @property
    def regions(self) -> Regions | None:
        """The masks as run lengths, a window an object; None for models of boxes."""
        return self.instances.regions

    @property
    def keypoints(self) -> np.ndarray | None:
        """Float32 ``[N, P, D + 1]``: coordinates x first, then the score; None for models without."""
        return None if self.instances.keypoints is None else self.instances.keypoints.numpy()

    @property
    def areas(self) -> np.ndarray:
        """Int64 ``[N]``: samples of each mask, or of the box for models of boxes."""
        if self.regions is not None:
            return self.regions.areas()
        low, high = self.instances.boxes.double().chunk(2, -1)
        return (high - low).prod(-1).round().long().numpy()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the file, tensor order: height and width of a picture, samples of a recording, slices, rows and columns of
        a scan."""
        return () if self.file is None else tuple(self.file.samples.shape[1:])

    @cached_property
    def class_map(self) -> np.ndarray | None:
        """Int16 ``[*S]``, tensor order: the class of every sample, 1..K as in ``labels``, 0 for none. Of models that
        find objects it is painted from the masks, the surest on top; None for models of boxes."""
        if class_probabilities_of(self.instances) is None and self.regions is None:
            return None
        return class_map_of(self.instances, self.shape)

    @property
    def class_areas(self) -> dict[str, int]:
        """Samples of each class in ``class_map``, the largest first; what is of no class is left out."""
        if self.class_map is None:
            return {}
        labels, counts = np.unique(self.class_map[self.class_map > 0], return_counts=True)
        order = np.argsort(-counts, kind="stable").tolist()
        return {self.info.class_names[int(labels[k]) - 1]: int(counts[k]) for k in order}

    @property
    def counts(self) -> dict[str, int]:
        """How many objects there are of each class that was found, the most frequent first."""
        return dict(Counter(self.names.tolist()).most_common())

    def __len__(self) -> int:
        return len(self.instances)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray | Tensor) -> Found:
        """The objects at ``index``: a number, a slice, or a list or array of numbers or of true and false.

        Raises:
            IndexError: there are fewer objects.
        """
        if isinstance(index, int | np.integer):
            index = [range(len(self))[int(index)]]  # IndexError as lists raise it
        if not isinstance(index, slice):
            index = torch.as_tensor(np.asarray(index, dtype=None if len(index) else np.int64))
            if index.dtype == torch.bool and len(index) != len(self):
                raise IndexError(f"{len(index)} values for {counted(len(self), 'object')}.")
        if isinstance(index, slice) and (index.step or 1) < 0:
            return self[torch.arange(len(self)).numpy()[index].copy()]
        return dataclasses.replace(self, instances=self.instances[index])

    def __iter__(self) -> Iterator[Found]:
        return (self[i] for i in range(len(self)))

    __getattr__ = habits.sentences(habits.OF_WHAT_IS_FOUND)

    def __repr__(self) -> str:
        if self.failure:
            return f"failed: {self.failure}"
        if self._is_map:
            whole = max(math.prod(self.shape), 1)
            parts = [f"{name} {100 * area / whole:.0f} %" for name, area in self.class_areas.items()]
            return f"class map: {', '.join(parts) or 'nothing of any class'}"
        kinds = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return counted(len(self), "object") + (f": {kinds}" if kinds else "")

    def draw(self) -> Image.Image:
        """The picture with the objects over it, the recording in strips, or slices of the scan.

        Raises:
            UsageError: nothing could be looked at.
        """
        return self._file().picture(self.instances, self.info)

    def save(self, path: str | Path) -> Path:
        """Write what was found into one file, whole or not at all; its suffix says as what.

        Args:
            path: a picture (``.png``, ``.jpg``, ``.webp``, ``.tif``, ``.pdf``), ``.json`` (:meth:`to_dict`), or, of
                pictures, ``.geojson`` and ``.geojson.gz`` (QuPath) and ``.zip`` (regions of ImageJ).

        Returns:
            The path.

        Raises:
            UsageError: another suffix, or a package that is not installed.
        """
        path = Path(path)
        name = path.name.lower()
        if name.endswith((".geojson", ".geojson.gz")):
            write_geojson(path, self._of_pictures("QuPath"), self.info.class_names)
        elif name.endswith(".zip"):
            write_rois(path, self._of_pictures("ImageJ"), self.info.class_names)
        elif name.endswith(".json"):
            with atomic_write(path) as beside:
                beside.write_text(json.dumps(self.to_dict(), ensure_ascii=False) + "\n", encoding="utf-8")
        elif name.endswith(PICTURES):
            drawn = self.draw()
            with atomic_write(path) as beside:
                drawn.save(beside)
        else:
            known = ", ".join((*PICTURES, ".json", ".geojson", ".geojson.gz"))
            raise UsageError(f"{path} is no name for results: it must end in {known} or .zip.")
        return path

    def to_dict(self) -> dict[str, Any]:
        """All of it as json holds it: ``source``, ``kind``, ``shape``, ``spacing``, of each of the ``objects`` what
        ``predictions.json`` says, of class maps the samples of each of the ``classes``, and what further heads say of
        the file as a whole."""
        file = self._file()
        return {
            "source": self.source,
            "kind": wing_of_model(self.info).noun,
            "shape": list(self.shape),
            "spacing": None if file.spacing is None else list(file.spacing),
            "objects": self._entries(),
            **({"classes": self.class_areas} if self._is_map else {}),
            **written_of_image(self.heads, self.instances),
        }

    def to_coco(self) -> list[dict[str, Any]]:
        """COCO's results, an entry an object, as in ``predictions.json``: ``file_name``, ``image_id`` (its stem),
        ``category``, ``category_id``, ``bbox``, ``score``, ``segmentation`` and ``keypoints``.

        Raises:
            UsageError: recordings and scans, of which COCO has none.
        """
        self._of_pictures("COCO")
        of_file = {"file_name": self.source, "image_id": id_of(Path(self.source).stem)}
        return [{**of_file, **entry} for entry in self._entries()]

    def to_supervision(self) -> Any:
        """A ``supervision.Detections``, see :func:`maskrcnn.exchange.supervision.to_supervision`."""
        return to_supervision(self._of_pictures("supervision"), self.info.class_names)

    def to_torchvision(self) -> dict[str, Tensor]:
        """The dict of torchvision's detection models: ``boxes``, ``labels``, ``scores``, ``masks``, ``keypoints``."""
        return to_torchvision(self._of_pictures("torchvision"))

    def to_geojson(self) -> dict[str, Any]:
        """A GeoJSON ``FeatureCollection`` as QuPath reads it, a feature an object."""
        return to_geojson(self._of_pictures("QuPath"), self.info.class_names)

    def to_imagej(self) -> list[Any]:
        """A ``roifile.ImagejRoi`` for each object."""
        return to_rois(self._of_pictures("ImageJ"), self.info.class_names)

    def _repr_png_(self) -> bytes | None:
        return None if self.file is None else as_png(self.draw())

    def _repr_html_(self) -> str:
        drawn = None if self.file is None else self.draw()
        return as_html(repr(self), drawn, self.names.tolist(), self.scores.tolist(), self.boxes.tolist())

    @property
    def _is_map(self) -> bool:
        """Whether it is the class of every sample that was told, and no objects."""
        config = self.info.config
        return self.file is not None and not (config.finds_objects or config.whole_head)

    def _entries(self) -> list[dict[str, Any]]:
        entries = self._file().entries(self.instances, self.info)
        return [entry | written_of_object(self.heads, self.instances, i) for i, entry in enumerate(entries)]

    def _file(self) -> OneFile:
        if self.file is None:
            raise UsageError(f"There is nothing to show: {self.failure}")
        return self.file

    def _of_pictures(self, other: str) -> Instances:
        """The objects for a program that knows pictures alone. Raises UsageError for others."""
        wing = wing_of_model(self.info)
        if not all(kind.is_picture for kind in wing.kinds):
            raise UsageError(f"{other} is for pictures, not for a {wing.noun}; to_dict() has all of it.")
        return self.instances


def nothing_found(info: ModelInfo, source: str, failure: str) -> Found:
    """Of what could not be looked at.

    Args:
        info: of the model.
        source: as it was named.
        failure: why, a sentence.

    Returns:
        No objects, and the failure.
    """
    ndim = info.config.ndim
    return Found(Instances(torch.zeros(0, 2 * ndim)), info, None, source, failure)
