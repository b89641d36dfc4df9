"""Training the user's own model, with what it says while it runs."""

from __future__ import annotations

from fastapi import APIRouter

from maskrcnn.apps.studio.common import AtDesk
from maskrcnn.apps.studio.records import TrainIn, TrainingOut
from maskrcnn.jobs.studio.training import TrainingState

router = APIRouter()


@router.get("/training")
def get_training(desk: AtDesk) -> TrainingOut:
    """How the latest training is."""
    return _out(desk.training.state())


@router.post("/training")
def start_training(desk: AtDesk, given: TrainIn) -> TrainingOut:
    """Train on all images that are done, and on drafts with objects; the new model is used from then on."""
    return _out(desk.training.start(given.time, given.model or desk.assistant.name, given.resume))


@router.post("/training/stop")
def stop_training(desk: AtDesk) -> TrainingOut:
    """Stop it; it can go on later."""
    return _out(desk.training.stop())


def _out(own: TrainingState) -> TrainingOut:
    return TrainingOut.model_validate(
        {
            "state": own.state,
            "out": "" if own.out is None else str(own.out),
            "lines": own.lines,
            "said": own.said,
            "plan": own.plan,
            "images": own.images,
            "can_resume": own.can_resume,
        }
    )
