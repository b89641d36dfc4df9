"""SSDLite MobileNetV2, the COCO detector of `tools/convert_ssdlite.py`, in plain PyTorch, for inference.

It follows TensorFlow's graph to the letter (SAME padding, resize without half pixels, batch norms as constants), so
it tells whether the converted weights are right, and it can label photos as a teacher. Boxes are `(y0, x0, y1, x1)`.

    model = load_ssdlite(Path("weights/ssdlite_mobilenet_v2_coco.safetensors"))
    boxes, scores, labels = model.detect(photo)  # photo: uint8 [H, W, 3], RGB
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

IMAGE_SIZE = 300  # px: every photo is squeezed to this square
NUM_CLASSES = 91  # 0 is background, 1..90 are COCO category ids
NORM_EPS = 1e-5
BOX_SCALES = (10.0, 10.0, 5.0, 5.0)  # the code (ty, tx, th, tw) is divided by these
GRIDS = (19, 10, 5, 3, 2, 1)  # cells a side of the six levels at IMAGE_SIZE
BLOCKS = (  # channels, number of blocks, stride of the first; the expansion is 6, but 1 in the very first block
    (16, 1, 1),
    (24, 2, 2),
    (32, 3, 2),
    (64, 4, 2),
    (96, 3, 1),
    (160, 3, 2),
    (320, 1, 1),
)
TAP = 13  # the first level reads the expansion output of this block
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))  # squeezed and final channels of the extra layers


def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad `x` `[B, C, H, W]` as TensorFlow's SAME: low = total // 2, high = the rest."""
    pads: list[int] = []
    for size in (x.shape[3], x.shape[2]):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


class FrozenNorm(nn.Module):
    """Batch norm over `[B, C, H, W]` whose statistics and affine are constants."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=NORM_EPS)


class ConvNorm(nn.Module):
    """Convolution with SAME padding, norm and (if `relu`) ReLU6: `[B, in, H, W]` to `[B, out, H/stride, W/stride]`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = FrozenNorm(outputs)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(pad_same(x, self.conv.kernel_size[0], self.conv.stride[0])))
        return F.relu6(x) if self.relu else x


