"""The page on formats says what the formats say of themselves."""

from pathlib import Path

from maskrcnn.modalities.images.labels.formats import format_table
from maskrcnn.modalities.images.labels.unsupported import unread_table
from maskrcnn.modalities.open import FORMATS, LOOKED_FOR

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_formats():
    assert format_table(FORMATS) in PAGE
    assert unread_table() in PAGE


def test_every_format_is_recognised_opened_and_described():
    for known in FORMATS:
        assert (known.is_folder is None) == (known.open_folder is None)
        assert (known.is_content is None) == (known.open_content is None)
        assert known.is_folder is not None or known.is_content is not None
        assert all((known.name, known.recognised, known.holds, known.guessed, known.refused))
        assert known.brief in LOOKED_FOR
