"""The motion of made-up people, gathered frame by frame and read again from each form."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from bvh_files import read_bvh
from made_tracks import CANVAS, frames_of
from made_walk import NAMES, SKELETON, walk
from maskrcnn.config import ModelConfig
from maskrcnn.errors import UsageError
from maskrcnn.model_info import ModelInfo
from maskrcnn.video.motion.capture import FORMATS, Capture, Files, check_motion
from maskrcnn.video.motion.writers.openpose import BODY_25

INFO = ModelInfo(ModelConfig(), ("person",), (1,), keypoint_names=NAMES, skeleton=SKELETON)
COUNT = 40


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two people of whom the first is not seen for four frames, and one who never counts."""
    folder = tmp_path_factory.mktemp("motion")
    capture = Capture(Files(folder, "clip"), FORMATS, INFO)
    there = [(60.0, 60.0)] * COUNT
    missing = [None if 10 <= k < 14 else place for k, place in enumerate(there)]
    paths = {3: missing, 5: there, 9: there[:8]}
    points = {3: walk(COUNT), 5: walk(COUNT) + [30, 0, 0], 9: walk(COUNT)}
    points[5][:, NAMES.index("left_wrist"), 2] = 0.05
    for frame in frames_of(paths, keypoints=points, fps=25):
        capture.add(frame)
    capture.finish({3: 1, 5: 2})
    return folder, points


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_table_with_a_row_a_frame_and_object(written):
    folder, points = written
    rows = rows_of(folder / "clip.keypoints.csv")
    first = [row for row in rows if row["id"] == "1"]
    assert len(first) == COUNT and len(rows) == 2 * COUNT
    assert [row["frame"] for row in first] == [str(k) for k in range(COUNT)]
    assert float(first[5]["time_s"]) == pytest.approx(0.2) and first[0]["class"] == "person"
    assert float(first[12]["left_knee_score"]) == 0 and first[12]["left_knee_x"]  # filled in
    knee = NAMES.index("left_knee")
    found = np.array([[float(row["left_knee_x"]), float(row["left_knee_y"])] for row in first])
    np.testing.assert_allclose(found, points[3][:, knee, :2], atol=1.5)
    assert all(row["left_wrist_x"] == row["left_wrist_score"] == "" for row in rows if row["id"] == "2")


def test_coco_s_json(written):
    folder, points = written
    content = json.loads((folder / "clip.keypoints.json").read_text())
    assert [image["id"] for image in content["images"]] == list(range(COUNT))
    assert content["images"][0]["width"] == CANVAS[1] and content["images"][0]["height"] == CANVAS[0]
    (category,) = content["categories"]
    assert (
        category["name"] == "person" and tuple(category["keypoints"]) == NAMES and category["skeleton"][0] == [16, 14]
    )
    assert len({entry["id"] for entry in content["annotations"]}) == len(content["annotations"]) == 2 * COUNT
    second = next(e for e in content["annotations"] if e["track_id"] == 2 and e["image_id"] == 7)
    cells = np.array(second["keypoints"]).reshape(17, 3)
    assert second["num_keypoints"] == 16
    np.testing.assert_array_equal(cells[NAMES.index("left_wrist")], 0)
    knee = NAMES.index("right_knee")
    np.testing.assert_allclose(cells[knee, :2], points[5][7, knee, :2] - 0.5, atol=1.5)
    gone = next(e for e in content["annotations"] if e["track_id"] == 1 and e["image_id"] == 12)
    assert set(np.array(gone["keypoints"]).reshape(17, 3)[:, 2]) == {1} and gone["score"] == 0


def test_coco_s_json_is_read_by_pycocotools(written):
    coco = pytest.importorskip("pycocotools.coco")
    data = coco.COCO(str(written[0] / "clip.keypoints.json"))
    assert len(data.getAnnIds(imgIds=[3])) == 2


def test_openpose_s_folder(written):
    folder, points = written
    files = sorted((folder / "clip.openpose").iterdir())
    assert [file.name for file in files][:2] == [f"clip_{k:012d}_keypoints.json" for k in range(2)]
    assert len(files) == COUNT
    content = json.loads(files[7].read_text())
    assert content["version"] == 1.3 and [person["person_id"] for person in content["people"]] == [[1], [2]]
    body = np.array(content["people"][1]["pose_keypoints_2d"]).reshape(25, 3)
    for name in ("right_knee", "nose", "left_ankle"):
        expected = points[5][7, NAMES.index(name), :2] - 0.5
        np.testing.assert_allclose(body[BODY_25.index(name), :2], expected, atol=1.5)
    shoulders = [points[5][7, NAMES.index(f"{side}_shoulder"), :2] for side in ("left", "right")]
    np.testing.assert_allclose(body[1, :2], np.mean(shoulders, 0) - 0.5, atol=1.5)
    assert not body[[BODY_25.index("left_wrist"), 19, 24]].any()


def test_a_bvh_file_for_each(written):
    folder, _ = written
    assert [path.name for path in sorted((folder / "clip.bvh").iterdir())] == ["person-001.bvh", "person-002.bvh"]
    first, second = (read_bvh(folder / "clip.bvh" / f"person-00{k}.bvh") for k in (1, 2))
    assert len(first.motion) == len(second.motion) == COUNT
    names = [{joint.name for joint in file.joints} for file in (first, second)]
    assert "LeftForeArm" in names[0] and "LeftForeArm" not in names[1]


def test_angles_as_a_table_and_as_pictures(written):
    folder, _ = written
    rows = rows_of(folder / "clip.angles.csv")
    assert len(rows) == 2 * COUNT and rows[0]["left_knee"] and not rows[COUNT]["left_elbow"]
    assert all(0 <= float(row["right_knee"]) <= 180 for row in rows)
    assert [path.name for path in sorted((folder / "clip.angles").iterdir())] == ["person-001.png", "person-002.png"]
    assert Image.open(folder / "clip.angles" / "person-001.png").width > 800


def test_an_older_folder_of_openpose_is_replaced_and_nothing_else_is_left(written, tmp_path):
    (tmp_path / "clip.openpose").mkdir()
    (tmp_path / "clip.openpose" / "clip_000000000099_keypoints.json").write_text("{}")
    capture = Capture(Files(tmp_path, "clip"), ("openpose",), INFO)
    capture.add(next(frames_of({1: [(60.0, 60.0)]}, keypoints={1: walk(1)})))
    capture.finish({})
    assert [path.name for path in tmp_path.iterdir()] == ["clip.openpose"]
    (only,) = (tmp_path / "clip.openpose").iterdir()
    assert json.loads(only.read_text())["people"] == []


def test_a_clip_in_which_nobody_counts_leaves_empty_tables(tmp_path):
    capture = Capture(Files(tmp_path, "clip"), FORMATS, INFO)
    capture.finish({})
    assert rows_of(tmp_path / "clip.keypoints.csv") == []
    assert json.loads((tmp_path / "clip.keypoints.json").read_text())["annotations"] == []


def test_models_without_points_and_points_of_no_human_are_refused():
    plain = ModelInfo(ModelConfig(), ("person",))
    with pytest.raises(UsageError, match="--model people"):
        check_motion(("csv",), plain)
    animal = ModelInfo(ModelConfig(), ("fish",), keypoint_names=("head", "tail"), skeleton=((0, 1),))
    with pytest.raises(UsageError, match="openpose holds people only"):
        check_motion(("csv", "openpose"), animal)
    check_motion(("csv", "bvh"), animal)
    check_motion((), plain)
