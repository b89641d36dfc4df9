"""The doctor's findings: faults of one kind in one data set, with their places."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from maskrcnn.data.faults import Fault
from maskrcnn.doctor.finding_kinds import FINDING_KINDS, Severity

ORDER: tuple[Severity, ...] = ("error", "warning", "note")
MOST_EXAMPLES = 200  # kept in a finding; the screen shows a few


@dataclass(frozen=True)
class Finding:
    """One kind of fault or remark with all its places in one data set.

    Attributes:
        code: a key of :data:`FINDING_KINDS`.
        data: ``train``, ``val``, or ``both`` for what lies between the two.
        count: places where it was found.
        of: how many were looked at; 0 where that says nothing.
        examples: ``file name: what`` of the first ones.
    """

    code: str
    severity: Severity
    data: str
    count: int
    of: int
    title: str
    why: str
    fix: str
    examples: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "examples": list(self.examples)}


def gather(faults: Iterable[Fault], data: str, totals: dict[str, int]) -> list[Finding]:
    """Gather the faults of one data set into findings, one a kind, in the order of :data:`FINDING_KINDS`.

    Args:
        faults: of single files and labels.
        data: ``train`` or ``val``.
        totals: how many were looked at, by the code of the kind.

    Returns:
        A finding for each kind of which there is a fault.
    """
    by_code: dict[str, list[Fault]] = {}
    for fault in faults:
        by_code.setdefault(fault.code, []).append(fault)
    unknown = by_code.keys() - FINDING_KINDS.keys()
    assert not unknown, unknown
    return [
        finding(code, data, _lines(by_code[code]), totals.get(code, 0)) for code in FINDING_KINDS if code in by_code
    ]


def finding(code: str, data: str, examples: list[str], of: int = 0, count: int | None = None, **said: Any) -> Finding:
    """Make a finding of one kind.

    Args:
        code: one of :data:`FINDING_KINDS`.
        data: ``train``, ``val`` or ``both``.
        examples: names of files, or sentences.
        of: how many were looked at; 0 where that means nothing.
        count: how many are at fault; None: as many as there are examples.
        **said: replaces what the kind says in general: ``why``, ``fix``.

    Returns:
        The finding.
    """
    kind = dataclasses.replace(FINDING_KINDS[code], **said)
    number = len(examples) if count is None else count
    shown = tuple(examples[:MOST_EXAMPLES])
    return Finding(code, kind.severity, data, number, of, kind.title, kind.why, kind.fix, shown)


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Worst first."""
    return sorted(findings, key=lambda found: (ORDER.index(found.severity), found.data == "val"))


def _lines(faults: list[Fault]) -> list[str]:
    return [f"{fault.place}: {fault.detail}" if fault.detail else fault.place for fault in faults]
