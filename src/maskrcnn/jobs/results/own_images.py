"""training-images.jpg: what a model finds in its own training images, where there are none or few to judge it on."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from maskrcnn.data.class_maps.tasks import SEMANTIC
from maskrcnn.data.dataset import Dataset
from maskrcnn.drawing.class_map import draw_class_map
from maskrcnn.drawing.overlay import draw
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write
from maskrcnn.inference.class_maps import class_map_of, with_parts
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.events import Note, Tell
from maskrcnn.jobs.results.training_files import QUALITY, SHOWN, sheet_of
from maskrcnn.modalities.table import kinds
from maskrcnn.structures import Record

OWN_IMAGES = "training-images.jpg"
FEW = 8  # training images, at most: what is held out of so few says little


def write_own_images(best: Path, data: Dataset, out: Path, device: str, tell: Tell) -> bool:
    """Draw what a trained model finds in the first of its own training images, and say that they are its own.

    The training is done by now and is not lost if this fails.

    Args:
        best: its best checkpoint.
        data: that it learned from.
        out: the folder of the training.
        device: ``cpu``, ``cuda`` or ``mps``.
        tell: is given a :class:`Note` about the picture.

    Returns:
        Whether there is such a picture: not of recordings or scans, nor where no image can be read.
    """
    if not kinds()[data.kind].is_picture:
        return False
    try:
        predictor = Predictor.load(best, device)
        tiles = [tile for k in range(min(len(data), SHOWN)) if (tile := _look(predictor, data, k)) is not None]
        if not tiles:
            return False
        words = (
            f"What {best.name} finds in its own training images. It learned from their labels: how well it does in "
            "others, only others can show."
        )
        with atomic_write(out / OWN_IMAGES) as beside:
            sheet_of(tiles, words).save(beside, quality=QUALITY)
    except Exception as error:
        tell(Note(f"note: {out / OWN_IMAGES} could not be made: {error}"))
        return False
    tell(Note(f"What it finds in its own training images, which is no measure of others: {out / OWN_IMAGES}"))
    return True


def _look(predictor: Predictor, data: Dataset, index: int) -> Image.Image | None:
    try:
        record: Record = data[index]
        image = data.read_image(record)
    except DataError:  # the training has named it
        return None
    found = predictor(image)
    if data.task == SEMANTIC:
        return draw_class_map(image, class_map_of(found, image.shape[1:]), predictor.class_names)
    found = with_parts(found, predictor.info, image.shape[1:])
    return draw(image, found, predictor.class_names, skeleton=data.skeleton, keypoint_names=data.keypoint_names)
