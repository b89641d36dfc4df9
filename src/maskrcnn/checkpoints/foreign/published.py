"""The detectors that torchvision publishes, and DensePose: their files, and fetching one, checked against the hash in
its name where it has one."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections import ChainMap
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.errors import CheckpointError
from maskrcnn.files import atomic_write, is_file

SERVER = "https://download.pytorch.org/models"
MIRROR = "MASKRCNN_MIRROR"  # environment variable: another place with the same files
PATIENCE = 30  # seconds that a server may say nothing
PIECE = 2**20


@dataclass(frozen=True)
class Published:
    """One of the files. Names of torchvision's end in the first eight digits of their SHA-256; a file with an address
    of its own is not checked."""

    file: str
    what: str  # for a list: what it finds, and how well according to torchvision, on COCO val2017
    megabytes: int
    norm_eps: float = 1e-5  # torchvision's loader sets it to 0 for the first three that it published
    url: str = ""  # of a file that is not on torchvision's server
    licence: str = ""  # a sentence where not everybody may use it for everything

    @property
    def hash(self) -> str:
        return "" if self.url else self.file.rpartition("-")[2].removesuffix(".pth")


# By the names that the command line knows them by. Files, sizes and figures are from torchvision 0.28's sources.
PUBLISHED = {
    "coco": Published(
        "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
        "boxes and masks of COCO's 80 classes, box AP 37.9, mask AP 34.6",
        170,
        0.0,
    ),
    "coco-v2": Published(
        "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", "the same, box AP 47.4, mask AP 41.8, 2.5 times the work", 177
    ),
    "coco-keypoints": Published(
        "keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
        "people and their 17 points, box AP 54.6, keypoint AP 65.0",
        226,
        0.0,
    ),
    "coco-faster": Published("fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", "boxes alone, box AP 37.0", 160, 0.0),
    "coco-faster-v2": Published("fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", "boxes alone, box AP 46.7", 167),
    "coco-mobile": Published("fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth", "boxes alone, box AP 32.8, fast", 74),
    "coco-mobile-320": Published(
        "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth", "boxes alone, box AP 22.8, fastest", 74
    ),
}

DENSEPOSE_LICENCE = (
    "DensePose's published weights are for research only, as are the labels that they learned from and SMPL's body."
)
# For research only. The size is that of a model of this form; the file itself was not seen.
RESEARCH = {
    "densepose": Published(
        "densepose_rcnn_R_50_FPN_s1x.pkl",
        "people, and where on SMPL's body each of their pixels lies; for research only",
        255,
        url="https://dl.fbaipublicfiles.com/densepose/densepose_rcnn_R_50_FPN_s1x/165712039/model_final_162be9.pkl",
        licence=DENSEPOSE_LICENCE,
    ),
}
FETCHED = ChainMap(PUBLISHED, RESEARCH)


def fetch(published: Published, folder: Path) -> Path:
    """The file in ``folder``, fetched if it is not there yet, its hash checked either way.

    Raises:
        CheckpointError: no network, a server that fails or breaks off, or bytes with another hash; an old file stays
            as it was, and half a file is never left.
    """
    path = folder / published.file
    if is_file(path):
        check(path, published)
        return path
    mirror = os.environ.get(MIRROR)
    url = published.url if published.url and not mirror else f"{mirror or SERVER}/{published.file}"
    try:
        with atomic_write(path) as temporary:
            _copy(url, temporary)
            _compare(sha256(temporary), published, url)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise CheckpointError(
            f"{published.file} could not be fetched from {url.rpartition('/')[0]} ({reason}); try again, or fetch it "
            f"elsewhere and put it into {folder}, or name it: --model {published.file}."
        ) from None
    return path


def _copy(url: str, path: Path) -> None:
    """Bytes behind ``url`` into ``path``; an error where fewer come than were announced."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer, path.open("wb") as file:
        announced, count = answer.headers.get("Content-Length"), 0
        while piece := answer.read(PIECE):
            file.write(piece)
            count += len(piece)
    if announced is not None and count != int(announced):
        raise OSError(f"it broke off after {count} of {announced} bytes")


def check(path: Path, published: Published) -> None:
    """Compare a file with the hash in its name. Raises CheckpointError."""
    _compare(sha256(path), published, path)


def _compare(found: str, published: Published, where: object) -> None:
    if not found.startswith(published.hash):
        raise CheckpointError(
            f"{where} is damaged: its SHA-256 begins with {found[:8]}, not with {published.hash} as its name says; "
            "fetch it again."
        )


def sha256(path: Path) -> str:
    """The hash of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def recognise(path: Path) -> Published | None:
    """Which of the published files this is, under whatever name.

    Raises:
        CheckpointError: it has the name of one and is another.
    """
    found = sha256(path)
    for published in PUBLISHED.values():
        if found.startswith(published.hash):
            return published
        if re.fullmatch(re.escape(published.file), path.name):
            _compare(found, published, path)
    return None
