"""Make the example pictures of src/maskrcnn/examples from pictures that three packages carry and anyone may pass on.

    python tools/examples.py

Downloads scikit-image, matplotlib and StarDist as wheels into a temporary folder; none is installed. Where each picture
comes from and why it may be passed on is said in src/maskrcnn/examples/README.md.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

PACKAGES = {"scikit_image": "scikit-image==0.26.0", "matplotlib": "matplotlib==3.11.2", "stardist": "stardist==0.9.2"}
PICTURES = {  # our name: package, path inside its wheel
    "photos/astronaut.jpg": ("scikit_image", "skimage/data/astronaut.png"),
    "photos/hopper.jpg": ("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
    "photos/photographer.jpg": ("scikit_image", "skimage/data/camera.png"),
    "photos/cat.jpg": ("scikit_image", "skimage/data/chelsea.png"),
    "photos/coffee.jpg": ("scikit_image", "skimage/data/coffee.png"),
    "nuclei/cells.jpg": ("stardist", "stardist/data/images/img2d.tif"),
    "nuclei/tissue.jpg": ("stardist", "stardist/data/images/histo.jpg"),
}
LONG_SIDE = 640
QUALITY = 87
EXAMPLES = Path(__file__).parents[1] / "src/maskrcnn/examples"


def download_wheels(folder: Path) -> dict[str, zipfile.ZipFile]:
    """The wheels of all packages, by the names they have in ``PICTURES``."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(folder),
    ]
    subprocess.run(pip + list(PACKAGES.values()), check=True)
    return {name: zipfile.ZipFile(next(folder.glob(f"{name}-*.whl"))) for name in PACKAGES}


def main() -> None:
    for name in PICTURES:
        (EXAMPLES / name).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = download_wheels(Path(folder))
        for name, (package, path) in PICTURES.items():
            picture = Image.open(io.BytesIO(wheels[package].read(path)))
            if picture.mode.startswith("I"):  # 16 bits, of which the brightest are few
                low, high = np.percentile(picture, (0.1, 99.9))
                picture = Image.fromarray(
                    (255 * np.clip((np.array(picture) - low) / (high - low), 0, 1)).astype(np.uint8)
                )
            picture = picture if picture.mode == "L" else picture.convert("RGB")
            picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
            # A JPEG's own comment would be copied along; where a picture comes from is in README.md.
            picture.info.clear()
            picture.save(EXAMPLES / name, quality=QUALITY, optimize=True, progressive=True)
            print(f"{name}: {picture.width} x {picture.height}, {(EXAMPLES / name).stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
