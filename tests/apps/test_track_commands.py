"""`maskrcnn track`, and `maskrcnn evaluate` of sequences, as a user runs them."""

import json

import numpy as np
import pytest

from maskrcnn.evaluation.tracks.frames import Clip, box_frame
from maskrcnn.evaluation.tracks.measures import measure_tracks
from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle


def crossing(frame):
    """x, y, width and height of two people who pass each other; the second is missed while it is behind the first."""
    boxes = [(10 + 4 * frame, 50, 40, 100), (250 - 4 * frame, 55, 40, 100)]
    return boxes if not 26 <= frame <= 34 else boxes[:1]


def write_detections(path, frames=60, extra=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{k},-1,{x},{y},{w},{h},0.9,-1,-1,-1" for k in range(1, frames + 1) for x, y, w, h in crossing(k)]
    path.write_text("\n".join(lines) + "\n" + extra)
    return path


def write_sequence(folder):
    """As MOTChallenge has it, with what is not judged."""
    write_detections(folder / "det" / "det.txt")
    rows = [
        f"{k},{number},{250 - 4 * k if number == 2 else 10 + 4 * k},{50 + 5 * (number == 2)},40,100,1,1,1"
        for k in range(1, 61)
        for number in (1, 2)
    ]
    (folder / "gt").mkdir()
    (folder / "gt" / "gt.txt").write_text("\n".join([*rows, "1,3,0,0,10,10,0,8,1"]) + "\n")
    return folder


def tracks_of(path):
    return np.loadtxt(path, delimiter=",", ndmin=2)


def test_two_people_who_cross_keep_their_numbers(maskrcnn, tmp_path):
    found = write_detections(tmp_path / "det.txt", extra="3,-1,500,500,20,20,0.6,-1,-1,-1\n")
    outcome = maskrcnn("track", found, "--out", tmp_path / "new" / "tracks.txt")
    assert outcome.code == 0
    assert outcome.out.startswith("2 objects in 60 frames (111 detections): ")
    assert outcome.out.endswith("1 detections of what was seen too rarely were left out\n")
    tracks = tracks_of(tmp_path / "new" / "tracks.txt")
    first = tracks[tracks[:, 1] == 1]
    assert first[:, 2].tolist() == [10 + 4 * k for k in range(1, 61)] and set(tracks[:, 1]) == {1, 2}
    assert (np.diff(tracks[:, 0]) >= 0).all() and (tracks[:, 7:] == -1).all()


def test_the_text_of_boxes_and_scores_stays_as_it_was(maskrcnn, tmp_path):
    (tmp_path / "det.txt").write_text(
        "frame id x y w h score\n2 -1 1.50 2.25 3.125 4 0.99\n1,-1,1.5,2.25,3.1250,4e0,.98\n\n"
    )
    assert maskrcnn("track", tmp_path / "det.txt", "--out", tmp_path / "t.txt", "--confirm", 1).code == 0
    assert (tmp_path / "t.txt").read_text() == (
        "1,1,1.5,2.25,3.1250,4e0,.98,-1,-1,-1\n2,1,1.50,2.25,3.125,4,0.99,-1,-1,-1\n"
    )


def coco_results(frames=40):
    """Two objects with one box, told apart by their masks; in every second frame they come in the other order."""
    shape = (60, 200)
    upper = np.tri(20, dtype=bool)
    entries = []
    for k in range(frames):
        for which in (0, 1) if k % 2 else (1, 0):
            mask = np.zeros(shape, bool)
            mask[20:40, k : k + 20] = upper if which else ~upper
            rle = regions_to_rle(Regions.from_masks([mask], shape), 0)
            entry = {"image_id": f"frame_{k:04}", "category_id": 7, "bbox": [k, 20, 20, 20], "score": 0.9}
            entries.append({**entry, "segmentation": rle, "which": which})
    return entries


def test_results_of_coco_are_followed_by_masks_and_written_with_numbers(maskrcnn, tmp_path):
    (tmp_path / "found.json").write_text(json.dumps(coco_results()))
    assert maskrcnn("track", tmp_path / "found.json", "--out", tmp_path / "tracks.json").code == 0
    tracks = json.loads((tmp_path / "tracks.json").read_text())
    assert len(tracks) == 80
    numbers = {which: {entry["track_id"] for entry in tracks if entry["which"] == which} for which in (0, 1)}
    assert [*numbers.values()] in ([{1}, {2}], [{2}, {1}])


@pytest.mark.parametrize("mask", [[[1, 2, 3, 4, 5, 6]], {"size": [60, 200], "counts": "é"}, {"size": "no"}, 5])
def test_masks_that_cannot_be_read_are_said_and_boxes_followed(maskrcnn, tmp_path, mask):
    entries = [entry for entry in coco_results(6) if entry["which"]]
    entries[2]["segmentation"] = mask
    (tmp_path / "found.json").write_text(json.dumps(entries))
    outcome = maskrcnn("track", tmp_path / "found.json", "--out", tmp_path / "tracks.json")
    assert outcome.code == 0 and "in 1 frames not every mask is run lengths that can be read" in outcome.err
    tracks = json.loads((tmp_path / "tracks.json").read_text())
    assert [entry["track_id"] for entry in tracks] == [1] * 6 and tracks[2]["segmentation"] == mask


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,-1,3,4,5\n", "det.txt, line 1: '1,-1,3,4,5' is no detection: write frame, id, x, y, width, height"),
        ("1,-1,3,4,5,6,0.5\nhello\n", "det.txt, line 2: 'hello' is no detection"),
        ("1,-1,3,4,5,nan,0.5\n", "is no detection"),
        ("1.5,-1,3,4,5,6,0.5\n", "is no detection"),
        ("\n", "det.txt holds no detections"),
        ("1,-1,3,4,0,6,0.5\n", "det.txt holds no detections"),
    ],
)
def test_a_file_that_holds_none_is_one_sentence(refused, tmp_path, text, words):
    (tmp_path / "det.txt").write_text(text)
    assert words in refused("track", tmp_path / "det.txt", "--out", tmp_path / "tracks.txt")
    assert not (tmp_path / "tracks.txt").exists()


