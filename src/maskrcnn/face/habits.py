"""What other libraries call what stands here: the sentence of an ``AttributeError`` or of an unknown option."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Options of a call. A word alone is the option that is meant here; more is a sentence.
OPTIONS = {
    "conf": "score",
    "threshold": "score",
    "imgsz": "image_size",
    "max_det": "max_detections",
    "augment": "flip",
    "save": 'write found.save("out.png")',
    "show": "write found.draw().show(); in a notebook found shows itself",
    "stream": "a folder, a pattern or an iterator gives an iterator by itself",
    "verbose": "nothing is printed",
    "device": 'write load("everyday", device="cuda")',
    "half": "the network computes in single precision",
    "iou": "boxes that overlap too much are suppressed as the model's file says",
    "agnostic_nms": "boxes that overlap too much are suppressed as the model's file says",
    "retina_masks": "masks always have the resolution of the picture",
    "persist": "objects of a video are followed by themselves",
    "tracker": "objects of a video are followed by themselves",
    "vid_stride": "write every= of model.track",
}
# Attributes of a model and of what it found.
CALL = 'call the model: model("photo.jpg", score=0.3)'
DEVICE = 'write load("everyday", device="cuda")'
OF_A_MODEL = {
    "predict": CALL,
    "forward": CALL,
    "detect": CALL,
    "names": "it is class_names: label k is class_names[k - 1]",
    "train": 'write maskrcnn.train("DATA", model="everyday")',
    "fit": 'write maskrcnn.train("DATA", model="everyday")',
    "val": 'write maskrcnn.evaluate(model, "DATA")',
    "evaluate": 'write maskrcnn.evaluate(model, "DATA")',
    "benchmark": 'write maskrcnn.evaluate(model, "DATA")',
    "export": "type `maskrcnn export everyday everyday.zip`",
    "to": DEVICE,
    "cuda": DEVICE,
    "cpu": 'write load("everyday", device="cpu")',
    "eval": "it is ready to predict as it is loaded",
    "fuse": "it is ready to predict as it is loaded",
    "info": "print(model) says what it finds, and model.predictor.info has all of it",
    "load": 'write maskrcnn.load("runs/mine/best.safetensors")',
}
BOXES = "boxes are found.boxes, an array [N, 4] of x1, y1, x2, y2"
MASKS = "masks are found.masks, an array [N, H, W], and their outlines stand in found.to_coco()"
SCORES = "scores are found.scores, 0..1"
LABELS = "classes are found.names, and as numbers from 1 on found.labels"
TABLE = "write found.to_dict() or found.to_coco(), or found.save('found.json')"
SHOW = 'write found.draw(), which is a PIL image, or found.save("out.png")'
OF_WHAT_IS_FOUND = {
    "xyxy": BOXES,
    "bboxes": BOXES,
    "pred_boxes": BOXES,
    "xy": MASKS,
    "mask": MASKS,
    "pred_masks": MASKS,
    "conf": SCORES,
    "confidence": SCORES,
    "cls": LABELS,
    "class_id": LABELS,
    "pred_classes": LABELS,
    "plot": SHOW,
    "show": f"{SHOW}; .show() of the image opens a window",
    "render": SHOW,
    "orig_img": "found.draw() is the picture with its objects; found.file.samples is what was looked at",
    "orig_shape": "it is found.shape, height and width",
    "path": "it is found.source",
    "predictions": TABLE,
    "summary": TABLE,
    "to_json": TABLE,
    "tojson": TABLE,
    "to_df": TABLE,
    "pandas": TABLE,
    "to_csv": TABLE,
    "save_txt": "type `maskrcnn predict photo.jpg --to yolo`",
    "save_crop": "type `maskrcnn predict photo.jpg --cutouts`",
    "numpy": "its arrays are numpy's already",
    "cpu": "its arrays are numpy's already",
}


def sentences(others: Mapping[str, str]) -> Callable[[object, str], Any]:
    """A ``__getattr__`` whose error says what stands here in the place of another library's attribute.

    Args:
        others: the sentences by the names of those attributes.

    Returns:
        The method; it always raises AttributeError.
    """

    def missing(self: object, name: str) -> Any:
        hint = f": {others[name]}." if name in others else "."
        raise AttributeError(f"{type(self).__name__} has no {name}{hint}", name=name, obj=self)

    return missing
