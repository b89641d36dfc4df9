"""The measures of tracks as a table."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

RATES, COUNTS = ("HOTA", "DetA", "AssA", "IDF1", "MOTA"), ("switches", "misses", "false_alarms")


def format_tracks(measures: Mapping[str, float], single: Mapping[str, Mapping[str, float]], title: str = "") -> Table:
    """A row for each sequence by its name, and one for all where there are several; see ``TrackCounts.measures``.

    Args:
        measures: of all.
        single: of each.
        title: stands above the names.

    Returns:
        The table.
    """
    table = Table(box=None, header_style="")
    table.add_column(title)
    for name in (*RATES, *COUNTS):
        table.add_column(name.replace("_", " "), justify="right")
    rows = [*single.items(), *([("all", measures)] if len(single) > 1 else [])]
    for name, own in rows:
        table.add_row(name, *(f"{own[rate]:.3f}" for rate in RATES), *(str(own[count]) for count in COUNTS))
    return table
