"""What goes in and out of the interface, as its documentation has it. Coordinates are pixels, x first."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["todo", "draft", "done"]
Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Box = Annotated[list[Coordinate], Field(min_length=4, max_length=4, description="x1, y1, x2, y2")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
MOST_CHANGES = 20_000


class Strict(BaseModel):
    """Refuses what it does not know."""

    model_config: ClassVar[ConfigDict] = {"extra": "forbid"}


class Mask(Strict):
    """A mask in its own box: runs row after row, the first of pixels that are not covered (it may be 0)."""

    box: Annotated[list[int], Field(min_length=4, max_length=4)]
    runs: list[Annotated[int, Field(ge=0, le=2**32 - 1)]]


class Object(Strict):
    """An object: a mask, or outlines with holes (``parts``), or a box alone."""

    class_: Name = Field(alias="class")
    box: Box = Field(default=[0, 0, 0, 0])
    mask: Mask | None = None
    parts: list[list[list[Coordinate]]] = []
    keypoints: list[Annotated[list[Coordinate], Field(min_length=3, max_length=3)]] = []
    attributes: list[Literal["crowd", "truncated", "difficult"]] = []
    z: Annotated[int, Field(ge=-1_000_000, le=1_000_000, description="the higher, the more it lies above others")] = 0
    source: Literal["human", "file", "model"] = "human"
    score: Annotated[float, Field(ge=0, le=1)] | None = None


class KnownObject(Object):
    """An object with its number, which it keeps."""

    id: int


class Change(Strict):
    """What becomes of an object: without ``id`` a new one; with ``after`` null it is gone."""

    id: int | None = None
    after: Object | None = None


class StrokeIn(Strict):
    """A finished stroke. ``seq`` is the ``seq`` of the image that was seen; ``key`` makes sending it twice harmless."""

    name: Annotated[str, Field(max_length=80)] = "stroke"
    changes: Annotated[list[Change], Field(min_length=1, max_length=MOST_CHANGES)]
    seq: int = 0
    key: Annotated[str, Field(max_length=80)] = ""
    who: Annotated[str, Field(max_length=80)] = ""


class ChangedObject(BaseModel):
    """An object as it is now; null: it is gone."""

    id: int
    after: Object | None


class StrokeOut(BaseModel):
    """What is on the disk now."""

    seq: int
    name: str
    changes: list[ChangedObject]
    undo: int
    redo: int
    status: Status
    objects: int
    class_names: list[str]


class ImageLine(BaseModel):
    """An image in the list."""

    id: int
    name: str
    status: Status
    objects: int


class ImageList(BaseModel):
    """A part of the list, and how many there are in all of each status."""

    total: int
    counts: dict[str, int]
    images: list[ImageLine]
    unread: int = 0


class Tiles(BaseModel):
    """A large image comes in tiles of ``size``; at level k, 2 to the k of its pixels are one along each side."""

    size: int
    levels: int


class Image(BaseModel):
    """An image with its objects; ``depth`` of a grey one of more than 8 bits: its least value, those that are shown as
    black and white, its largest."""

    id: int
    name: str
    status: Status
    width: int
    height: int
    seq: int
    undo: int
    redo: int
    tiles: Tiles | None
    depth: tuple[float, float, float, float] | None
    objects: list[KnownObject]


class Model(BaseModel):
    """The model that helps."""

    name: str
    classes: list[str]
    trained: bool


class SavingOut(BaseModel):
    """How the labels stand to the journal; what is not saved yet is in the journal. ``limits`` says of each thing that
    the format cannot hold what becomes of it."""

    path: str
    format: str
    unsaved: int
    error: str
    notes: list[str]
    limits: dict[str, str]


class ProjectOut(BaseModel):
    """The project that is open."""

    name: str
    folder: str
    version: str
    images: int
    class_names: list[str]
    keypoint_names: list[str]
    skeleton: list[list[int]]
    attributes: list[str]
    model: str
    converted_from: str
    problems: list[str]
    saving: SavingOut


class StatusIn(Strict):
    """How far an image is."""

    status: Status


class ClassesIn(Strict):
    """Classes to add."""

    names: Annotated[list[Name], Field(min_length=1, max_length=1000)]


class KeypointsIn(Strict):
    """The points of an object, and the pairs of them that a limb joins, counted from 0."""

    names: Annotated[list[Name], Field(min_length=1, max_length=1000)]
    skeleton: list[tuple[int, int]] = []


class BoxesIn(Strict):
    """Rough boxes whose objects the model colours."""

    boxes: Annotated[list[Box], Field(min_length=1, max_length=100)]
    class_name: Annotated[str, Field(max_length=200)] = ""


class ClickIn(Strict):
    """A point on the object that the model colours."""

    x: Coordinate
    y: Coordinate
    class_name: Annotated[str, Field(max_length=200)] = ""


class Objects(BaseModel):
    """Objects that a model made. They are nobody's until they are sent back as a stroke."""

    objects: list[Object]
    seconds: float


class TrainIn(Strict):
    """How long to train, and on from where: empty for the model that is used."""

    time: Annotated[str, Field(max_length=20)] = "10m"
    model: Annotated[str, Field(max_length=1000)] = ""
    resume: bool = False


class ModelIn(Strict):
    """The model to use from now on."""

    name: Annotated[str, Field(min_length=1, max_length=1000)]


class TrainingOut(BaseModel):
    """How the training is, with the lines of its log."""

    state: Literal["idle", "running", "stopped", "failed", "finished"]
    out: str
    lines: list[dict[str, Any]]
    said: list[str]
    plan: str
    images: int
    can_resume: bool


class NextOut(BaseModel):
    """The image to label next: the one that the model is least sure of, of those that it has looked at."""

    id: int | None
    doubt: float | None
    looked: int


class GalleryObject(BaseModel):
    """An object of a class, and where it is."""

    image: int
    name: str
    object: KnownObject


class Gallery(BaseModel):
    """Objects of a class."""

    total: int
    objects: list[GalleryObject]


class DisagreementOut(BaseModel):
    """An object of which the model and the labels say different things; ``id`` is null where the model alone has it."""

    image: int
    name: str
    kind: Literal["missed", "false"]
    id: int | None
    object: Object


class DisagreementsOut(BaseModel):
    """What was found so far; ``after`` goes on, and is null at the end."""

    found: list[DisagreementOut]
    looked: int
    after: int | None


class Problem(BaseModel):
    """Why it could not be done, and what to do."""

    detail: str


class Nothing(BaseModel):
    """It is done."""


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "asked for under a foreign host, or no json"},
    401: {"model": Problem, "description": "without the token"},
    403: {"model": Problem, "description": "asked by a foreign page"},
    404: {"model": Problem, "description": "there is no such image"},
    409: {"model": Problem, "description": "it cannot be done now"},
    413: {"model": Problem, "description": "too large"},
    422: {"model": Problem, "description": "it cannot be used as it is"},
    507: {"model": Problem, "description": "the disk is full"},
}
