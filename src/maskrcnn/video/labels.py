"""What each object is: the class that most of its sightings say, weighed by their scores."""

from __future__ import annotations

from collections import Counter, defaultdict

from maskrcnn.files import shortened
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.writing.tracks import most_voted

LONGEST = 100  # bytes of a class in the name of a file


class Votes:
    """Counts the labels of objects over frames."""

    def __init__(self) -> None:
        self._votes: defaultdict[int, Counter[int]] = defaultdict(Counter)

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""
        labels, scores = frame.objects.labels.tolist(), frame.objects.scores.tolist()
        for number, label, score in zip(frame.ids.tolist(), labels, scores):
            weight = score if score == score else 1.0  # nobody scored it
            self._votes[number][label] += weight  # type: ignore[assignment]

    def label(self, number: int) -> int:
        """Of an object that was seen; the smaller one of two with as many votes."""
        return most_voted(self._votes[number])

    def forget(self, number: int) -> None:
        """Of an object that will not be asked for."""
        self._votes.pop(number, None)


def object_stem(class_name: str, number: int) -> str:
    """What files of one object are called: ``person-007``; characters that a file system may not like become ``_``."""
    plain = "".join(c if c.isalnum() or c in "-_ ." else "_" for c in class_name)
    return f"{shortened(plain, LONGEST) or 'object'}-{number:03d}"
