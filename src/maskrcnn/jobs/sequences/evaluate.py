"""Measures how well objects are followed in labelled sequences."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.checks import result_folder
from maskrcnn.errors import DataError, UsageError
from maskrcnn.evaluation.tracks.frames import Clip, box_frame
from maskrcnn.evaluation.tracks.measures import TrackCounts, count_tracks
from maskrcnn.evaluation.tracks.table import format_tracks
from maskrcnn.files import atomic_write, is_file, is_folder, why_missing
from maskrcnn.jobs.events import Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.options.evaluate import EvaluateOptions
from maskrcnn.tracking.numbers import follow_all
from maskrcnn.tracking.options import TrackOptions
from maskrcnn.tracking.tracker import Detections
from maskrcnn.video.layout import SequenceFolder
from maskrcnn.video.motchallenge import Rows, judged, read_rows, usable_scores

METRICS = "metrics.json"


@dataclass(frozen=True)
class SequencesOutcome:
    """How well objects are followed.

    Attributes:
        measures: of all sequences as one, see :meth:`TrackCounts.measures`.
        by_sequence: the same of each.
        table: both to print, a table of rich.
        failures: a sentence for each sequence that could not be judged.
        metrics: the file with all digits.
    """

    measures: dict[str, float]
    by_sequence: dict[str, dict[str, float]]
    table: Any
    failures: list[str] = field(default_factory=list)
    metrics: Path | None = None


def evaluate_sequences(options: EvaluateOptions, tell: Tell = tell_nobody) -> SequencesOutcome:
    """Judge tracks of MOTChallenge's folders by their boxes, and write ``metrics.json``.

    Args:
        options: the folder, and perhaps tracks; without these the detections of each sequence are followed with the
            settings by default.
        tell: is given :class:`Progress`, and a :class:`Note` for sequences that nobody has labelled.

    Returns:
        The measures.

    Raises:
        UsageError: a model was named, or the folder cannot be written to.
        DataError: no sequence can be judged.
    """
    options.check()
    if options.model is not None:
        raise UsageError(
            f"{options.data} holds MOTChallenge's sequences, whose own detections are followed: leave --model out."
        )
    result_folder(options.out)
    counts: dict[str, TrackCounts] = {}
    failures: list[str] = []
    sequences = options.sequences()
    for done, sequence in enumerate(sequences):
        tell(Progress("following", done, len(sequences)))
        if sequence.truth is None:
            tell(Note(f"note: {sequence.name} has no gt.txt and was left out."))
            continue
        try:
            counts[sequence.name] = count_tracks(_clip(judged(read_rows(sequence.truth)), _found(sequence, options)))
        except DataError as error:
            failures.append(str(error))
    tell(Progress("following", len(sequences), len(sequences)))
    if not counts:
        raise DataError(failures[0] if failures else f"{options.data} has no gt.txt, so nothing can be judged.")
    measures = sum(counts.values(), TrackCounts()).measures()
    single = {name: each.measures() for name, each in counts.items()}
    content = {**measures, "sequences": single, "data": str(options.data), "tracks": str(options.tracks or "")}
    with atomic_write(options.out / METRICS) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return SequencesOutcome(measures, single, format_tracks(measures, single), failures, options.out / METRICS)


def _found(sequence: SequenceFolder, options: EvaluateOptions) -> Rows:
    """The tracks of a sequence: those that are given, or its detections, followed."""
    if options.tracks is not None:
        path = options.tracks / f"{sequence.name}.txt" if is_folder(options.tracks) else options.tracks
        if not is_file(path):
            raise DataError(why_missing(path))
        rows = read_rows(path)
        return rows[rows.ids >= 0]
    if sequence.detections is None:
        raise DataError(f"{sequence.name} has no det.txt to follow: name a file of tracks with --tracks.")
    rows = read_rows(sequence.detections)
    usable, _ = usable_scores(sequence.detections, rows.scores)
    frames = np.unique(rows.frames)
    places = [np.flatnonzero(rows.frames == frame) for frame in frames]
    ones = np.ones(len(rows), np.int64)
    seen = [(int(frame), Detections(rows.boxes[own], usable[own], ones[own])) for frame, own in zip(frames, places)]
    ids = np.zeros(len(rows), np.int64)
    for own, numbers in zip(places, follow_all(seen, TrackOptions())):
        ids[own] = numbers
    return Rows(rows.frames, ids, rows.boxes, rows.scores, rows.classes, rows.cells)[ids > 0]


def _clip(truth: Rows, found: Rows) -> Clip:
    """Both, frame by frame. Raises DataError where a frame has a number twice."""
    frames = []
    for frame in np.union1d(truth.frames, found.frames):
        a, b = truth[truth.frames == frame], found[found.frames == frame]
        for rows, what in ((a, "The ground truth"), (b, "The file of tracks")):
            if len(np.unique(rows.ids)) < len(rows):
                raise DataError(f"{what} has a number twice in frame {frame}: each object has one of its own.")
        frames.append(box_frame(a.ids, a.boxes, b.ids, b.boxes))
    return Clip.of(frames)
