"""Waves of the heart's beat measured as that field does: how many are found, and how far off their onsets and ends are.

After Martínez et al. 2004 (IEEE Transactions on Biomedical Engineering 51:570), whose wavelets are what others compare
themselves with on the QT database. What is said here of a wave:

- **Found.** A manual wave is found if a detection of its class lies within 150 ms of it. Where both of its ends are
  labelled, that is the distance of the two centres; where only one is (most T waves have an end and no onset), the
  distance of that end. Nearest pairs come first, and each detection finds one wave. The errors of onset and end take no
  part in this, so no large one is hidden by the window.
- **Sensitivity.** Of all manual waves, the part that is found.
- **Positive predictivity** (``ppv``). Of all detections that count, the part that finds a wave. Cardiologists labelled
  30 to 100 beats of a record, and not always one after the other: detections outside of runs of labelled beats
  (:func:`labelled_runs`), or in a crowd of their class, do not count. Within a run a wave may be there that nobody
  labelled, so this is a lower bound, as that of Martínez is.
- **Error** of an onset or end: detected less manual, in ms. ``mean`` and ``sd`` are those of each recording averaged
  over recordings, as in that paper; ``pooled_mean`` and ``pooled_sd`` are of all errors together.
- **Leads.** The cardiologists looked at both leads, a delineator of one lead does not. So Martínez gives each manual
  mark the lead whose detection is nearest (``better_lead``), onset and end each for themselves; a wave is found if it
  is in any. ``fixed_lead`` is the first lead throughout. What looks at all leads at once has neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.evaluation.unlabelled import inside_extent
from maskrcnn.structures import Instances, Record

WAVES = ("P", "QRS", "T")
SIDES = ("onset", "end")
WINDOW_MS = 150.0
SHOWN = 0.5  # detections that score more are looked at
MISSING_BEAT = 1.5  # of the median distance of beats: from there on one between two was not labelled
NOBODY = -1

Metrics = dict[str, float | None]


@dataclass(frozen=True)
class WaveScore:
    """The waves of one class in one record, M of them labelled.

    Attributes:
        recording: the file that the record is of.
        errors: float64 ``[M, 2]``, ms: detected less manual, of onset and end; NaN where one of the two is missing.
        found: bool ``[M]``.
        false: how many detections that count find nothing.
    """

    recording: str
    errors: np.ndarray
    found: np.ndarray
    false: int


def ecg_measures(
    records: Sequence[Record],
    detections: Sequence[Instances],
    class_names: Sequence[str],
    by_lead: Sequence[Sequence[Instances]] | None = None,
    score: float = SHOWN,
) -> Metrics:
    """``ecg/<wave>/<what>`` for P, QRS and T where the data have them, and the same under ``ecg/fixed_lead/`` and
    ``ecg/better_lead/`` where detections of each lead are given.

    ``<what>`` is ``sensitivity``, ``ppv`` (0..1; not of better leads), ``waves`` (manual ones), and for ``onset`` and
    ``end``: ``onset_mean_ms onset_sd_ms onset_pooled_mean_ms onset_pooled_sd_ms``. None: there is nothing to measure.

    Args:
        records: with ``sampling_rate``.
        detections: of each record, on the CPU, in its coordinates and under its labels.
        class_names: of labels 1..K.
        by_lead: for each record the detections in each of its leads.
        score: detections that score more are looked at.

    Returns:
        Numbers by name; None where there is nothing to measure.
    """
    metrics: Metrics = {}
    for wave in (wave for wave in WAVES if wave in class_names):
        label = list(class_names).index(wave) + 1
        beats = list(class_names).index("QRS") + 1 if "QRS" in class_names else label
        scores = [score_waves(record, found, label, beats, score) for record, found in zip(records, detections)]
        metrics |= _named(f"ecg/{wave}", scores)
        if by_lead is not None:
            leads = [
                [score_waves(record, found, label, beats, score) for found in own]
                for record, own in zip(records, by_lead)
            ]
            metrics |= _named(f"ecg/fixed_lead/{wave}", [own[0] for own in leads if own])
            if any(len(own) > 1 for own in leads):
                better = _named(f"ecg/better_lead/{wave}", [better_lead(own) for own in leads if own])
                metrics |= {name: value for name, value in better.items() if not name.endswith("/ppv")}
    return metrics


def score_waves(record: Record, found: Instances, label: int, beat_label: int, score: float = SHOWN) -> WaveScore:
    """The waves ``label`` of one record against what was found; ``beat_label`` is the class that
    counts beats.

    Args:
        record: with its ``sampling_rate``.
        found: on the CPU, in the record's coordinates and under its labels.
        label: of the wave.
        beat_label: of the class that counts beats: outside stretches where it is labelled, nothing
            is a false detection.
        score: detections that score more are looked at.

    Returns:
        Errors of both sides in ms, which manual waves were found, and how many false ones there
        are.
    """
    assert record.sampling_rate is not None, "waves are measured in ms: the record needs its sampling rate"
    ms = 1000.0 / record.sampling_rate
    unknown = np.zeros((len(record), 2), bool) if record.unknown_sides is None else record.unknown_sides.astype(bool)
    own, crowd = record.labels == label, _crowd(record)
    manual = own & ~crowd & ~unknown.all(axis=1)
    labelled, unknown = record.boxes[manual].astype(np.float64), unknown[manual]
    boxes = _shown(inside_extent(record, found), label, score)
    detection_of = match_waves(boxes, labelled, unknown, WINDOW_MS / ms)
    hit = detection_of != NOBODY
    errors = np.full((len(labelled), 2), np.nan)
    errors[hit] = (boxes[detection_of[hit]] - labelled[hit]) * ms
    errors[unknown] = np.nan
    exhaustive = record.exhaustive is None or label in record.exhaustive
    free = np.delete(boxes, detection_of[hit], axis=0).mean(axis=1)
    false = _in_any(free, labelled_runs(record, beat_label)) & ~_in_any(free, record.boxes[own & crowd])
    return WaveScore(record.source, errors, hit, int(false.sum()) if exhaustive else 0)


def _crowd(record: Record) -> np.ndarray:
    return np.zeros(len(record), bool) if record.crowd is None else record.crowd.astype(bool)


def _in_any(places: np.ndarray, stretches: np.ndarray) -> np.ndarray:
    """Bool ``[N]``: the place ``[N]`` lies in one of the stretches ``[R, 2]``."""
    inside: np.ndarray = np.any((places[:, None] >= stretches[:, 0]) & (places[:, None] <= stretches[:, 1]), axis=1)
    return inside


def _shown(found: Instances, label: int, score: float) -> np.ndarray:
    """Boxes ``[N, 2]``, float64, of one class."""
    if len(found) == 0:
        return np.zeros((0, 2))
    return found.boxes[(found.labels == label) & (found.scores > score)].double().numpy()


def match_waves(found: np.ndarray, labelled: np.ndarray, unknown: np.ndarray, window: float) -> np.ndarray:
    """Which detection finds each labelled wave: nearest pairs first, each but once.

    Args:
        found: float64 ``[N, 2]``, onset and end.
        labelled: float64 ``[M, 2]``.
        unknown: bool ``[M, 2]``: a side that nobody labelled. The place of a wave is the mean of its other sides.
        window: greatest distance of the places of a detection and of the wave that it finds.

    Returns:
        int64 ``[M]``: the detection, or -1.
    """
    pairs = []
    for sides in (np.array(known) for known in ((True, True), (True, False), (False, True))):
        own = np.flatnonzero((unknown == ~sides).all(axis=1))
        place, places = labelled[own][:, sides].mean(axis=1), found[:, sides].mean(axis=1)
        order = np.argsort(places, kind="stable")
        first = np.searchsorted(places[order], place - window, side="left")
        count = np.searchsorted(places[order], place + window, side="right") - first
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        n, m = order[np.repeat(first, count) + within], np.repeat(own, count)
        pairs.append((np.abs(places[n] - np.repeat(place, count)), m, n))
    distance, m, n = (np.concatenate(column) for column in zip(*pairs))
    detection_of, used = np.full(len(labelled), NOBODY), np.zeros(len(found), bool)
    for p in np.lexsort((n, m, distance)):
        if detection_of[m[p]] == NOBODY and not used[n[p]]:
            detection_of[m[p]], used[n[p]] = n[p], True
    return detection_of


def labelled_runs(record: Record, beat_label: int) -> np.ndarray:
    """The stretches of a record in which every beat was labelled, ``[R, 2]``, from the first mark to the last of each.

    A run ends where the next labelled beat is more than 1.5 times as far as usual (the median) in this record: a beat
    between the two was not labelled. Marks belong to the run from whose side of that gap's middle they are.
    """
    objects = ~_crowd(record)
    if not objects.any():
        return np.zeros((0, 2))
    low, high = np.split(record.boxes[objects].astype(np.float64), 2, axis=1)
    centres = ((low + high) / 2)[:, 0]
    beats = np.sort(centres[record.labels[objects] == beat_label])
    gaps = np.diff(beats)
    cut = np.flatnonzero(gaps > MISSING_BEAT * np.median(gaps)) if len(gaps) else np.zeros(0, np.int64)
    run_of = np.searchsorted((beats[cut] + beats[cut + 1]) / 2, centres)
    runs = np.unique(run_of)
    return np.array([[low[run_of == r].min(), high[run_of == r].max()] for r in runs])


def better_lead(leads: Sequence[WaveScore]) -> WaveScore:
    """Each mark with the error of the lead in which it is smallest; what is false in the first lead stays."""
    errors = np.stack([lead.errors for lead in leads])  # [leads, M, 2]
    nearest = np.argmin(np.nan_to_num(np.abs(errors), nan=np.inf), axis=0)
    chosen = np.take_along_axis(errors, nearest[None], axis=0)[0]
    return WaveScore(leads[0].recording, chosen, np.any([lead.found for lead in leads], axis=0), leads[0].false)


def _named(prefix: str, scores: Sequence[WaveScore]) -> Metrics:
    """The summary of one class under names."""
    waves, found = sum(len(s.found) for s in scores), sum(int(s.found.sum()) for s in scores)
    shown = found + sum(s.false for s in scores)
    values: Mapping[str, float | None] = {
        "waves": float(waves),
        "sensitivity": found / waves if waves else None,
        "ppv": found / shown if shown else None,
    }
    for side, name in enumerate(SIDES):
        of_recording: dict[str, list[np.ndarray]] = {}
        for s in scores:
            of_recording.setdefault(s.recording, []).append(s.errors[:, side])
        joined = [np.concatenate(parts) for parts in of_recording.values()]
        own = [errors[~np.isnan(errors)] for errors in joined]
        values = {**values, **_mean_and_sd(name, own)}
    return {f"{prefix}/{name}": value for name, value in values.items()}


def _mean_and_sd(name: str, by_recording: Sequence[np.ndarray]) -> Metrics:
    """Of the errors of each recording, averaged, and of all of them; a sd needs two errors."""
    everything = np.concatenate([np.zeros(0), *by_recording])
    means = [errors.mean() for errors in by_recording if len(errors)]
    spreads = [errors.std(ddof=1) for errors in by_recording if len(errors) > 1]
    return {
        f"{name}_mean_ms": float(np.mean(means)) if means else None,
        f"{name}_sd_ms": float(np.mean(spreads)) if spreads else None,
        f"{name}_pooled_mean_ms": float(everything.mean()) if len(everything) else None,
        f"{name}_pooled_sd_ms": float(everything.std(ddof=1)) if len(everything) > 1 else None,
    }
