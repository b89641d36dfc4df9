from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "src/maskrcnn/examples"
PHOTOS = sorted(EXAMPLES.glob("*/*.jpg"))


def test_there_are_some_and_all_have_a_licence() -> None:
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    assert set(rows) == {photo.relative_to(EXAMPLES).as_posix() for photo in PHOTOS} and len(PHOTOS) >= 3
    assert all(any(words in row for words in ("public domain", "CC0", "BSD-3-Clause")) for row in rows.values())


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.name)
def test_they_are_small(photo: Path) -> None:
    with Image.open(photo) as image:
        assert image.format == "JPEG" and max(image.size) <= 640
    assert photo.stat().st_size < 100_000
