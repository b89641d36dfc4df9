"""What the parts of the interface share: the desk, and records made of the jobs' own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from maskrcnn.apps.studio.records import ChangedObject, ImageLine, KnownObject, Mask, Object, StrokeOut
from maskrcnn.jobs.studio import project
from maskrcnn.jobs.studio.desk import Desk
from maskrcnn.jobs.studio.strokes import Stroke


def desk_of(request: Request) -> Desk:
    """The desk that the application serves."""
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(desk_of)]
Number = Annotated[int, Path(ge=1, le=2**31, description="of the image, from 1")]


def line_of(line: project.ImageLine) -> ImageLine:
    """A line of the list of images."""
    return ImageLine.model_construct(id=line.id, name=line.name, status=line.status, objects=line.objects)


def object_of(body: Mapping[str, Any]) -> Object:
    """An object as it is sent; it was checked when it came."""
    return Object.model_construct(**_fields(body))


def known_object(number: int, body: Mapping[str, Any]) -> KnownObject:
    """An object with its number."""
    return KnownObject.model_construct(id=number, **_fields(body))


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    mask = body["mask"]
    known = {"class_": body["class"], "mask": None if mask is None else Mask.model_construct(**mask)}
    return {**{key: value for key, value in body.items() if key != "class"}, **known}


def stroke_out(desk: Desk, number: int, stroke: Stroke) -> StrokeOut:
    """What a stroke did, with what the page shows beside it.

    Args:
        desk: where it was drawn.
        number: of the image.
        stroke: that is on the disk.

    Returns:
        What is sent.
    """
    own = desk.project
    image = own.image(number)
    undo, redo = own.journal.depth(image.name)
    state = own.journal.state(image.name)
    assert state is not None
    changes = [
        ChangedObject.model_construct(id=change.id, after=None if change.after is None else object_of(change.after))
        for change in stroke.changes
    ]
    return StrokeOut.model_construct(
        seq=stroke.seq,
        name=stroke.name,
        changes=changes,
        undo=undo,
        redo=redo,
        status=state.status,
        objects=state.count,
        class_names=list(own.classes.names),
    )
