"""Our side of a comparison with one of torchvision's models, in double precision; torchvision is not needed here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import variants
from torch import Tensor

from maskrcnn.checkpoints.foreign.name_mapping import fill, rename
from maskrcnn.checkpoints.foreign.torchvision import config_of, kind_of, table_of
from maskrcnn.data.transforms.geometry import resize_map, resize_shape
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.nd import interpolate
from maskrcnn.structures import Instances, batch_images

BOX, SCORE, MASK, POINT = 0.01, 1e-4, 1e-3, 0.01  # pixels, probability, probability, pixels


def our_model(
    name: str,
    shapes: Mapping[str, Sequence[int]],
    seed: int,
    norm_eps: float,
    proposals: int = variants.PROPOSALS,
    detections: int = variants.DETECTIONS,
) -> MaskRCNN:
    """The variant with the seed's weights by the name table, as settings and names are told from the tensors alone."""
    state = {key: torch.from_numpy(value) for key, value in variants.weights(shapes, seed).items()}
    kind = kind_of(state, f"{variants.VARIANTS[name].builder}.pth")
    config = config_of(kind, norm_eps, drop_unused=False)
    config = dataclasses.replace(
        config,
        selection=dataclasses.replace(config.selection, post_nms=proposals),
        detection=dataclasses.replace(config.detection, max_detections=detections),
    )
    model = build_model(config)
    table = table_of(kind, drop_unused=False)
    fill(model, rename(state, table), table, name, kind.name)
    return model.double().eval()


def our_findings(model: MaskRCNN, pictures: Sequence[np.ndarray], size: tuple[int, int]) -> list[Instances]:
    """What it finds in pictures ``[3, height, width]`` (0..1), in one padded batch, in the pictures' coordinates."""
    p = model.config.preprocess
    prepared: list[Tensor] = []
    for picture in pictures:
        image = torch.from_numpy(picture).double() * 255
        mean, std = (image.new_tensor(values)[:, None, None] for values in (p.pixel_mean, p.pixel_std))
        shape = resize_shape(image.shape[1:], *size, round_down=True)
        prepared.append((interpolate(image[None], shape)[0] - mean) / std)
    with torch.inference_mode():
        detections = model(batch_images(prepared))
    for found, picture, image in zip(detections, pictures, prepared):
        back = resize_map(image.shape[1:], picture.shape[1:])
        found.boxes = back.boxes(found.boxes)
        if found.keypoints is not None:
            found.keypoints = torch.cat([back.points(found.keypoints[..., :-1]), found.keypoints[..., -1:]], -1)
    return detections


def differences(found: Instances, theirs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The largest of each kind of number; infinite where the objects, their order or their classes are others.

    Args:
        theirs: boxes, labels and scores, and keypoints and ``mask_probs`` (over the boxes) where there are some.
    """
    assert found.labels is not None and found.scores is not None
    if found.labels.tolist() != theirs["labels"].tolist():
        return {"boxes": float("inf")}
    pairs = {"boxes": (found.boxes, theirs["boxes"]), "scores": (found.scores, theirs["scores"])}
    if "keypoints" in theirs:
        assert found.keypoints is not None
        pairs["keypoints"] = (found.keypoints[..., :2], theirs["keypoints"][..., :2])
    if "mask_probs" in theirs:
        assert found.mask_logits is not None
        pairs["masks"] = (found.mask_logits.sigmoid(), theirs["mask_probs"])
    return {
        what: float(np.abs(ours.numpy() - values).max()) if len(values) else 0.0
        for what, (ours, values) in pairs.items()
    }


TOLERANCES = {"boxes": BOX, "scores": SCORE, "keypoints": POINT, "masks": MASK}
