"""Converts labelled tracks of videos from one file into another."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import is_file
from maskrcnn.jobs.events import Note, Tell
from maskrcnn.jobs.options.convert import TRACKS
from maskrcnn.modalities.images.labels.xml_files import read_xml
from maskrcnn.video.motchallenge import write_tracks
from maskrcnn.video.track_files.cvat import is_cvat_video, tracks_of_cvat, write_cvat_video
from maskrcnn.video.track_files.record import LabelledVideo
from maskrcnn.video.track_files.youtube_vis import is_youtube_vis, read_youtube_vis, write_youtube_vis_file

READ = "YouTube-VIS's json (as `maskrcnn predict clip.mp4` writes it) and CVAT's xml of a video"


def holds_tracks(path: Path) -> bool:
    """Whether a file is one of tracks: what is no whole json or xml is not."""
    try:
        if path.suffix.lower() == ".json" and is_file(path):
            return is_youtube_vis(read_json(path))
        return path.suffix.lower() == ".xml" and is_file(path) and is_cvat_video(read_xml(path))
    except DataError:
        return False


def convert_tracks(data: Path, out: Path, to: str, tell: Tell) -> list[LabelledVideo]:
    """Write the tracks of a file in another form.

    Args:
        data: a file of YouTube-VIS or of CVAT.
        out: a new or empty folder: a file for each video is written there, of YouTube-VIS one for all.
        to: one of :data:`TRACKS`.
        tell: is given a :class:`Note` for what the form cannot hold.

    Returns:
        The videos.

    Raises:
        UsageError: ``data`` holds no tracks.
        DataError: it is damaged, or there is nothing in it.
    """
    if not holds_tracks(data):
        raise UsageError(f"--to {to} is for tracks of videos, and {data} holds none: {READ} are read.")
    is_json = data.suffix.lower() == ".json"
    videos = read_youtube_vis(data) if is_json else [tracks_of_cvat(data, read_xml(data))]
    if not any(video.tracks for video in videos):
        raise DataError(f"{data} has no track that could be read.")
    if to == "youtube-vis":
        write_youtube_vis_file(out / f"{data.stem}{TRACKS[to]}", videos)
    else:
        names: set[str] = set()
        for video in videos:
            stem = _free(Path(video.name).stem or data.stem, names)
            path = out / f"{stem}{TRACKS[to]}"
            if to == "mot":
                _write_mot(path, video)
            else:
                write_cvat_video(path, video)
    for note in dict.fromkeys(note for video in videos for note in video.notes):
        tell(Note(f"note: {note}"))
    masks = sum(place.mask is not None for v in videos for track in v.tracks for place in track.places.values())
    if to == "mot" and masks:
        tell(Note(f"note: {masks} masks were left out, and the classes: MOTChallenge's text holds boxes."))
    return videos


def _free(stem: str, taken: set[str]) -> str:
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return name


def _write_mot(path: Path, video: LabelledVideo) -> None:
    """Frames and pixels count from 1."""
    lines = []
    for track in video.tracks:
        for frame, place in track.places.items():
            x1, y1, x2, y2 = place.box
            cells = (f"{x1 + 1:.2f}", f"{y1 + 1:.2f}", f"{x2 - x1:.2f}", f"{y2 - y1:.2f}", "1")
            lines.append((frame + 1, track.number, cells))
    write_tracks(path, lines)
