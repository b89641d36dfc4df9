"""Our side of a comparison with one of detectron2's models, in double precision; detectron2 is not needed here."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import seeded_detectron2 as made
import torch
from PIL import Image
from torch import Tensor

from maskrcnn.checkpoints.foreign.detectron2 import convert_detectron2
from maskrcnn.data.transforms.geometry import resize_map
from maskrcnn.data.transforms.samples import prepare_image
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import Instances, batch_images


def our_model(name: str, seed: int = 0, proposals: int | None = None, detections: int | None = None) -> MaskRCNN:
    """The converted model in double precision, with fewer proposals and detections where that is asked for."""
    model, info, _ = convert_detectron2({"model": made.state_dict(made.MODELS[name], seed)}, f"{name}.pkl")
    config = info.config
    if proposals is not None:
        config = dataclasses.replace(config, selection=dataclasses.replace(config.selection, post_nms=proposals))
    if detections is not None:
        config = dataclasses.replace(config, detection=dataclasses.replace(config.detection, max_detections=detections))
    model.config = config
    return model.double()


def prepared(pixels: np.ndarray, model: MaskRCNN) -> Tensor:
    """A picture ``[height, width, 3]`` as detectron2 resizes it: with Pillow. Our own differs by 1 of 255 in
    a sample in a hundred, by rounding."""
    p = model.config.preprocess
    ours, _ = prepare_image(torch.from_numpy(pixels).permute(2, 0, 1), made.MIN_SIZE, made.MAX_SIZE, (0,), (1,), True)
    size = (ours.shape[2], ours.shape[1])
    resized = torch.from_numpy(np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)))
    image = resized.permute(2, 0, 1).double()
    off = (image - ours).abs()
    assert off.max() <= 1
    assert (off > 0).double().mean() < 0.02
    return (image - image.new_tensor(p.pixel_mean)[:, None, None]) / image.new_tensor(p.pixel_std)[:, None, None]


def our_findings(model: MaskRCNN, pictures: Sequence[np.ndarray]) -> list[Instances]:
    """What the model finds in pictures ``[height, width, 3]``, in one batch, in coordinates of each."""
    images = [prepared(pixels, model) for pixels in pictures]
    with torch.inference_mode():
        found = model(batch_images(images, model.config.preprocess.size_divisor))
    for own, pixels, image in zip(found, pictures, images):
        back = resize_map(image.shape[1:], pixels.shape[:2])
        own.boxes = back.boxes(own.boxes)
        if own.keypoints is not None:
            own.keypoints = torch.cat([back.points(own.keypoints[..., :2]), own.keypoints[..., 2:]], -1)
    return found
