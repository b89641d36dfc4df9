"""Photos that show nothing of a class, as a data set to train on beside others.

    python tools/negatives.py ANNOTATIONS.json person --every 3 --out runs/negatives.json

Takes every n-th image of a COCO json by file name, without its annotations: whoever calls it knows that the class is
in none of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import tyro

from maskrcnn.files import atomic_write


def main(
    annotations: tyro.conf.Positional[Path], category: tyro.conf.Positional[str], out: Path, every: int = 1
) -> None:
    """Write the data set."""
    images = sorted(json.loads(annotations.read_text())["images"], key=lambda image: image["file_name"])[::every]
    folder = annotations.resolve().parent
    images = [image | {"file_name": str(folder / image["file_name"])} for image in images]
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": category}]}
    with atomic_write(out) as temporary:
        temporary.write_text(json.dumps(content))
    print(f"{out}: {len(images)} images without a {category}")


if __name__ == "__main__":
    tyro.cli(main)
