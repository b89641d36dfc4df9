"""maskrcnn demo"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.apps.cli.console import conclude
from maskrcnn.apps.cli.predict import Predict
from maskrcnn.checks import no_file
from maskrcnn.errors import UsageError
from maskrcnn.jobs.models import EXAMPLES, shipped_models

PICTURES = {  # the model: its example pictures, and the one to open first
    "everyday": (("photos",), "coffee.png"),
    "people": (("photos",), "astronaut.png"),
    "nuclei": (("nuclei",), "cells.png"),
}
CLIP, CLIP_MODEL = "clips/leaving.mp4", "people"


@dataclass(frozen=True)
class Demo:
    """Find everyday things, people with their joints, and nuclei, in the example pictures of the package, and follow a
    person in its clip."""

    out: Path = Path("demo")
    """Folder for the pictures."""

    def run(self) -> int:
        shown = {model: pictures for model, pictures in PICTURES.items() if model in shipped_models()}
        if not shown:
            raise UsageError("No model is shipped with this installation, so there is nothing to show.")
        no_file(self.out)
        code = 0
        for model, (names, _) in shown.items():
            inputs = tuple(EXAMPLES / name for name in names)
            predict = Predict(inputs=inputs, out=self.out / model, overwrite=True, model=model)
            code = max(code, predict.run())
        code = max(code, self.follow())
        first = ", ".join(str(self.out / model / name) for model, (_, name) in shown.items())
        conclude(f"Open {first}; then try a photo of your own: maskrcnn predict PHOTO --out out")
        return code

    def follow(self) -> int:
        """Follow the person in the example clip, with her joints; the exit code."""
        if CLIP_MODEL not in shipped_models():
            return 0
        if not all(importlib.util.find_spec(package) for package in ("av", "scipy")):
            conclude("Videos are followed too, once what reads them is there: pip install 'maskrcnn[video]'")
            return 0
        clip = Predict(inputs=(EXAMPLES / CLIP,), out=self.out / "clip", overwrite=True, model=CLIP_MODEL, every=2)
        return clip.run()
