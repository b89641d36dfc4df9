"""What was followed in the forms of other programs."""

import json

import pytest

pytest.importorskip("av")

import numpy as np
import torch
from hotcoco import mask as coco_mask

from clips import ColourDetector
from maskrcnn.structures import Instances
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.motchallenge import read_rows
from maskrcnn.video.writing.frame_files import write_coco_video, write_mot
from maskrcnn.video.writing.spool import Spool, line_of, objects_of, read_lines
from maskrcnn.video.writing.tracks import classes_of, sightings
from maskrcnn.video.writing.youtube_vis import Video, write_youtube_vis

INFO = ColourDetector().info
VIDEO = Video("clip.mp4", (20, 30), 10.0)


def frame(index, boxes, ids, labels=None, points=False):
    from maskrcnn.regions import Regions

    windows = [((y1, x1), np.ones((y2 - y1, x2 - x1), bool)) for x1, y1, x2, y2 in boxes]
    found = Instances(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.tensor(labels or [1] * len(boxes), dtype=torch.int64),
        torch.full((len(boxes),), 0.7),
        regions=Regions.from_windows((20, 30), windows),
        keypoints=torch.rand(len(boxes), 4, 3) if points else None,
    )
    numbers = np.array(ids, np.int64)
    return TrackedFrame(index, index / 10, np.zeros((20, 30, 3), np.uint8), found, numbers, numbers > 0)


@pytest.fixture
def spool(tmp_path):
    """Three frames, of which the middle one is empty; object 7 counts as 1, object 3 as 2, object 9 never."""
    spool = Spool(tmp_path / "spool", {"a": 1})
    spool.add(frame(0, [(2, 3, 8, 9), (10, 1, 20, 11)], [7, 9]))
    spool.add(frame(2, [], []))
    spool.add(frame(4, [(5, 5, 9, 9), (3, 3, 8, 10)], [3, 7], [2, 3]))
    return spool.path


NUMBERS = {7: 1, 3: 2}


@pytest.mark.parametrize("points", [False, True])
def test_a_frame_comes_back_to_the_last_bit(points):
    torch.manual_seed(1)
    boxes = [(2, 3, 8, 9), (10, 1, 20, 11)]
    made = frame(3, boxes, [4, 5], [1, 2], points)
    made.objects.boxes += torch.rand(2, 4) / 3
    back = objects_of(json.loads(json.dumps(line_of(made))))
    assert torch.equal(back.boxes, made.objects.boxes) and torch.equal(back.scores, made.objects.scores)
    assert torch.equal(back.labels, made.objects.labels)
    assert all((back.regions.mask(i) == made.objects.regions.mask(i)).all() for i in range(2))
    assert (back.keypoints is None) == (not points) and (
        not points or torch.equal(back.keypoints, made.objects.keypoints)
    )


def test_an_empty_frame_comes_back(spool):
    empty = objects_of([*read_lines(spool)][1])
    assert len(empty) == 0 and empty.boxes.shape == (0, 4)


def test_a_spool_of_another_head_begins_anew_and_one_of_the_same_goes_on(spool):
    assert Spool(spool, {"a": 1}).done == 3
    again = Spool(spool, {"a": 1})
    for k in range(3):
        again.add(frame(2 * k, [], []))
    assert len([*read_lines(spool)]) == 3
    again.add(frame(6, [], []))
    assert [line["frame"] for line in read_lines(spool)] == [0, 2, 4, 6]
    assert Spool(spool, {"a": 2}).done == 0 and [*read_lines(spool)] == []


def test_sightings_and_the_class_with_the_most_votes(spool):
    seen = [(number, one.place, one.frame, one.box, one.area) for number, one in sightings(spool, NUMBERS)]
    assert seen == [(1, 0, 0, (2, 3, 6, 6), 36), (1, 2, 4, (3, 3, 5, 7), 35), (2, 2, 4, (5, 5, 4, 4), 16)]
    assert classes_of(spool, NUMBERS) == {1: 1, 2: 2}


def test_motchallenge_counts_from_one(spool, tmp_path):
    write_mot(tmp_path / "tracks.txt", spool, NUMBERS)
    assert (tmp_path / "tracks.txt").read_text().splitlines()[0] == "1,1,3.00,4.00,6.00,6.00,0.7000,-1,-1,-1"
    rows = read_rows(tmp_path / "tracks.txt")
    assert rows.frames.tolist() == [1, 3, 3] and rows.ids.tolist() == [1, 1, 2]


def test_coco_of_videos_has_an_image_a_frame(spool, tmp_path):
    write_coco_video(tmp_path / "coco.json", spool, NUMBERS, VIDEO, INFO)
    content = json.loads((tmp_path / "coco.json").read_text())
    assert [(image["id"], image["frame_id"], image["time"]) for image in content["images"]] == [
        (1, 0, 0.0), (2, 1, 0.2), (3, 2, 0.4),
    ]  # fmt: skip
    assert [(one["image_id"], one["instance_id"], one["category_id"]) for one in content["annotations"]] == [
        (1, 1, 11), (3, 1, 11), (3, 2, 12),
    ]  # fmt: skip
    assert [coco_mask.area(one["segmentation"]) for one in content["annotations"]] == [36, 35, 16]


def test_youtube_vis_is_read_as_labels(spool, tmp_path):
    from maskrcnn.video.track_files.youtube_vis import read_youtube_vis

    write_youtube_vis(tmp_path / "clip.json", spool, NUMBERS, VIDEO, INFO)
    (video,) = read_youtube_vis(tmp_path / "clip.json")
    assert (video.name, video.size, video.length) == ("clip.mp4", (20, 30), 3)
    assert [(track.number, track.name, sorted(track.places)) for track in video.tracks] == [
        (1, "red", [0, 2]), (2, "green", [2]),
    ]  # fmt: skip


def test_nothing_followed_is_a_file_too(tmp_path):
    spool = Spool(tmp_path / "spool", {})
    spool.add(frame(0, [], []))
    write_youtube_vis(tmp_path / "clip.json", spool.path, {}, VIDEO, INFO)
    write_coco_video(tmp_path / "coco.json", spool.path, {}, VIDEO, INFO)
    assert json.loads((tmp_path / "clip.json").read_text())["annotations"] == []
    assert json.loads((tmp_path / "coco.json").read_text())["annotations"] == []
