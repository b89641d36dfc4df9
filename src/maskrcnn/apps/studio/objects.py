"""Objects: strokes, undoing them, and what the model proposes."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query

from maskrcnn.apps.studio.common import AtDesk, Number, known_object, object_of, stroke_out
from maskrcnn.apps.studio.records import (
    BoxesIn,
    ClickIn,
    DisagreementOut,
    DisagreementsOut,
    Gallery,
    GalleryObject,
    Objects,
    StrokeIn,
    StrokeOut,
)
from maskrcnn.errors import UsageError

router = APIRouter()
MOST = 500


@router.post("/images/{number}/strokes")
def draw(desk: AtDesk, number: Number, given: StrokeIn) -> StrokeOut:
    """Write a finished stroke down. It is on the disk when this is answered.

    Args:
        desk: that is served.
        number: of the image.
        given: the stroke.

    Returns:
        What changed.
    """
    changes = [
        (change.id, None if change.after is None else change.after.model_dump(by_alias=True))
        for change in given.changes
    ]
    stroke = desk.project.do(number, given.name, changes, given.who, given.seq, given.key)
    return stroke_out(desk, number, stroke)


@router.post("/images/{number}/undo")
def undo(desk: AtDesk, number: Number) -> StrokeOut:
    """Take the latest stroke back."""
    stroke = desk.project.undo(number, "")
    if stroke is None:
        raise UsageError("There is nothing to undo in this image.")
    return stroke_out(desk, number, stroke)


@router.post("/images/{number}/redo")
def redo(desk: AtDesk, number: Number) -> StrokeOut:
    """Do the stroke again that was taken back last."""
    stroke = desk.project.undo(number, "", redo=True)
    if stroke is None:
        raise UsageError("There is nothing to do again in this image.")
    return stroke_out(desk, number, stroke)


@router.post("/images/{number}/masks")
def masks(desk: AtDesk, number: Number, given: BoxesIn) -> Objects:
    """Colour the objects in rough boxes.

    Args:
        desk: that is served.
        number: of the image.
        given: the boxes.

    Returns:
        An object for each box.
    """
    started = time.monotonic()
    found = desk.masks(number, given.boxes, given.class_name)
    return Objects(objects=[object_of(body) for body in found], seconds=time.monotonic() - started)


@router.post("/images/{number}/click")
def click(desk: AtDesk, number: Number, given: ClickIn) -> Objects:
    """Colour the object at a point.

    Args:
        desk: that is served.
        number: of the image.
        given: the point.

    Returns:
        The object.
    """
    started = time.monotonic()
    found = desk.clicked(number, given.x, given.y, given.class_name)
    return Objects(objects=[object_of(found)], seconds=time.monotonic() - started)


@router.get("/images/{number}/proposals")
def proposals(desk: AtDesk, number: Number, score: Annotated[float, Query(ge=0, le=1)] = 0.3) -> Objects:
    """What the model finds beside the objects that are there already.

    Args:
        desk: that is served.
        number: of the image.
        score: the lowest, 0..1.

    Returns:
        Objects with their scores, best first.
    """
    started = time.monotonic()
    found = desk.proposals(number, score)
    return Objects(objects=[object_of(body) for body in found], seconds=time.monotonic() - started)


@router.get("/disagreements")
def disagreements(desk: AtDesk, after: Annotated[int, Query(ge=0, le=2**31)] = 0) -> DisagreementsOut:
    """Objects that the model misses, and objects that it alone finds, in the images that are labelled.

    Args:
        desk: that is served.
        after: only images behind this one: ``after`` of what was answered before.

    Returns:
        What the model had time to find.
    """
    told = desk.disagreements(after)
    found = [
        DisagreementOut.model_construct(
            image=one.image.id, name=one.image.name, kind=one.kind, id=one.id, object=object_of(one.body)
        )
        for one in told.found
    ]
    return DisagreementsOut.model_construct(found=found, looked=told.looked, after=told.after)


@router.get("/gallery")
def gallery(
    desk: AtDesk,
    class_name: Annotated[str, Query(max_length=200)] = "",
    below: Annotated[float, Query(ge=0, le=1)] = 1.0,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> Gallery:
    """The objects of a class in the images that were opened so far.

    Args:
        desk: that is served.
        class_name: of the class; empty: of all.
        below: only those that a model proposed with this score or a lower one, the lowest first.
        offset: how many are passed over.
        limit: how many are given at the most.

    Returns:
        A part of them, and how many there are in all.
    """
    found = desk.project.gallery(class_name, below)
    shown = [
        GalleryObject.model_construct(image=line.id, name=line.name, object=known_object(own, body))
        for line, own, body in found[offset : offset + limit]
    ]
    return Gallery.model_construct(total=len(found), objects=shown)
