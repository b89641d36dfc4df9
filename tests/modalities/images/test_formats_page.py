"""The page on formats says what the formats say of themselves."""

from pathlib import Path

from maskrcnn.modalities.images.labels.formats import format_table, label_formats
from maskrcnn.modalities.images.labels.unsupported import unread_table
from maskrcnn.modalities.words import list_what_is_looked_for

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_formats():
    assert format_table(label_formats()) in PAGE
    assert unread_table() in PAGE


def test_every_format_is_recognised_opened_and_described():
    for known in label_formats():
        ways = {"open_folder": known.is_folder, "open_file": known.is_file, "open_content": known.is_content}
        assert any(ways.values())
        for function, is_one in ways.items():
            assert is_one is None or callable(known.load("read", function)), (known.name, function)
        assert not known.json_a_picture or callable(known.load("read", "open_files"))
        assert bool(known.written_as) == known.has("write")
        assert all((known.name, known.short, known.recognised, known.holds, known.guessed, known.refused))
        assert known.brief in list_what_is_looked_for()
