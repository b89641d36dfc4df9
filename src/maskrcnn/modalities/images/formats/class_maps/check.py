"""What is wrong with class maps beyond what makes them unreadable."""

from __future__ import annotations

from collections.abc import Iterator

from maskrcnn.data.class_maps.tasks import MapOnly
from maskrcnn.data.dataset import RecordSource
from maskrcnn.data.faults import Fault
from maskrcnn.errors import DataError
from maskrcnn.modalities.images.formats.class_maps.read import ClassMap
from maskrcnn.modalities.images.labels.index_maps import is_lossy
from maskrcnn.structures import IGNORED


def inspect_class_map(source: RecordSource) -> Iterator[Fault]:
    """Find a format that changes numbers, numbers and colours that no list has, and maps in which nothing is labelled.

    Args:
        source: of a record; one that is no class map has no such faults.

    Yields:
        The faults of that map.
    """
    own = source.source if isinstance(source, MapOnly) else source
    if not isinstance(own, ClassMap):
        return
    name, place = own.image.name, f"{own.class_map.parent.name}/{own.class_map.name}"
    if is_lossy(own.class_map):
        yield Fault("label-map-lossy", place, "", name)
    try:
        labels = own.labels()
    except DataError:  # said by whoever reads the record
        return
    if unknown := own.unknown(labels):
        yield Fault("class-map-unknown", place, unknown, name)
    elif (labels == IGNORED).all():
        yield Fault("class-map-unlabelled", place, "", name)
