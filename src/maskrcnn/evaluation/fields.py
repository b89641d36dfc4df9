"""What a field measures beside average precision: numbers by name, and a table of them to print."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.table import Table

UNKNOWN = "–"


@dataclass(frozen=True)
class FieldResult:
    """Numbers for ``metrics.json`` by name, None where there is nothing to measure; and a table to print, or None."""

    metrics: dict[str, float | None] = field(default_factory=dict)
    table: Table | None = None
