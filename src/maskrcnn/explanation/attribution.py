"""Which places of an image raise the score of a class in a box: gradients averaged over partly faded images.

The log odds of the object's class are read again at its final box and differentiated back through the box head,
RoIAlign, the pyramid and the body to the image. A score near 1 is flat: one gradient at the image sees little of what
made it. Integrated gradients (Sundararajan et al. 2017) average it on the straight way from a blank image (all mean
colour, which is 0 to the model) to the image. But a network with group norm sees no difference between an image and a
paler copy, so on that way nothing happens. Here each step fades some places more than others, at random, from nearly
blank to nearly whole, which also is closer to the question that counts: what if this part were hidden?

docs/explain.md has the measurements by which this was chosen before maps of the inner layers (Grad-CAM's kin).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.errors import UsageError
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.nd import full, interpolate
from maskrcnn.structures import ImageBatch

STEPS = 8  # faded images; more change the order of places little
PATCH = 1 / 16  # of the box's mean side: places that fade together
SMOOTHING = 0.03  # of the box's mean side: a standard deviation; single samples are noise


class Attribution:
    """How much each place of one image adds to the log odds of a class in a box.

    Leaves the model as it is: no ``.grad``, no mode, no statistics. Works inside ``torch.inference_mode`` too.

    Args:
        model: in evaluation mode.
        images: one image as the model takes it, on the model's device.

    Raises:
        ValueError: a model in training mode, or more than one image.
        UsageError: a model loaded inside ``torch.inference_mode``, which cannot be differentiated.
    """

    def __init__(self, model: MaskRCNN, images: ImageBatch) -> None:
        if model.training or len(images.spatial_shapes) != 1:
            raise ValueError("An attribution is of one image and of a model in evaluation mode.")
        if any(parameter.is_inference() for parameter in model.parameters()):
            raise UsageError("This model was loaded inside torch.inference_mode: load it outside to explain it.")
        self.model, self.spatial_shape = model, images.spatial_shapes[0]
        with torch.inference_mode(False):
            self.tensor = images.tensor.clone()  # what was made in inference mode has no gradients

    @torch.no_grad()
    def log_odds(self, box: Tensor, label: int) -> float:
        """Of class ``label`` against all others in the box ``[2D]`` (of the image as the model takes it)."""
        return float(self._log_odds(self.tensor, box, label))

    def heat(self, box: Tensor, label: int, steps: int = STEPS, smoothing: float = SMOOTHING) -> Tensor:
        """What each sample adds to the log odds of a class in a box.

        The same for the same image: the random fading is always the same.

        Args:
            box: ``[2D]``.
            label: 1..K.
            steps: faded images; memory does not grow with them, time does.
            smoothing: standard deviation in mean sides of the box.

        Returns:
            float32 ``[*S]``; below 0 where a sample speaks against the class.
        """
        with torch.inference_mode(False), torch.enable_grad():
            low, high = box.clone().chunk(2)
            side = float((high - low).clamp(min=1e-3).log().mean().exp())
            total = torch.zeros_like(self.tensor)
            for left in fadings(self.tensor.shape[2:], PATCH * side, steps):
                faded = (self.tensor * left.to(self.tensor)).requires_grad_()
                total += torch.autograd.grad(self._log_odds(faded, box.clone(), label), faded)[0]
            heat = full(total * self.tensor / steps)[0].sum(0)  # over the channels
            return smooth(heat[tuple(slice(extent) for extent in self.spatial_shape)], smoothing * side)

    def _log_odds(self, tensor: Tensor, box: Tensor, label: int) -> Tensor:
        logits, _ = self.model.box_head(self.model.backbone(tensor), [box[None]])
        return class_log_odds(full(logits), torch.tensor([label], device=logits.device))[0]


def class_log_odds(logits: Tensor, labels: Tensor) -> Tensor:
    """Log odds ``[R]`` of the classes ``labels`` (int64 ``[R]``) against all others, from logits ``[R, K + 1]``.

    Unlike the logit alone they fall where another class, or background, rises; unlike the probability they do not go
    flat near 1.
    """
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return own[:, 0] - others.logsumexp(1)


def fadings(spatial_shape: Sequence[int], patch: float, steps: int) -> Iterator[Tensor]:
    """Masks that fade an image at random places, from nearly nothing left to nearly all.

    Smooth noise, uniform at its own points, shifted up step by step. What one step fades more, the
    next fades less, so that few steps are fair to all places.

    Args:
        spatial_shape: of the image, tensor order.
        patch: distance between the noise's own points, in samples.
        steps: how many masks.

    Yields:
        ``[*S]``, 0..1: the part of each sample that is left.
    """
    generator = torch.Generator().manual_seed(0)
    points = [max(2, round(side / max(patch, 1.0)) + 1) for side in spatial_shape]
    noise = torch.zeros(())
    for k in range(steps):
        if k % 2:
            noise = 1 - noise
        else:
            noise = interpolate(torch.rand(1, 1, *points, generator=generator), spatial_shape)[0, 0]
        yield (noise + (k + 0.5) / steps - 0.5).clamp(0, 1)


def smooth(heat: Tensor, sigma: float) -> Tensor:
    """``[*S]`` blurred by a Gaussian of standard deviation ``sigma`` samples along every axis; borders are repeated."""
    reach = round(3 * sigma)
    if reach < 1:
        return heat
    steps = torch.arange(-reach, reach + 1, dtype=heat.dtype, device=heat.device)
    kernel = torch.softmax(-0.5 * (steps / sigma) ** 2, 0)[None, None]
    for axis in range(heat.dim()):
        rows = heat.movedim(axis, -1)
        blurred = F.conv1d(F.pad(rows.reshape(-1, 1, rows.shape[-1]), (reach, reach), mode="replicate"), kernel)
        heat = blurred.reshape(rows.shape).movedim(-1, axis)
    return heat
