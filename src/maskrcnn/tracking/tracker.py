"""Follows objects from frame to frame: it gives each detection a number, and never another one afterwards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from maskrcnn.masks.shared_runs import Spans, all_spans
from maskrcnn.regions import Regions
from maskrcnn.structures import APPEARANCE, Instances
from maskrcnn.tracking.appearance import Looks
from maskrcnn.tracking.association import best_pairs, buffered_iou, doubles, mask_ious, mixed
from maskrcnn.tracking.motion import Motion
from maskrcnn.tracking.options import TrackOptions


@dataclass(frozen=True)
class Detections:
    """What was found in one frame.

    Attributes:
        boxes: ``[N, 2D]``, x first.
        scores: ``[N]``, 0..1.
        labels: int64 ``[N]``.
        regions: masks of the N objects; None where there are boxes only.
        appearance: ``[N, E]``, what each looks like, see :class:`Looks`; None where nobody says.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    regions: Regions | None = None
    appearance: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    @staticmethod
    def of(found: Instances) -> Detections:
        """What a model found in a frame."""
        boxes, scores, labels = (t.detach().cpu().numpy() for t in (found.boxes, found.scores, found.labels))
        looks = found.outputs.get(APPEARANCE)
        return Detections(boxes, scores, labels, found.regions, None if looks is None else looks.cpu().numpy())


@dataclass(frozen=True)
class Followed:
    """The numbers of N detections of a frame, in their order.

    Attributes:
        ids: int64 ``[N]``, from 1. A number is final, and no two detections of a frame share one.
        confirmed: bool ``[N]``: whether the object has been seen surely often enough to count, as far as is known by
            now. :attr:`Tracker.confirmed` knows more later.
    """

    ids: np.ndarray
    confirmed: np.ndarray


@dataclass
class Track:
    """What is remembered of an object.

    Attributes:
        id: its number.
        sure: how often it was seen with a sure score.
        last: the frame in which it was last seen.
        votes: the sum of scores of each label.
        mask: as it was last seen.
        centre: float64 ``[D]``, x first: of the box that it was expected at when its mask was seen.
    """

    id: int
    sure: int = 0
    last: int = 0
    votes: Counter[int] = field(default_factory=Counter)
    mask: Spans | None = None
    centre: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def label(self) -> int:
        """The label with the most votes, the smaller one where two have as many."""
        if len(self.votes) == 1:  # as mostly
            return next(iter(self.votes))
        return max(self.votes, key=lambda label: (self.votes[label], -label))


