"""What a word on the command line names, found out without loading what reads it."""

from __future__ import annotations

from pathlib import Path, PurePath

from maskrcnn.checkpoints.lookup import OF_ULTRALYTICS
from maskrcnn.data.parsing.input_names import stream_of
from maskrcnn.video.reading.names import is_clip


def names_video(word: str) -> bool:
    """Whether it names a video, a stream or a camera."""
    return not word.startswith("-") and bool(is_clip(word) or stream_of(Path(word)))


def names_foreign_model(word: str) -> bool:
    """Whether it names a model that ultralytics fetches, and that is not read here."""
    return OF_ULTRALYTICS.fullmatch(PurePath(word).name.lower()) is not None
