"""Entries of a file of labels in which some objects change, and everything else keeps its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from maskrcnn.modalities.images.labels.editable import EditedImage, EditedObject

Raw = TypeVar("Raw")  # what the file has of one object
Other = TypeVar("Other")  # what is no object


def merge_in_place(
    before: Sequence[EditedObject | Other],
    edited: EditedImage,
    written: dict[int, Raw],
    raw_of: Callable[[EditedObject], Raw],
    draws_in_order: bool = True,
) -> list[tuple[int, Raw] | Other]:
    """What a file has of an image from now on.

    Args:
        before: what it has so far, in order: objects with their entries, and what nobody can draw.
        edited: the image, its objects in the order in which they are drawn.
        written: the entries that were written before, by the ids of their objects; it is brought up to date.
        raw_of: makes the entry of an object.
        draws_in_order: whether the order in the file says who lies above whom.

    Returns:
        The same in the same order, with the id and the new entry of each object; those that are gone are missing, new
        ones come last. Objects that were put before or behind others trade places, where their order says so.
    """
    left = {one.drawn.id: one for one in edited.objects}
    own_entry = {number: written.get(number, one.raw) for number, one in left.items()}
    places: list[None | Other] = []
    drawn: list[EditedObject] = []
    for one in before:
        if not isinstance(one, EditedObject):
            places.append(one)
            continue
        number = next((k for k in left if own_entry[k] == one.raw), None)
        if number is not None:
            drawn.append(left.pop(number))
            places.append(None)
    drawn += left.values()
    places += [None] * len(left)
    in_order = iter(sorted(drawn, key=lambda own: own.drawn.z if draws_in_order else 0))  # of one z: as they are
    merged: list[tuple[int, Raw] | Other] = []
    for place in places:
        if place is not None:
            merged.append(place)
            continue
        own = next(in_order)
        written[own.drawn.id] = raw_of(own)
        merged.append((own.drawn.id, written[own.drawn.id]))
    return merged


def with_order(found: Sequence[EditedObject]) -> list[EditedObject]:
    """Objects of a file that draws them in the order in which it has them, with the z that says so."""
    z, last, ordered = 0, -1, []
    for one in found:
        z += one.drawn.id < last
        last = one.drawn.id
        ordered.append(one if z == 0 else replace(one, drawn=replace(one.drawn, z=z)))
    return ordered
