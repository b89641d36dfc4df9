"""What ``maskrcnn predict`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, between, needed_package, no_file, not_among_inputs, usable_device
from maskrcnn.data.parsing.input_names import STDIN, address_of, stream_of, why_not_named
from maskrcnn.errors import UsageError
from maskrcnn.exchange.viewers import VIEWERS
from maskrcnn.inference.tiling.options import OVERLAP, check_tiles
from maskrcnn.jobs.options.clips import FORMATS, ClipOptions, is_time
from maskrcnn.jobs.options.videos.results import ClipResultOptions
from maskrcnn.modalities.images.labels.formats import written_formats
from maskrcnn.planning.recipe import SMALLEST_IMAGE

OUT = Path("out")
NOT_IN_RESULTS = {
    "inputs",
    "out",
    "skip_done",
    "overwrite",
    "model",
    "max_pixels",
    "batch",
    "no_window",
}  # leave no trace in a byte


@dataclass(frozen=True)
class PredictFilesOptions(ClipResultOptions, ClipOptions):
    """The files to search, the model that searches them, and what is written."""

    inputs: tuple[Path, ...] = ()
    """Files of any kind that is read, or folders of them (with their subfolders)."""
    out: Path = OUT
    """Folder for the results; never read as input. Where none is named and out holds those of other files: out-2."""
    skip_done: bool = False
    """Go on where an earlier run into the same folder was stopped, or with files that have come since; ends as one
    run would."""
    overwrite: bool = False
    """Begin anew in a folder that holds results of other files, or of a run that was stopped; these are removed."""
    model: str | None = None
    """Shipped model, model file (.safetensors, or torchvision's or detectron2's own), or coco, coco-v2, coco-keypoints,
    which torchvision publishes and which are fetched once, or densepose, for research only; `maskrcnn models` lists
    them."""
    score: float = 0.5
    """Objects with a lower score (0..1) are left out."""
    classes: tuple[str, ...] = ()
    """Only these classes of those that the model knows."""
    max_detections: int | None = None
    """Most objects in one image."""
    image_size: int | None = None
    """Longer side in pixels that images are resized to for the model; larger finds smaller objects, slower."""
    tile: str = "auto"
    """Cut images that are longer into overlapping tiles of this many pixels; auto: as the model says; off: never."""
    overlap: float = OVERLAP
    """Part of a tile that neighbours share; objects up to that size are always seen whole."""
    flip: bool = False
    """Look at the mirror image of each image too: better, and takes twice as long."""
    sharp: Literal["auto", "off"] = "auto"
    """Look at each object again from close up for a sharper mask, with models that can; off: never."""
    raw_masks: bool = False
    """Keep the islands of masks; else only the largest connected part of each object in a picture."""
    max_pixels: int | None = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    batch: int = 1
    """Images that run together."""
    label_maps: bool = False
    """Also write 16-bit PNGs: object numbers (NAME.instances.png) and class numbers (NAME.classes.png). Of scans label
    volumes are always written."""
    surface: bool = False
    """Also write where on its surface each pixel of an object lies, with models that can: NAME.iuv.png (part, u and v),
    NAME.surface.png (parts in colours, lines of equal u and v), and both in predictions.json."""
    texture: str = ""
    """With it, lay this picture on the objects in NAME.surface.png: square tiles, one a part, six below each other."""
    cutouts: bool = False
    """Also write each object as a file of its own into cutouts/: a picture's pixels on a transparent
    background, a recording's samples as a clip, a scan's voxels as a small scan. Of videos: each object's best view,
    into NAME.cutouts/."""
    semantic: bool = False
    """Write the class of every pixel instead of objects: NAME.classes.png, colours with a legend, areas by class.
    Models that tell no classes of pixels take those of their masks."""
    probabilities: bool = False
    """With models that tell the class of every pixel also write NAME.probabilities.npz: a byte for every class, 255
    for certain."""
    explain: bool = False
    """Also draw what convinced the model of each object: NAME_evidence.png, some seconds an object."""
    explain_most: int = 4
    """With --explain: objects of an image, the strongest first."""
    to: str = ""
    """Also write what was found as drafts of labels, with the pictures, for a labelling tool to open and correct:
    coco, labelme, yolo, label-studio, cvat or voc, into a folder of that name in OUT. Then train on that folder. Or
    for a program to look at them in: qupath (GeoJSON) or imagej (regions of its ROI Manager), a file a picture. Of
    videos: mot (MOTChallenge's text) or coco-video (COCO json, an image a frame); or a time to end at, as --until."""
    colour: Literal["auto", "class", "object"] = "auto"
    """Colours of a picture: object: neighbours differ; class: one each, with a legend that counts them; auto: class
    where there are several classes and more than 15 objects."""
    no_boxes: bool = False
    """Draw no boxes around objects that have a mask."""
    no_labels: bool = False
    """Write no class and score beside objects."""
    line_width: float | None = None
    """Width of outlines, in pixels of the picture."""
    scale: int | None = None
    """Draw pictures this many times larger than the image."""
    page_seconds: float | None = None
    """Draw recordings that are longer as pages of at most so many seconds, NAME_page_001.png ...: 600 for a long
    ECG."""

    def check(self) -> None:
        """Raise UsageError for options that cannot be followed, or where no input is there at all."""
        at_least("max-pixels", self.max_pixels, 1)
        if not self.inputs:
            raise UsageError("Name an image or a folder first, as in `maskrcnn predict PHOTO --out out`.")
        between("score", self.score, 0, 1)
        at_least("max-detections", self.max_detections, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("batch", self.batch, 1)
        self.check_clips()
        self.check_clip_results()
        if self.to and not is_time(self.to):
            known = (*written_formats(), *VIEWERS, *FORMATS)
            if self.to not in known:
                raise UsageError(f"--to is one of {', '.join(known)}, not {self.to}.")
        if VIEWERS.get(self.to):
            needed_package(VIEWERS[self.to], f"write files for {self.to}", extra=self.to)
        at_least("line-width", self.line_width, 0.5)
        if self.scale is not None:
            between("scale", self.scale, 1, 16)
        at_least("page-seconds", self.page_seconds, 1)
        at_least("explain-most", self.explain_most, 1)
        check_tiles(self.tile, self.overlap)
        if self.model is not None:
            check_model_name(self.model)
        if not self.inputs_there():
            raise UsageError(" ".join(self.inputs_missing()))
        no_file(self.out)
        files = [
            path for path in self.inputs_there() if not (address_of(path) or stream_of(path) or str(path) == STDIN)
        ]
        not_among_inputs(self.out, files)
        if self.texture and not self.surface:
            raise UsageError("--texture is laid on surfaces: add --surface.")
        if self.skip_done and self.overwrite:
            raise UsageError("--skip-done goes on and --overwrite begins anew: give one of them.")
        usable_device(self.device)

    @property
    def end_of_part(self) -> str:
        """The time at which videos are left, as it was given."""
        return self.until or (self.to if is_time(self.to) else "")

    @property
    def to_of_pictures(self) -> str:
        """The format that what was found in pictures is written in too; empty: none."""
        return "" if is_time(self.to) or self.to in FORMATS else self.to

    def settings(self) -> dict[str, Any]:
        """What the bytes of the results depend on beside the model and the inputs, as json holds it."""
        names = [each.name for each in fields(PredictFilesOptions) if each.name not in NOT_IN_RESULTS]
        return {name: list(value) if isinstance(value := getattr(self, name), tuple) else value for name in names}

    def inputs_there(self) -> list[Path]:
        """The inputs that exist, as far as their names tell: addresses are asked later."""
        return [path for path in self.inputs if not why_not_named(path)]

    def inputs_missing(self) -> list[str]:
        """A sentence for each input that does not exist."""
        return [reason for path in self.inputs if (reason := why_not_named(path))]
