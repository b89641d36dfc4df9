"""The command line: a table of names and functions; the flags come from their dataclasses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.progress import Progress
from tyro.conf import arg

from maskrcnn.errors import MaskRCNNError, UsageError
from maskrcnn.workflows.checks import (
    at_least,
    between,
    counted,
    memory_explained,
    not_among_inputs,
    result_folder,
    usable_device,
)

console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

SMALLEST_IMAGE = 32  # pixels: below, the coarsest level of a pyramid has nothing to see

Data = Annotated[Path, tyro.conf.Positional, arg(metavar="DATA")]
ModelsOwn = Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: the model's own)")]


@dataclass(frozen=True)
class Train:
    """Train on your own data, by default from the shipped model's weights."""

    data: Data
    """COCO json file, folder with _annotations.coco.json, or folder with images/ and labels/ (label maps)."""
    out: Path
    """Folder for checkpoints, log and curves."""
    val: Annotated[Path | None, arg(metavar="DATA", help_behavior_hint="(default: none)")] = None
    """Data to validate on: the best checkpoint is the one that does best here; without them, the latest."""
    model: str = "people"
    """Shipped model or file to start from, or an architecture with random weights: mobilenet_v2_fpn, resnet50_fpn."""
    body_weights: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: none)")] = None
    """Safetensors file to start the backbone's body from."""
    epochs: int = 20
    """Times that each image is seen."""
    lr: float = 6e-4
    """Learning rate (AdamW) of the heads; the body learns at a fifth of it."""
    batch: int = 8
    """Images in a step."""
    image_size: ModelsOwn = None
    """Longer side in pixels that images are resized to."""
    validate_every: int = 1
    """Epochs between validations."""
    seed: int = 0
    """Everything random follows from it."""
    workers: int = 1
    """Processes that load images ahead."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    resume: bool = False
    """Go on from OUT/last.safetensors exactly where it was broken off, with the flags of its beginning."""

    def run(self) -> int:
        from maskrcnn.data.dataset import open_dataset
        from maskrcnn.training.fit import FitConfig
        from maskrcnn.workflows.train import train

        at_least("epochs", self.epochs, 1)
        between("lr", self.lr, 1e-9, 10)
        at_least("batch", self.batch, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("validate-every", self.validate_every, 1)
        at_least("seed", self.seed, 0)
        at_least("workers", self.workers, 0)
        usable_device(self.device)
        data = open_dataset(self.data)
        val = open_dataset(self.val) if self.val else None
        tell_problems(data.problems + (val.problems if val else []))
        config = FitConfig(
            self.epochs, self.batch, self.lr, seed=self.seed, workers=self.workers, validate_every=self.validate_every
        )
        result_folder(self.out)
        best = train(
            data, val, self.out, self.model, self.body_weights, self.image_size, config, self.resume, self.device, say
        )
        say(f"The best model is {best}; try it: maskrcnn predict PHOTO --model {best}")
        return 0


@dataclass(frozen=True)
class Predict:
    """Find, name and outline the objects in images; writes pictures, predictions.json and summary.csv."""

    inputs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, arg(metavar="PHOTO|FOLDER [...]", help_behavior_hint="(required)")
    ] = ()
    """Images, or folders of images (with their subfolders; what is no image is skipped)."""
    out: Path = Path("out")
    """Folder for the results; never read as input."""
    model: str = "people"
    """Shipped model or model file; `maskrcnn models` lists what is shipped."""
    score: float = 0.5
    """Objects with a lower score (0..1) are left out."""
    classes: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: all)")] = ()
    """Only these classes of those that the model knows."""
    max_detections: ModelsOwn = None
    """Most objects in one image."""
    image_size: ModelsOwn = None
    """Longer side in pixels that images are resized to for the model; larger finds smaller objects, slower."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    batch: int = 1
    """Images that run together."""
    label_maps: bool = False
    """Also write 16-bit PNGs: object numbers (NAME.instances.png) and class numbers (NAME.classes.png)."""

    def run(self) -> int:
        from maskrcnn.data.images import find_images
        from maskrcnn.workflows.models import load_predictor
        from maskrcnn.workflows.predict import predict_files

        if not self.inputs:
            raise UsageError("Name an image or a folder first, as in `maskrcnn predict PHOTO --out out`.")
        between("score", self.score, 0, 1)
        at_least("max-detections", self.max_detections, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("batch", self.batch, 1)
        usable_device(self.device)
        inputs = [path for path in self.inputs if path.exists()]
        failures = [f"{path} does not exist." for path in self.inputs if not path.exists()]
        not_among_inputs(self.out, inputs)
        paths = find_images(inputs, exclude=self.out)
        if not paths:
            raise UsageError(" ".join(failures) or f"There are no images in {', '.join(map(str, self.inputs))}.")
        predictor = load_predictor(self.model, self.device)
        predictor.adjust(self.score, image_size=self.image_size)
        outcome = predict_files(
            predictor,
            paths,
            self.out,
            self.classes,
            self.max_detections,
            self.batch,
            self.label_maps,
            lambda path, found: print(f"{path}: {counted(found, 'object')}", flush=True),
        )
        print(
            f"{counted(sum(outcome.counts.values()), 'object')} in {counted(len(outcome.counts), 'image')}; pictures, "
            f"predictions.json and summary.csv are in {self.out}"
        )
        return tell_failures(failures + outcome.failures)


@dataclass(frozen=True)
class Evaluate:
    """Measure a model on labelled data: COCO's average precision with 95 % intervals."""

    data: Data
    """COCO json file, folder with _annotations.coco.json, or folder with images/ and labels/ (label maps)."""
    out: Path
    """Folder for metrics.json."""
    model: str = "people"
    """Shipped model or model file."""
    max_detections: ModelsOwn = None
    """Most detections counted in one image; published tables of COCO count 100."""
    image_size: ModelsOwn = None
    """Longer side in pixels that images are resized to for the model."""
    bootstrap: int = 1000
    """Resamplings of the images for the intervals; 0 for none."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    batch: int = 4
    """Images that run together."""

    def run(self) -> int:
        from maskrcnn.data.dataset import open_dataset
        from maskrcnn.workflows.evaluate import evaluate_to
        from maskrcnn.workflows.models import load_predictor

        at_least("max-detections", self.max_detections, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("bootstrap", self.bootstrap, 0)
        at_least("batch", self.batch, 1)
        usable_device(self.device)
        data = open_dataset(self.data)
        tell_problems(data.problems)
        predictor = load_predictor(self.model, self.device)
        predictor.adjust(image_size=self.image_size)
        result_folder(self.out)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("evaluating", total=len(data))
            _, failures = evaluate_to(
                predictor,
                data,
                self.out,
                self.model,
                self.max_detections,
                self.bootstrap,
                self.batch,
                lambda done: progress.update(task, completed=done),
            )
        print(f"The same with more digits: {self.out / 'metrics.json'}")
        return tell_failures(failures)


@dataclass(frozen=True)
class Demo:
    """Find people in the example photos that come with the package."""

    out: Path = Path("demo")
    """Folder for the pictures."""
    model: str = "people"
    """Shipped model or model file."""

    def run(self) -> int:
        from maskrcnn.workflows.models import EXAMPLES

        code = Predict((EXAMPLES,), self.out, self.model).run()
        print(f"Open {self.out / 'astronaut.png'}; then try a photo of your own: maskrcnn predict PHOTO --out out")
        return code


@dataclass(frozen=True)
class Models:
    """List the models that the package ships, or print the card of one."""

    name: Annotated[
        str | None, tyro.conf.Positional, arg(metavar="[NAME]", help_behavior_hint="(default: list them)")
    ] = None
    """Print the card of this model: what it was trained on, how good it is, and its licence."""

    def run(self) -> int:
        from maskrcnn.workflows.models import describe_models, model_card

        print(describe_models() if self.name is None else model_card(self.name))
        return 0


def say(sentence: str) -> None:
    """Tell the user something, apart from the results on standard output."""
    console.print(sentence)


def tell_problems(problems: list[str], at_most: int = 10) -> None:
    """Name what was wrong with a data set, without filling the screen."""
    for problem in problems[:at_most]:
        say(f"note: {problem}")
    if len(problems) > at_most:
        say(f"note: and {len(problems) - at_most} more faults.")


def tell_failures(failures: list[str]) -> int:
    """Name the inputs that failed; the exit code that follows."""
    for failure in failures:
        say(f"failed: {failure}")
    return 1 if failures else 0


COMMANDS: dict[str, Callable[..., Any]] = {
    "predict": Predict,
    "evaluate": Evaluate,
    "train": Train,
    "demo": Demo,
    "models": Models,
}
DESCRIPTION = "Find every object in pictures, name it and outline it to the pixel."


def main() -> None:
    """Run a command; exit code 0 done, 1 done but for some inputs, 2 could not be done, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what this terminal cannot show
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        command = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="maskrcnn",
            description=DESCRIPTION,
            use_underscores=False,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        with memory_explained():
            sys.exit(command.run())
    except MaskRCNNError as error:
        say(f"maskrcnn: {error}")
        sys.exit(2)
    except BrokenPipeError:  # whoever read our output has stopped listening
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        say(f"maskrcnn: {error.filename or 'a file'}: {error.strerror or error}.")
        sys.exit(2)
    except KeyboardInterrupt:
        say("maskrcnn: stopped.")
        sys.exit(130)
