"""Draws what convinced the model of each object of an image, on one sheet."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from maskrcnn.drawing.heat import Panel, draw_panels, relative, window_around
from maskrcnn.drawing.overlay import to_rgb
from maskrcnn.explanation.evidence import Evidence, Explanation, explain
from maskrcnn.explanation.occlusion import hottest
from maskrcnn.inference.predictor import Predictor
from maskrcnn.structures import Instances

MOST = 4  # objects shown of an image
PART = 0.1  # of the view that is hidden to see what the score is worth without it
MEANING = (
    "Bright places raised the score of the object in the box most, compared with blank ones. Each map is relative to "
    "its own strongest place: maps of two objects do not compare. They show what the model relied on, not why, and "
    "not what the object is."
)
TILED = "The image was searched in tiles; each object is explained in the tile that holds most of it."
NOTHING = "Nothing was found in this image, so there is nothing to explain."


def draw_evidence(predictor: Predictor, image: Tensor, found: Instances, most: int = MOST) -> Image.Image:
    """Draw an image with its strongest objects, numbered as in ``summary.csv``, and the evidence
    for each beside it.

    Args:
        predictor: the one that found the objects.
        image: ``[C, H, W]``, 0..255.
        found: its objects, best first, in pixels of the image.
        most: objects that are shown; each takes about a dozen looks of the model at the image.

    Returns:
        The sheet.
    """
    explanation = explain(predictor, image, found[:most])
    boxes = explanation.found.boxes.cpu().double().numpy()
    count = f"{len(found)} object" + ("" if len(found) == 1 else "s")
    lines = (count + (f", the strongest {len(boxes)} explained" if len(boxes) < len(found) else ""),)
    panels = [Panel(to_rgb(explanation.image), lines, boxes)]
    panels += [_panel(explanation, evidence, i, predictor.class_names) for i, evidence in enumerate(explanation)]
    if not len(found):
        return draw_panels(panels, [NOTHING])
    tiled = predictor.tiling is not None and predictor.tiling.applies_to(image.shape[1:])
    return draw_panels(panels, [MEANING, TILED] if tiled else [MEANING])


def _panel(explanation: Explanation, evidence: Evidence, i: int, class_names: tuple[str, ...]) -> Panel:
    """One object and what is around it."""
    count = round(PART * evidence.heat.numel())
    without = explanation.score_without(i, hottest(evidence.heat, count))
    top, left = (where.start for where in evidence.view)
    heat = relative(evidence.heat.numpy())
    box = evidence.box.double().numpy() - [left, top, left, top]
    x1, y1, x2, y2 = window_around(box.tolist(), (heat.shape[1], heat.shape[0]))
    view = explanation.image[(slice(None), *evidence.view)]
    lines = (
        f"{i + 1}   {class_names[evidence.label - 1]}   score {evidence.score:.2f}",
        f"score {without:.2f} if the brightest tenth of the {_view_name(explanation, evidence)} is hidden",
    )
    return Panel(to_rgb(view[:, y1:y2, x1:x2]), lines, box[None] - [x1, y1, x1, y1], heat[y1:y2, x1:x2])


def _view_name(explanation: Explanation, evidence: Evidence) -> str:
    return "image" if evidence.heat.shape == torch.Size(explanation.spatial_shape) else "tile"