class Tracker:
    """Two-stage association (ByteTrack, Zhang et al. 2022) with grown boxes (C-BIoU, Yang et al. 2023) and masks.

    In each frame, objects are moved to where they are expected. Sure detections choose first, then doubtful ones, which
    may only continue what was seen just before, then what is left of both looks again with wider boxes, and last
    by what it looks like: so lost objects are found again. Every detection that continues nothing begins an object of
    its own.

    Args:
        ndim: D.
        options: how objects are followed.
        motion: which says where they are expected; None: a filter with the usual noise.
    """

    def __init__(self, ndim: int, options: TrackOptions | None = None, motion: Motion | None = None) -> None:
        self.options = options or TrackOptions()
        self.motion = Motion(ndim) if motion is None else motion
        self.looks = Looks()
        self.tracks: list[Track] = []
        self.frame: int | None = None  # the last one
        self.frames = 0  # how many were given
        self.before = -1  # the frame before the last
        self.begun = 0
        self.confirmed: set[int] = set()  # numbers of all objects that count

    def update(self, seen: Detections, frame: int | None = None) -> Followed:
        """Number the detections of the next frame.

        Args:
            seen: what was found in it.
            frame: its place in time, later than that of the last; None: right after it.

        Returns:
            Their numbers.

        Raises:
            ValueError: a frame that is not later than the one before.
        """
        self._advance(frame)
        ids = np.zeros(len(seen), np.int64)
        masks: list[Spans | None] = [None] * len(seen)
        if seen.regions is not None:
            masks = [*all_spans(seen.regions)]
        sure = (seen.scores >= self.options.sure) & ~doubles(seen.boxes, seen.scores, masks, self.options.double)
        if seen.appearance is not None:
            self.looks.meet(seen.appearance)
        pairs = self._pairs(seen, sure, masks)
        self.motion.see(pairs[:, 0], np.asarray(seen.boxes, np.float64)[pairs[:, 1]])
        if seen.appearance is not None:
            self.looks.see(pairs[:, 0], seen.appearance[pairs[:, 1]], sure[pairs[:, 1]])
        for i, detection in pairs.tolist():
            track = self.tracks[i]
            ids[detection] = track.id
            self._remember(track, seen, detection, masks[detection], bool(sure[detection]))
            track.centre = self.motion.place[i, : self.motion.ndim].copy()
        self._begin(seen, np.flatnonzero(ids == 0), sure, ids, masks)
        confirmed = np.array([int(i) in self.confirmed for i in ids], bool)
        return Followed(ids, confirmed)

    def _advance(self, frame: int | None) -> None:
        """Go on to a frame, and forget what was not seen for too long."""
        last = -1 if self.frame is None else self.frame
        now = last + 1 if frame is None else frame
        if self.frame is not None and now <= self.frame:
            raise ValueError(f"frame {now} is not later than frame {self.frame}")
        steps = now - last if self.frame is not None else 1
        recent = np.array([now - track.last <= max(self.options.memory, steps) for track in self.tracks], bool)
        self.motion.keep(recent)
        self.looks.keep(recent)
        self.tracks = [track for track, kept in zip(self.tracks, recent) if kept]
        if self.tracks:
            self.motion.advance(steps)
        self.before, self.frame, self.frames = last, now, self.frames + 1

    def _pairs(self, seen: Detections, sure: np.ndarray, masks: list[Spans | None]) -> np.ndarray:
        """Which object is continued by which detection, int64 ``[P, 2]``."""
        if not self.tracks or not len(seen):
            return np.zeros((0, 2), np.int64)
        assert self.frame is not None
        options = self.options
        doubtful = ~sure & (seen.scores >= options.doubtful)
        away = self.frame - np.array([track.last for track in self.tracks])
        just = away == self.frame - self.before
        counts = np.array([track.id in self.confirmed for track in self.tracks])
        alike = None if seen.appearance is None else self.looks.alike(seen.appearance)
        close = self._similarity(seen, options.buffer, alike, options.appearance, masks)
        # of what jumped, no mask meets its last one
        wide = self._similarity(seen, options.wide_buffer, alike, options.appearance_wide)
        again = np.zeros_like(wide) if alike is None else self._by_looks(seen, alike)
        eased = 0.0 if alike is None else options.eased
        free, open_ = np.ones(len(self.tracks), bool), np.ones(len(seen), bool)
        pairs = []
        for similarity, tracks, detections, least in (
            (close, counts, sure, options.least - eased),
            (close, counts & just, doubtful, options.least_doubtful - eased),
            (wide, counts, sure, options.least_wide),
            (again, counts & ~just, sure, options.least_alike),
            (close, ~counts, sure, options.least - eased),
            (close, just & ~counts, doubtful, options.least_doubtful - eased),
            (wide, just & ~counts, sure, options.least_wide),
        ):
            rows, columns = np.flatnonzero(tracks & free), np.flatnonzero(detections & open_)
            i, j = best_pairs(similarity[np.ix_(rows, columns)], least).T
            free[rows[i]], open_[columns[j]] = False, False
            pairs.append(np.stack([rows[i], columns[j]], 1))
        return np.concatenate(pairs)

    def _similarity(
        self,
        seen: Detections,
        buffer: float,
        alike: np.ndarray | None,
        appearance: float,
        masks: list[Spans | None] | None = None,
    ) -> np.ndarray:
        """Of every object and every detection, float64 ``[T, N]``, 0..1; without masks where none are given.

        What does not overlap at all has nothing in common, however alike it looks.
        """
        overlap = buffered_iou(self.motion.boxes(), np.asarray(seen.boxes, np.float64), buffer)
        near = overlap > 0
        if masks is not None and seen.regions is not None and self.options.mask_weight:
            last = [track.mask for track in self.tracks]
            centres = np.concatenate([track.centre for track in self.tracks]).reshape(len(self.tracks), -1)
            steps = np.rint(self.motion.place[:, : self.motion.ndim] - centres).astype(np.int64)
            overlap = mixed(overlap, mask_ious(last, masks, near, steps[:, ::-1]), self.options.mask_weight)
        if alike is not None:
            overlap = np.where(near, mixed(overlap, alike, appearance), 0.0)
        return self._worth(seen, overlap)

    def _by_looks(self, seen: Detections, alike: np.ndarray) -> np.ndarray:
        """As :meth:`_similarity`, of looks alone: for what was lost and came back near where it is expected."""
        boxes, ndim = self.motion.boxes(), self.motion.ndim
        centres = [own[:, :ndim] / 2 + own[:, ndim:] / 2 for own in (boxes, np.asarray(seen.boxes, np.float64))]
        away = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=-1)
        size = (boxes[:, ndim:] - boxes[:, :ndim]).max(1)
        near = away < self.options.reach * size[:, None]
        return self._worth(seen, np.where(near, np.nan_to_num(alike), 0.0))

    def _worth(self, seen: Detections, similarity: np.ndarray) -> np.ndarray:
        """What a similarity ``[T, N]`` is worth where an object and a detection are of different classes."""
        labels = np.array([track.label for track in self.tracks])
        same = labels[:, None] == np.asarray(seen.labels)[None]
        worth: np.ndarray = np.where(same, similarity, self.options.other_class * similarity)
        return worth

    def _remember(self, track: Track, seen: Detections, detection: int, mask: Spans | None, sure: bool) -> None:
        assert self.frame is not None
        track.last, track.mask = self.frame, mask
        track.sure += sure
        track.votes[int(seen.labels[detection])] += float(seen.scores[detection])  # type: ignore[assignment]
        if track.sure >= min(self.options.confirm, self.frames):
            self.confirmed.add(track.id)

    def _begin(
        self, seen: Detections, which: np.ndarray, sure: np.ndarray, ids: np.ndarray, masks: list[Spans | None]
    ) -> None:
        """Objects that were not seen before; their numbers are put into ``ids``."""
        self.motion.begin(seen.boxes[which])
        self.looks.begin(len(which), None if seen.appearance is None else seen.appearance[which])
        for place, detection in zip(self.motion.place[len(self.tracks) :], which.tolist()):
            self.begun += 1
            track = Track(self.begun, centre=place[: self.motion.ndim].copy())
            self._remember(track, seen, detection, masks[detection], bool(sure[detection]))
            self.tracks.append(track)
            ids[detection] = track.id
