"""The project as a whole: its classes, how it is saved, and the model that helps."""

from __future__ import annotations

from fastapi import APIRouter

from maskrcnn.apps.studio.common import AtDesk
from maskrcnn.apps.studio.records import (
    ClassesIn,
    KeypointsIn,
    Model,
    ModelIn,
    NextOut,
    ProjectOut,
    SavingOut,
)
from maskrcnn.jobs.studio.desk import Desk
from maskrcnn.jobs.studio.strokes import ATTRIBUTES

router = APIRouter()
MOST_PROBLEMS = 20


@router.get("/project")
def get_project(desk: AtDesk) -> ProjectOut:
    """The project that is open."""
    own, problems = desk.project, desk.project.labels.problems
    more = [f"And {len(problems) - MOST_PROBLEMS} more."] if len(problems) > MOST_PROBLEMS else []
    return ProjectOut(
        name=own.folder.absolute().name,
        folder=str(own.folder.absolute()),
        version=desk.version,
        images=len(own.labels.images),
        class_names=list(own.classes.names),
        keypoint_names=list(own.classes.keypoint_names),
        skeleton=[list(limb) for limb in own.classes.skeleton],
        attributes=list(ATTRIBUTES),
        model=desk.assistant.name,
        converted_from=own.opened.was,
        problems=[*problems[:MOST_PROBLEMS], *more],
        saving=_saving(desk),
    )


@router.post("/classes")
def add_classes(desk: AtDesk, given: ClassesIn) -> ProjectOut:
    """Add classes; those that are there already stay as they are."""
    desk.project.add_classes(given.names)
    return get_project(desk)


@router.put("/keypoints")
def set_keypoints(desk: AtDesk, given: KeypointsIn) -> ProjectOut:
    """Say what the points of an object are."""
    desk.project.set_keypoints(given.names, given.skeleton)
    return get_project(desk)


@router.get("/saving")
def get_saving(desk: AtDesk) -> SavingOut:
    """How the labels stand to the journal."""
    return _saving(desk)


@router.post("/saving")
def save(desk: AtDesk) -> SavingOut:
    """Write the labels now; they are written by themselves when nobody has drawn for two seconds."""
    desk.project.save()
    return _saving(desk)


@router.get("/model")
def get_model(desk: AtDesk) -> Model:
    """The model that helps, loaded now where it was not yet."""
    loaded = desk.assistant.loaded()
    return Model(name=loaded.name, classes=list(loaded.classes), trained=loaded.trained)


@router.put("/model")
def set_model(desk: AtDesk, given: ModelIn) -> Model:
    """Use another model from now on: a shipped one or a file."""
    loaded = desk.use(given.name)
    return Model(name=loaded.name, classes=list(loaded.classes), trained=loaded.trained)


@router.get("/next")
def get_next(desk: AtDesk, after: int = 0) -> NextOut:
    """The image to label next: of those to do, the one that the model is least sure of."""
    found = desk.next_image(after)
    return NextOut(id=found.id, doubt=found.doubt, looked=found.looked)


def _saving(desk: Desk) -> SavingOut:
    own = desk.project.saving()
    return SavingOut(
        path=str(own.path),
        format=own.form,
        unsaved=own.unsaved,
        error=own.error,
        notes=list(own.notes),
        limits=dict(own.limits),
    )
