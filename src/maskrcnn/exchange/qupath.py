"""Objects as GeoJSON that QuPath opens: drag the file onto the image, or choose File > Import objects."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskrcnn.drawing.colours import class_color
from maskrcnn.files import atomic_write
from maskrcnn.masks.polygons import polygons
from maskrcnn.structures import Instances


def to_geojson(found: Instances, class_names: Sequence[str]) -> dict[str, Any]:
    """A GeoJSON ``FeatureCollection`` in pixels of the picture, x to the right and y downwards, as QuPath has it.

    Args:
        found: the objects.
        class_names: of labels 1..K.

    Returns:
        A feature an object: a ``Polygon`` with its holes, a ``MultiPolygon`` where the mask has several parts, of
        models without masks the box; a detection with its class, and score and pixels as measurements. An object whose
        mask covers nothing is its box.
    """
    columns = zip(found.labels.tolist(), found.scores.tolist())
    features = [
        {
            "type": "Feature",
            "geometry": _geometry(found, i),
            "properties": {
                "objectType": "detection",
                "classification": {"name": class_names[label - 1], "color": list(class_color(label))},
                "measurements": {"score": round(score, 4)} | _pixels(found, i),
            },
        }
        for i, (label, score) in enumerate(columns)
    ]
    return {"type": "FeatureCollection", "features": features}


def write_geojson(path: Path, found: Instances, class_names: Sequence[str]) -> None:
    """Write :func:`to_geojson`, packed where the name ends in ``.gz``.

    Args:
        path: ``.geojson`` or ``.geojson.gz``.
        found: the objects.
        class_names: of labels 1..K.
    """
    text = json.dumps(to_geojson(found, class_names), ensure_ascii=False).encode()
    with atomic_write(path) as beside:
        beside.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)  # no time: same bytes again


def _geometry(found: Instances, i: int) -> dict[str, Any]:
    parts = []
    if found.regions is not None:
        y, x = (int(start) for start in found.regions.offsets[i])
        own = polygons(found.regions.window(i))
        parts = [[[[cx + x, cy + y] for cx, cy in (*ring, ring[0])] for ring in part] for part in own]
    if not parts:
        x1, y1, x2, y2 = (round(c, 2) for c in found.boxes[i].tolist())
        parts = [[[[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]]]]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _pixels(found: Instances, i: int) -> dict[str, int]:
    return {} if found.regions is None else {"area_px": int(found.regions.runs[i][1::2].sum())}