def test_other_slips_are_one_sentence(refused, tmp_path):
    found = write_detections(tmp_path / "det.txt")
    out = tmp_path / "tracks.txt"
    assert "nothing.txt does not exist" in refused("track", tmp_path / "nothing.txt", "--out", out)
    assert "is a folder: name a file" in refused("track", found, "--out", tmp_path)
    assert "is the file of detections itself" in refused("track", found, "--out", found)
    assert "is written as it was read: name --out NAME.txt" in refused("track", found, "--out", tmp_path / "t.json")
    assert "--sure must lie between 0 and 1" in refused("track", found, "--out", out, "--sure", 2)
    (tmp_path / "found.json").write_text('[{"image_id": 1, "bbox": [1, 2, 3]}]')
    said = refused("track", tmp_path / "found.json", "--out", tmp_path / "t.json")
    assert "found.json: entry 1 is none of COCO's results" in said


def test_scores_that_are_no_parts_of_one_are_said(maskrcnn, tmp_path):
    text = write_detections(tmp_path / "det.txt").read_text().replace(",0.9,", ",37.5,")
    (tmp_path / "det.txt").write_text(text + "4,-1,1,1,0,5,37.5\n")
    outcome = maskrcnn("track", tmp_path / "det.txt", "--out", tmp_path / "t.txt")
    assert "its scores lie between 37.5 and 37.5 instead of 0 and 1" in outcome.err
    assert "1 of its boxes have no area and were left out" in outcome.err
    assert outcome.code == 0 and set(tracks_of(tmp_path / "t.txt")[:, 6]) == {37.5}


def test_sequences_are_judged(maskrcnn, tmp_path):
    sequence = write_sequence(tmp_path / "data" / "ONE")
    write_detections(tmp_path / "data" / "TWO" / "det.txt")
    outcome = maskrcnn("evaluate", tmp_path / "data", "--out", tmp_path / "judged")
    assert outcome.code == 0 and "note: TWO has no gt.txt and was left out." in outcome.err
    assert "HOTA" in outcome.out and "ONE" in outcome.out
    metrics = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert (metrics["switches"], metrics["misses"], metrics["false_alarms"]) == (0, 9, 0)
    truth = tracks_of(sequence / "gt" / "gt.txt")
    truth = truth[truth[:, 6] == 1]
    corners = lambda rows: np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], 1)  # noqa: E731
    frames = []
    for k in range(1, 61):
        own = truth[truth[:, 0] == k]
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in crossing(k)], float)
        frames.append(box_frame(own[:, 1].astype(int), corners(own), np.arange(len(boxes)), boxes))
    for name, value in measure_tracks([Clip.of(frames)]).items():
        assert metrics[name] == pytest.approx(value) == pytest.approx(metrics["sequences"]["ONE"][name])


def test_tracks_that_are_given_are_judged(maskrcnn, refused, tmp_path):
    sequence = write_sequence(tmp_path / "ONE")
    maskrcnn("track", sequence / "det" / "det.txt", "--out", tmp_path / "mine" / "ONE.txt")
    for tracks in (tmp_path / "mine", tmp_path / "mine" / "ONE.txt"):
        maskrcnn("evaluate", sequence, "--tracks", tracks, "--out", tmp_path / "judged")
        assert json.loads((tmp_path / "judged" / "metrics.json").read_text())["misses"] == 9
    (tmp_path / "mine" / "ONE.txt").write_text("1,4,1,1,5,5,1\n1,4,9,9,5,5,1\n")
    judged = ("evaluate", sequence, "--out", tmp_path / "judged", "--tracks")
    assert "has a number twice in frame 1" in refused(*judged, tmp_path / "mine")
    assert "nowhere does not exist" in refused(*judged, tmp_path / "nowhere")
    assert "leave --model out" in refused("evaluate", sequence, "--out", tmp_path / "judged", "--model", "everyday")
    (tmp_path / "empty").mkdir()
    said = refused("evaluate", tmp_path / "empty", "--out", tmp_path / "judged", "--tracks", sequence)
    assert "--tracks is for sequences in MOTChallenge's layout" in said
