"""What the commands and flags of other programs are called here, as tables."""

from __future__ import annotations

# What others call our flags; the first that the command has is meant. A value may stand behind it.
HABITS: dict[str, tuple[str, ...]] = {
    "batch-size": ("batch",),
    "bs": ("batch",),
    "ims-per-batch": ("batch",),
    "imgsz": ("image-size",),
    "img": ("image-size",),
    "img-size": ("image-size",),
    "size": ("image-size",),
    "conf": ("score",),
    "conf-thres": ("score",),
    "confidence": ("score",),
    "confidence-threshold": ("score",),
    "threshold": ("score",),
    "max-det": ("max-detections",),
    "weights": ("model",),
    "checkpoint": ("model",),
    "config-file": ("model",),
    "project": ("out",),
    "name": ("out",),
    "save-dir": ("out",),
    "output": ("out",),
    "output-dir": ("out",),
    "exist-ok": ("overwrite",),
    "force": ("overwrite",),
    "lr0": ("lr",),
    "learning-rate": ("lr",),
    "num-epochs": ("epochs",),
    "num-workers": ("workers",),
    "augment": ("flip",),
    "fliplr": ("flip",),
    "amp": ("precision bf16",),
    "half": ("precision bf16", "fp16"),
    "cos-lr": ("schedule cosine",),
    "pretrained": ("model",),
    "hsv-h": ("colour",),
    "hsv-s": ("colour",),
    "hsv-v": ("colour",),
    "gpu": ("device",),
    "color": ("colour",),
    "line-thickness": ("line-width",),
    "hide-labels": ("no-labels",),
    "hide-boxes": ("no-boxes",),
    "hide-conf": ("no-labels",),
    "visualize": ("explain",),
    "save-txt": ("to yolo",),
    "save-hybrid": ("to yolo",),
    "save-crop": ("cutouts",),
    "format": ("to",),
    "verbose": ("quiet",),
    "cls": ("classes",),
    "class": ("classes",),
    "validation": ("val",),
    "vid-stride": ("every",),
    "stride": ("every",),
    "frame-rate": ("fps",),
    "start": ("from",),
    "end": ("until",),
    "line": ("count",),
    "lines": ("count",),
    "region": ("zone",),
    "polygon": ("zone",),
    "heatmap": ("heat-map",),
    "anonymise": ("blur",),
    "anonymize": ("blur",),
    "green-screen": ("green",),
    "bvh": ("motion",),
    "openpose": ("motion",),
}
NO_WINDOW = (
    "a window is opened for cameras and streams, all else is files in the folder that --out names: leave it out"
)
PICTURES = "pictures are always written, into the folder that --out names; --json prints what was found as well"
FOLLOWED = "objects of videos are always followed: leave it out"
SUPPRESSION = "boxes of one class that overlap too much are suppressed as the model's file says: leave it out"
ANY_SIZE = "an exported model takes pictures of any size: leave it out"
REPORTED = "tables, pictures and, after a training, a report are always written: leave it out"
# Flags of others that no flag of ours is meant by.
SAID = {
    "show": NO_WINDOW,
    "view-img": NO_WINDOW,
    "save": PICTURES,
    "nosave": PICTURES,
    "save-img": PICTURES,
    "half": "the network computes in single precision: leave it out; maskrcnn export --fp16 writes smaller files",
    "stream": "files and frames are always read one after another: leave it out",
    "stream-buffer": "files and frames are always read one after another: leave it out",
    "save-conf": "scores are always written, into predictions.json and summary.csv: leave it out",
    "save-json": "predictions.json is always written, in COCO's form: leave it out",
    "save-frames": "frames are read and not written: ffmpeg -i clip.mp4 frames/%06d.png writes them",
    "retina-masks": "masks always have the resolution of the picture: leave it out",
    "tracker": FOLLOWED,
    "persist": FOLLOWED,
    "iou": SUPPRESSION,
    "iou-thres": SUPPRESSION,
    "agnostic-nms": SUPPRESSION,
    "nms": SUPPRESSION,
    "format": "there is one form, a zip of graphs: leave it out",
    "opset": "the version is the one that its graphs need: leave it out",
    "dynamic": ANY_SIZE,
    "plots": REPORTED,
    "deterministic": "a training is repeatable by itself; --seed gives another one: leave it out",
    "cache": "pictures are read as they are needed, by as many processes as --workers says: leave it out",
    "save-period": "last.safetensors and best.safetensors are always kept: leave it out",
    "fraction": "all data are trained on, but for what --val-fraction holds out: leave it out",
    "mosaic": "pictures are varied by --crop-size, --scale and --copy-paste, and not joined: leave it out",
    "mixup": "pictures are varied by --crop-size, --scale and --copy-paste, and not mixed: leave it out",
    "task": "what a model finds follows from its labels: leave it out",
    "mode": "the command is the first word, as in maskrcnn predict photo.jpg",
}
FILES = {"source", "input", "inputs", "image", "images", "data", "dataset", "img-path"}  # given without a flag here
TASKS = {"detect", "segment", "pose", "obb", "classify"}  # words before a command
COMMANDS = {"val": "evaluate", "test": "evaluate", "eval": "evaluate", "detect": "predict", "segment": "predict"}
COMMANDS |= {"pose": "predict", "infer": "predict", "inference": "predict", "check": "doctor", "export": "convert"}
COMMANDS |= {"benchmark": "evaluate", "fit": "train", "finetune": "train", "label": "studio", "annotate": "studio"}
# Commands of others that no command of ours is meant by.
SAID_COMMANDS = {
    "tune": "maskrcnn train DATA plans its settings from the data, and writes the reason for each",
    "version": "type maskrcnn --version",
    "help": "type maskrcnn --help",
    "checks": "maskrcnn demo tries everything, and maskrcnn doctor DATA checks labelled data",
    "settings": "nothing is kept between commands: settings are flags, see maskrcnn predict --help",
    "cfg": "settings are flags, and maskrcnn train writes its own into plan.yaml",
    "copy-cfg": "settings are flags, and maskrcnn train writes its own into plan.yaml",
    "solutions": "maskrcnn predict clip.mp4 has --count, --zone, --heat-map and --blur (docs/counting.md)",
}