class Block(nn.Module):
    """Inverted residual block: expand, depthwise, project; returns its output and its expansion output."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = ConvNorm(inputs, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(hidden, hidden, 3, stride, groups=hidden)
        self.project = ConvNorm(hidden, outputs, 1, relu=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        expanded = self.expand(x)
        y = self.project(self.depthwise(expanded))
        return (x + y if self.residual else y), expanded


class Body(nn.Module):
    """MobileNetV2 without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, stride=2)
        self.blocks = nn.ModuleList()
        channels = 32
        for outputs, count, first_stride in BLOCKS:
            for k in range(count):
                expansion = 6 if self.blocks else 1
                self.blocks.append(Block(channels, outputs, first_stride if k == 0 else 1, expansion))
                channels = outputs
        self.last = ConvNorm(channels, 1280, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """`[B, 3, H, W]` to the first two levels, `[B, 576, H/16, W/16]` and `[B, 1280, H/32, W/32]`."""
        x = self.stem(x)
        for k, block in enumerate(self.blocks):
            x, expanded = block(x)
            if k == TAP:
                tapped = expanded
        return [tapped, self.last(x)]


class Extra(nn.Module):
    """Extra layer, which halves the grid: pointwise, depthwise of stride 2, pointwise."""

    def __init__(self, inputs: int, squeezed: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = ConvNorm(inputs, squeezed, 1)
        self.depthwise = ConvNorm(squeezed, squeezed, 3, stride=2, groups=squeezed)
        self.project = ConvNorm(squeezed, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(self.depthwise(self.squeeze(x)))


class Predictor(nn.Module):
    """Depthwise conv and pointwise conv: `[B, C, H, W]` to `[B, H * W * anchors, width]`."""

    def __init__(self, channels: int, anchors: int, width: int) -> None:
        super().__init__()
        self.depthwise = ConvNorm(channels, channels, 3, groups=channels)
        self.project = nn.Conv2d(channels, anchors * width, 1)
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(self.depthwise(x))
        return x.permute(0, 2, 3, 1).reshape(len(x), -1, self.width)


class Ssd(nn.Module):
    """Extra layers, box and score heads, and anchors `[1917, 4]` of all levels."""

    def __init__(self) -> None:
        super().__init__()
        levels = [96 * 6, 1280, *(outputs for _, outputs in EXTRAS)]
        self.extras = nn.ModuleList(
            Extra(inputs, *channels) for inputs, channels in zip(levels[1:-1], EXTRAS, strict=True)
        )
        self.heads = nn.ModuleList()
        for level, channels in enumerate(levels):
            count = len(anchor_shapes(level))
            heads = {"box": Predictor(channels, count, 4), "score": Predictor(channels, count, NUM_CLASSES)}
            self.heads.append(nn.ModuleDict(heads))
        self.register_buffer("anchors", make_anchors())

    def forward(self, levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The body's two levels to box codes `[B, 1917, 4]` and class logits `[B, 1917, 91]`."""
        for extra in self.extras:
            levels = [*levels, extra(levels[-1])]
        codes = [head["box"](x) for head, x in zip(self.heads, levels, strict=True)]
        logits = [head["score"](x) for head, x in zip(self.heads, levels, strict=True)]
        return torch.cat(codes, 1), torch.cat(logits, 1)


def anchor_shapes(level: int) -> list[tuple[float, float]]:
    """Heights and widths, in units of the image's sides, of the anchors of a cell of `level` (0..5)."""
    scales = [0.2 + 0.15 * k for k in range(6)] + [1.0]
    scale, between = scales[level], math.sqrt(scales[level] * scales[level + 1])
    if level == 0:
        pairs = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
    else:  # TensorFlow's configuration has 0.3333 for 1 / 3
        pairs = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)] + [(between, 1.0)]
    return [(size / math.sqrt(ratio), size * math.sqrt(ratio)) for size, ratio in pairs]


def make_anchors() -> Tensor:
    """Anchors `[1917, 4]` at IMAGE_SIZE, in units of the image's sides, by (level, row, column, shape)."""
    rows = []
    for level, grid in enumerate(GRIDS):
        shapes = torch.tensor(anchor_shapes(level), dtype=torch.float64)
        centre = (torch.arange(grid, dtype=torch.float64) + 0.5) / grid
        centres = torch.stack(torch.meshgrid(centre, centre, indexing="ij"), -1)[:, :, None]
        rows.append(torch.cat([centres - shapes / 2, centres + shapes / 2], -1).flatten(0, 2))
    return torch.cat(rows).float()


def decode_boxes(codes: Tensor, anchors: Tensor) -> Tensor:
    """Box codes `[..., A, 4]` on `anchors` `[A, 4]` to boxes, in the anchors' units."""
    shift, stretch = (codes / codes.new_tensor(BOX_SCALES)).split(2, -1)
    low, high = anchors.split(2, -1)
    size = high - low
    centre, half = (low + high) / 2 + shift * size, size * stretch.exp() / 2
    return torch.cat([centre - half, centre + half], -1)


def resize(photo: Tensor) -> Tensor:
    """Photo `[H, W, 3]` (0..255) to `[3, 300, 300]`: bilinear, source = target * scale, as TensorFlow 1 does it."""
    x = photo.permute(2, 0, 1).float()
    for axis, shape in ((1, (-1, 1)), (2, (-1,))):
        size = x.shape[axis]
        source = torch.arange(IMAGE_SIZE, device=x.device) * (size / IMAGE_SIZE)
        low = source.long()
        before, after = x.index_select(axis, low), x.index_select(axis, (low + 1).clamp(max=size - 1))
        x = before + (after - before) * (source - low).reshape(shape)
    return x


def suppress(boxes: Tensor, labels: Tensor, limit: float) -> Tensor:
    """Indices `[K]` kept of `boxes` `[N, 4]`, best first, when those of one label may overlap to an IoU of `limit`."""
    low, high = boxes.split(2, -1)
    inner = (torch.minimum(high[:, None], high) - torch.maximum(low[:, None], low)).clamp(min=0).prod(-1)
    area = (high - low).clamp(min=0).prod(-1)
    iou = inner / (area[:, None] + area - inner).clamp(min=1e-9)
    clash = ((iou > limit) & (labels[:, None] == labels)).cpu().numpy()
    keep = np.ones(len(clash), dtype=bool)
    for k in range(len(keep)):
        if keep[k]:
            keep[k + 1 :] &= ~clash[k, k + 1 :]
    return torch.from_numpy(keep).nonzero()[:, 0].to(boxes.device)


class SSDLite(nn.Module):
    """The whole detector; its parameters and buffers are the arrays of the converted file."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Body()
        self.ssd = Ssd()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images `[B, 3, 300, 300]` (RGB, 0..255) to boxes `[B, 1917, 4]` (0..1) and scores `[B, 1917, 90]`.

        Score column k is COCO category id k + 1.
        """
        codes, logits = self.ssd(self.body(images / 127.5 - 1))
        return decode_boxes(codes, self.ssd.anchors), logits.sigmoid()[..., 1:]

    @torch.inference_mode()
    def detect(
        self, photo: Tensor, min_score: float = 0.01, max_iou: float = 0.6, most: int = 100, candidates: int = 1000
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Detect in one `photo` (uint8 `[H, W, 3]`, RGB).

        Returns at most `most` boxes `[K, 4]` (px of the photo, inside it), scores `[K]`, best first, and COCO
        category ids `[K]`. The best `candidates` pairs of anchor and class enter the suppression.
        """
        device = self.ssd.anchors.device
        boxes, scores = (x[0] for x in self(resize(photo.to(device))[None]))
        best, order = scores.flatten().topk(candidates)
        order = order[best > min_score]
        anchor, column = order // scores.shape[1], order % scores.shape[1]
        kept = suppress(boxes[anchor], column, max_iou)[:most]
        height, width = photo.shape[:2]
        sides = boxes.new_tensor([height, width, height, width])
        return boxes[anchor[kept]].clamp(0, 1) * sides, best[kept], column[kept] + 1


def load_ssdlite(path: Path) -> SSDLite:
    """The detector with the weights of the safetensors file at `path`, in evaluation mode."""
    model = SSDLite()
    state = load_file(path)
    if not torch.allclose(state["ssd.anchors"], model.ssd.anchors, atol=1e-6):
        raise ValueError(f"{path}: its anchors are not those of the code")
    model.load_state_dict(state)
    return model.eval()
