"""`people` end to end: `maskrcnn predict` on the photos that the package ships, with overlays and run lengths."""

from __future__ import annotations

import subprocess
import sys
import tempfile

import numpy as np

from cases import Arrays, Case, Work
from maskrcnn.jobs.models import EXAMPLES
from maskrcnn.modalities.images.read.find import find_images

PHOTOS = EXAMPLES / "photos"


def ours() -> Work:
    count = len(list(find_images(PHOTOS)))

    def run() -> Arrays:
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, "-m", "maskrcnn", "predict", str(PHOTOS), "--model", "people", "--out", out]
            subprocess.run(command, check=True, capture_output=True)
        return {"photos": np.array([count])}

    return run


def agree(one: Arrays, _: Arrays) -> str:
    return f"{one['photos'][0]} photos a run, start of the command included; torchvision has no such model"


CASES = {"people": Case("`predict --model people`, files to files", ours, None, agree, 3, in_children=True)}
