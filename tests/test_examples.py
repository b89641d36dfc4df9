from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "src/maskrcnn/examples"
PHOTOS = sorted(EXAMPLES.glob("*/*.jpg"))
CLIPS = sorted(EXAMPLES.glob("*/*.mp4"))


def test_there_are_some_and_all_have_a_licence() -> None:
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    assert set(rows) == {path.relative_to(EXAMPLES).as_posix() for path in [*PHOTOS, *CLIPS]} and len(PHOTOS) >= 3
    free = ("public domain", "CC0", "BSD-3-Clause", "CC BY 4.0")
    assert all(any(words in row for words in free) for row in rows.values())


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.name)
def test_they_are_small(photo: Path) -> None:
    with Image.open(photo) as image:
        assert image.format == "JPEG" and max(image.size) <= 640
    assert photo.stat().st_size < 100_000


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_clips_are_small_and_last_a_few_seconds(clip: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(clip)) as file:
        assert 2 <= file.duration / av.time_base <= 8 and file.streams.video[0].frames >= 30
    assert clip.stat().st_size <= 500_000
