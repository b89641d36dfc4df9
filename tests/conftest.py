"""The command line at hand in any test: run in this process, which is fast, on a tiny model of random weights."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskrcnn.apps import cli
from tiny import save_tiny_model


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: its exit code and what it printed."""

    code: int
    out: str
    err: str


SHARED = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory) -> Path:
    """A model file of two classes, ``disc`` and ``brick``."""
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture
def maskrcnn(monkeypatch, capsys):
    """``maskrcnn("predict", "photo.jpg") -> Outcome``; an exception that a user would see as a traceback fails."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["maskrcnn", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Outcome(exited.value.code, printed.out, printed.err)

    return run


@pytest.fixture
def refused(maskrcnn):
    """Run a command that cannot start: exit code 2, nothing on standard output, one sentence, which is returned."""

    def run(*arguments):
        outcome = maskrcnn(*arguments)
        lines = outcome.err.strip().splitlines()
        assert (outcome.code, outcome.out, len(lines)) == (2, "", 1), outcome
        assert lines[0].startswith("maskrcnn: ") and lines[0].endswith((".", "?"))
        return lines[0]

    return run


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
