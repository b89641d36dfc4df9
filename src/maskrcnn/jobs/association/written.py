"""Writes what goes with a label: maps in the space of the files, ``regions.csv``, a picture and ``report.html``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskrcnn.association.analysis import Answer, Part
from maskrcnn.association.design import Design, Variable, told
from maskrcnn.association.fields import AlignedFiles, Shown
from maskrcnn.association.measures import MeasureTable
from maskrcnn.association.values import Values
from maskrcnn.checks import counted
from maskrcnn.files import atomic_write
from maskrcnn.inference.results.names import write_table
from maskrcnn.jobs.association.samples import Read
from maskrcnn.report.association import Page, Points, write_page

MOST_LINES = 8  # regions that are named on the screen
BY = {
    "voxels": "the strongest {sample} of {count:,} permutations",
    "clusters": "the largest cluster of {count:,} permutations",
    "tfce": "the strongest enhanced {sample} of {count:,} permutations",
    "fdr": "the rate of false discoveries",
}


@dataclass(frozen=True)
class Setting:
    """What was asked, for sentences and tables.

    Attributes:
        out: the folder.
        by: the column that was asked about.
        adjust: the columns that were taken out.
        design: the linear model.
        correct: what p is corrected by.
        level: p of what counts as found.
        permutations: how many.
        sample: what one of those that were tested is called.
        label: float64 ``[n]``, the label as it is drawn.
        classes: names of its classes, 1 for the second; empty for a number.
        variables: the columns that were used.
    """

    out: Path
    by: str
    adjust: tuple[str, ...]
    design: Design
    correct: str
    level: float
    permutations: int
    sample: str
    label: np.ndarray
    classes: tuple[str, ...]
    variables: Mapping[str, Variable]

    def corrected(self, tested: int) -> str:
        """Over how many, and by what, p is corrected."""
        how = BY[self.correct].format(sample=self.sample, count=self.permutations)
        return f"corrected over {tested:,} {self.sample}{'s' * (tested != 1)} by {how}"

    @property
    def effect_is(self) -> str:
        """What a number of the map of effects is."""
        if not self.design.is_t:
            return f"the share of the variance that {self.by} explains (partial eta squared)"
        if self.classes:
            return f"the mean of {self.classes[1]} less that of {self.classes[0]}"
        return f"the change for 1 more of {self.by}"


@dataclass(frozen=True)
class Told:
    """The result in words.

    Attributes:
        sentence: without the number of files, and without its full stop.
        lines: of the first regions, one each.
        found: how many there are.
        page: the report.
    """

    sentence: str
    lines: tuple[str, ...]
    found: int
    page: Path


def write_maps(files: AlignedFiles, read: Read, values: Values, answer: Answer, setting: Setting) -> Told:
    """Write ``effect``, ``t`` (or ``f``), ``p`` and ``regions`` as maps, ``regions.csv``, ``effect.png`` and the page.

    Args:
        files: of the wing.
        read: what was read.
        values: the residuals ``[n, V]``.
        answer: what goes with the label.
        setting: what was asked.

    Returns:
        The result in words.
    """
    out, symbol = setting.out, setting.design.symbol
    maps = {"effect": answer.effect, symbol.lower(): answer.statistic, "p": answer.p}
    written = [files.write(out / name, samples, read.mean).name for name, samples in maps.items()]
    written.append(files.write(out / "regions", answer.numbers.astype(np.uint16), read.mean).name)
    words, rows, lines = files.WORDS, [], []
    names = [name for name in read.mean.names if name]
    for part in answer.parts:
        place = files.place(read.mean, part.peak[1:])
        row: dict[str, object] = {"region": part.number}
        row |= {"channel": read.mean.names[part.peak[0]]} if len(names) > 1 else {}
        row |= {axis: round(value, 3) for axis, value in zip(words.axes, place)}
        row |= {f"{words.sample}s": part.samples}
        size = part.samples * read.mean.size_of_sample
        row |= {f"{words.size}_{words.size_unit}": f"{size:.7g}"} if read.mean.spacing is not None else {}
        rows.append(row | _numbers(part, setting))
        where = ", ".join(f"{value:.4g}" for value in place)
        lines.append(f"region {part.number}: {_size(files, read, part)} at ({where}), {_strength(part, setting)}")
    columns = ["region", *(["channel"] if len(names) > 1 else []), *words.axes, f"{words.sample}s"]
    columns += [f"{words.size}_{words.size_unit}"] if read.mean.spacing is not None else []
    _write_rows(setting, rows, columns)
    found = len(answer.parts)
    title = f"{counted(found, 'region')} {'goes' if found == 1 else 'go'} with {setting.by}"
    facts = (counted(len(setting.label), "file"), f"p {setting.level:g}", f"{answer.tested:,} {words.sample}s")
    limit = max(float(np.abs(answer.statistic).max()), 1e-6)
    picture = files.draw(read.mean, Shown(answer.statistic, answer.numbers, title, facts, limit, symbol))
    with atomic_write(out / "effect.png") as beside:
        picture.save(beside)
    points = _points_of_part(read, values, answer, setting) if answer.parts else None
    page = replace(_page(setting, answer, "region", rows, points), picture=picture, files=tuple(written))
    return _told(page, out, lines, found)


def write_measures(table: MeasureTable, values: Values, answer: Answer, setting: Setting) -> Told:
    """Write ``regions.csv``, a row for each measure of each object, whether it was found or not, and the page.

    Args:
        table: the measures.
        values: their residuals ``[n, V]``.
        answer: what goes with the label.
        setting: what was asked.

    Returns:
        The result in words.
    """
    order = sorted(range(len(table.names)), key=lambda k: (answer.p[k, 0], -abs(answer.statistic[k, 0])))
    rows, lines = [], []
    for number, k in enumerate(order, 1):
        name, measure, unit = table.names[k]
        statistic, p = float(answer.statistic[k, 0]), float(answer.p[k, 0])
        part = Part(number, 1, (k, 0), statistic, float(answer.share[k]), answer.effects[:, k], p)
        rows.append({"region": name, "measure": measure, "unit": unit} | _numbers(part, setting))
        if answer.numbers[k, 0]:
            lines.append(f"{name}, {measure}: {_strength(part, setting)}")
    _write_rows(setting, rows, ["region", "measure", "unit"])
    name, measure, unit = table.names[order[0]]
    adjusted = values.array[:, order[0]] * answer.lengths[order[0]] + table.values[:, order[0]].mean()
    points = Points(_label_left(setting), adjusted, setting.by, f"{name}, {measure} {unit}".strip(), setting.classes)
    page = _page(setting, answer, "measure", rows, points)
    return _told(page, setting.out, lines, len(answer.parts))


def _numbers(part: Part, setting: Setting) -> dict[str, object]:
    found: dict[str, object] = {}
    if setting.design.is_t:
        r = float(np.sign(part.statistic) * part.share**0.5)
        found |= {"effect": f"{part.effects[0]:.5g}", "t": f"{part.statistic:.4f}", "r": f"{r:.4f}"}
    else:
        found |= {"effect": f"{part.share:.5g}", "F": f"{part.statistic:.4f}"}
        first = setting.classes[0]
        found |= {f"{name} - {first}": f"{own:.5g}" for name, own in zip(setting.classes[1:], part.effects)}
    return found | {"p": f"{part.p:.4g}"}


def _columns(setting: Setting) -> list[str]:
    if setting.design.is_t:
        return ["effect", "t", "r", "p"]
    return ["effect", "F", *(f"{name} - {setting.classes[0]}" for name in setting.classes[1:]), "p"]


def _strength(part: Part, setting: Setting) -> str:
    symbol = setting.design.symbol
    return f"{symbol} {part.statistic:.2f}, p {part.p:.3g}"


def _size(files: AlignedFiles, read: Read, part: Part) -> str:
    words = files.WORDS
    if read.mean.spacing is None:
        return f"{part.samples} {words.sample}{'s' * (part.samples != 1)}"
    size = part.samples * read.mean.size_of_sample
    number = f"{size:,.0f}" if size >= 100 else f"{size:.3g}"
    return f"{number} {words.size_unit.replace('mm3', 'mm³')}"


def _sentence(answer: Answer, setting: Setting, noun: str) -> str:
    corrected = setting.corrected(answer.tested)
    count = len(answer.parts)
    if not count:
        least = float(answer.p.min())
        nothing = f"Nothing found that goes with {setting.by} at p {setting.level:g}"
        return f"{nothing}: the smallest p is {least:.3g}, {corrected}"
    go = "goes" if count == 1 else "go"
    return f"{count} {noun}{'s' * (count != 1)} {go} with {setting.by} at p {setting.level:g}, {corrected}"


def _label_left(setting: Setting) -> np.ndarray:
    """The label as it is drawn: classes as they are, a number without what the confounders say of it."""
    if setting.classes:
        return setting.label
    nuisance = setting.design.nuisance
    left: np.ndarray = setting.label - nuisance @ (nuisance.T @ setting.label) + setting.label.mean()
    return left


def _points_of_part(read: Read, values: Values, answer: Answer, setting: Setting) -> Points:
    """The mean of the first region in each file, confounders taken out."""
    first = answer.numbers == 1
    inside = np.flatnonzero(first[read.maps.mask])
    means = (values.array[:, inside] * answer.lengths[inside]).mean(axis=1) + read.mean.samples[first].mean()
    return Points(_label_left(setting), means, setting.by, "mean of region 1", setting.classes)


def _page(
    setting: Setting, answer: Answer, noun: str, rows: Sequence[Mapping[str, object]], points: Points | None
) -> Page:
    return Page(
        setting.by,
        f"{_sentence(answer, setting, noun)}.",
        tuple(told(setting.variables)),
        setting.adjust,
        setting.effect_is,
        tuple(rows),
        points,
    )


def _told(page: Page, out: Path, lines: Sequence[str], found: int) -> Told:
    """Write the page, and say what is on it."""
    path = out / "report.html"
    write_page(path, page)
    more = len(lines) - MOST_LINES
    shown = (*lines[:MOST_LINES], *([f"and {more} more in regions.csv"] if more > 0 else []))
    return Told(page.sentence.rstrip("."), tuple(shown), found, path)


def _write_rows(setting: Setting, rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    every = [*columns, *_columns(setting)]
    write_table(setting.out / "regions.csv", every, [[row[name] for name in every] for row in rows])
