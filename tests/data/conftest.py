"""Small data sets written for a test, and the real ones where they are at hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def shared_data():
    """The folder of real data; the test is skipped without it."""
    if not SHARED.is_dir():
        pytest.skip("the shared data is not here (../shared/data)")
    return SHARED


@pytest.fixture
def save_image():
    """Write a noise image: ``save_image(path, height, width)``."""

    def save(path, height=40, width=60, seed=0):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return save


@pytest.fixture
def write_coco(tmp_path, save_image):
    """Write a COCO json file with two images, ``a.png`` (id 1) and ``b.png`` (id 2), of 40 x 60 pixels beside it.

    ``write_coco(annotations, **lists)`` fills in what an annotation does not say; ``lists`` replace whole lists.
    """

    def write(annotations=(), **lists):
        for name in ("a.png", "b.png"):
            save_image(tmp_path / "images" / name)
        images = [{"id": k, "file_name": f"{name}.png", "height": 40, "width": 60} for k, name in ((1, "a"), (2, "b"))]
        usual = {"image_id": 1, "category_id": 3, "iscrowd": 0}
        content = {
            "images": images,
            "annotations": [{**usual, "id": k, **a} for k, a in enumerate(annotations, start=100)],
            "categories": [{"id": 3, "name": "cat", "supercategory": "animal"}, {"id": 8, "name": "dog"}],
        }
        path = tmp_path / "labels.json"
        path.write_text(json.dumps({**content, **lists}))
        return path

    return write
