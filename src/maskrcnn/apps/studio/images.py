"""Images: the list, their pixels, and how far each is."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response

from maskrcnn.apps.studio.common import AtDesk, Number, line_of
from maskrcnn.apps.studio.records import Image, ImageLine, ImageList, Status, StatusIn, Tiles
from maskrcnn.jobs.studio import project
from maskrcnn.jobs.studio.pictures import TILE, TILED, Picture, Window
from maskrcnn.jobs.studio.search import images_with

router = APIRouter()
AS_PICTURE: dict[int | str, Any] = {200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}}}
NUMBER = r"-?\d{1,12}(\.\d{1,6})?"
WindowIn = Annotated[str, Query(pattern=f"^({NUMBER},{NUMBER})?$")]
MOST = 100_000
LOOKING = 1.0  # seconds in which labels are looked at for a class


@router.get("/images")
def list_images(
    desk: AtDesk,
    status: Status | None = None,
    search: Annotated[str, Query(max_length=200)] = "",
    class_name: Annotated[str, Query(max_length=200)] = "",
    below: Annotated[float, Query(ge=0, le=1)] = 1.0,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> ImageList:
    """The images.

    Args:
        desk: that is served.
        status: only those of this status.
        search: only those with this in their names.
        class_name: only those with an object of this class, of the images whose labels were read; where there are
            very many, asking again reads on (``unread``).
        below: only those with an object that a model proposed with this score or a lower one.
        offset: how many are passed over.
        limit: how many are given at the most.

    Returns:
        A part of the list, and how many there are in all.
    """
    lines = desk.project.lines()
    counts = dict(Counter(line.status for line in lines))
    is_asked = bool(class_name) or below < 1
    unread = desk.project.look_at_labels(LOOKING) if class_name else 0
    having = images_with(desk.project.journal, class_name, below) if is_asked else set()
    found = [
        line
        for line in lines
        if (status is None or line.status == status)
        and search.lower() in line.name.lower()
        and (not is_asked or line.name in having)
    ]
    shown = [line_of(line) for line in found[offset : offset + limit]]
    return ImageList.model_construct(total=len(found), counts=counts, images=shown, unread=unread)


@router.get("/images/{number}", response_model=Image)
def get_image(desk: AtDesk, number: Number) -> Response:
    """An image with its objects."""
    opened = desk.project.open(number)
    depth = desk.project.pictures.depth(desk.project.image(number).path, opened.shape)
    head = _image_of(opened, depth).model_dump_json(by_alias=True).removesuffix("]}")
    objects = (f'{{"id":{own},{text[1:]}' for own, text in opened.texts)  # as the journal keeps them
    return Response(f"{head}{','.join(objects)}]}}", media_type="application/json")


def _image_of(opened: project.OpenImage, depth: tuple[float, float, float, float] | None) -> Image:
    """An image as it is sent, but for its objects."""
    height, width = opened.shape
    levels, side = 1, max(height, width)
    while side > TILE:
        side, levels = (side + 1) // 2, levels + 1
    return Image.model_construct(
        id=opened.line.id,
        name=opened.line.name,
        status=opened.line.status,
        width=width,
        height=height,
        seq=opened.seq,
        undo=opened.undo,
        redo=opened.redo,
        tiles=Tiles(size=TILE, levels=levels) if max(height, width) > TILED else None,
        depth=depth,
        objects=[],
    )


@router.put("/images/{number}/status")
def set_status(desk: AtDesk, number: Number, given: StatusIn) -> ImageLine:
    """Say how far an image is.

    Args:
        desk: that is served.
        number: of the image.
        given: ``todo``, ``draft`` or ``done``.

    Returns:
        Its line in the list.
    """
    desk.project.set_status(number, given.status, "")
    return line_of(desk.project.line(number))


@router.get("/images/{number}/picture", responses=AS_PICTURE, response_class=Response)
def get_picture(desk: AtDesk, number: Number, window: WindowIn = "") -> Response:
    """The image's pixels, upright as it is labelled.

    Args:
        desk: that is served.
        number: of the image.
        window: low,high: the values that are shown as black and white, of a grey image of more than 8 bits.

    Returns:
        The picture.
    """
    own = desk.project
    return _sent(own.pictures.whole(own.image(number).path, own.shape(number), _window(window)))


@router.get("/images/{number}/small", responses=AS_PICTURE, response_class=Response)
def get_small(
    desk: AtDesk, number: Number, box: Annotated[str, Query(pattern=r"^(\d{1,6},){3}\d{1,6}$")] = ""
) -> Response:
    """A small picture of the image.

    Args:
        desk: that is served.
        number: of the image.
        box: x1,y1,x2,y2 in pixels: only this part.

    Returns:
        The picture.
    """
    own = desk.project
    shape = own.shape(number)
    part = _cut(box, shape) if box else None
    return _sent(own.pictures.small(own.image(number).path, shape, part))


@router.get(
    "/images/{number}/tiles/{level}/{column}/{row}",
    responses=AS_PICTURE,
    response_class=Response,
)
def get_tile(desk: AtDesk, number: Number, level: int, column: int, row: int, window: WindowIn = "") -> Response:
    """A tile of a large image.

    Args:
        desk: that is served.
        number: of the image.
        level: 0 for its own pixels, see ``tiles`` of the image.
        column: from 0.
        row: from 0.
        window: as of the whole picture.

    Returns:
        The picture.
    """
    own = desk.project
    return _sent(own.pictures.tile(own.image(number).path, own.shape(number), (level, column, row), _window(window)))


def _window(text: str) -> Window | None:
    low, _, high = text.partition(",")
    return Window(float(low), float(high)) if text else None


def _cut(box: str, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box, made to lie in the image and to hold a pixel."""
    x1, y1, x2, y2 = map(int, box.split(","))
    x1, y1 = min(x1, shape[1] - 1), min(y1, shape[0] - 1)
    return x1, y1, max(x1 + 1, min(x2, shape[1])), max(y1 + 1, min(y2, shape[0]))


def _sent(picture: Picture) -> Response:
    headers = {"cache-control": "private, max-age=3600"}
    if isinstance(picture.content, bytes):
        return Response(picture.content, media_type=picture.media, headers=headers)
    return FileResponse(picture.content, media_type=picture.media, headers=headers)
