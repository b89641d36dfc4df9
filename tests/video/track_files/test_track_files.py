"""Files of tracks, there and back: YouTube-VIS's json, CVAT's xml, MOTChallenge's text."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrcnn.errors import DataError
from maskrcnn.masks.rasterise import mask_area, mask_box
from maskrcnn.regions import Regions, encode_runs
from maskrcnn.rle import decode_masks, regions_to_rle
from maskrcnn.video.motchallenge import read_rows
from maskrcnn.video.track_files.cvat import tracks_of_cvat, write_cvat_video
from maskrcnn.video.track_files.record import LabelledTrack, LabelledVideo, Place
from maskrcnn.video.track_files.youtube_vis import read_youtube_vis, write_youtube_vis_file

SIZE = (20, 30)


def mask_of(array):
    return regions_to_rle(Regions.from_masks([array], SIZE), 0)["counts"].encode()


def blob(seed, holed=True):
    """A mask in two parts, the first with a hole."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(SIZE, bool)
    y, x = rng.integers(0, 8), rng.integers(0, 15)
    mask[y : y + 7, x : x + 8] = True
    mask[y + 2 : y + 4, x + 3 : x + 5] = not holed
    mask[y + 9, x + 1] = True
    return mask


def video_of(masked=True):
    """Two tracks, the first with a gap; of boxes alone where not ``masked``."""
    tracks = []
    for number, name, frames in ((1, "cat", [0, 1, 4, 5]), (2, "dog", [3])):
        places = {}
        for k in frames:
            mask = mask_of(blob(10 * number + k))
            places[k] = Place(mask_box(mask, SIZE), mask if masked else None)
        tracks.append(LabelledTrack(number, name, places))
    return LabelledVideo("clip.mp4", SIZE, 6, ("cat", "dog", "cow"), tracks)


def same(a, b):
    assert (a.size, a.length, a.class_names) == (b.size, b.length, b.class_names)
    assert [(t.name, t.number, list(t.places)) for t in a.tracks] == [
        (t.name, t.number, list(t.places)) for t in b.tracks
    ]
    for one, other in zip(a.tracks, b.tracks):
        for k, place in one.places.items():
            assert place.box == pytest.approx(other.places[k].box)
            assert (place.mask is None) == (other.places[k].mask is None)
            if place.mask is not None:
                masks = [decode_masks([own.mask], SIZE).mask(0) for own in (place, other.places[k])]
                np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("masked", [True, False])
def test_youtube_vis_there_and_back(tmp_path, masked):
    write_youtube_vis_file(tmp_path / "a.json", [video_of(masked)])
    (again,) = read_youtube_vis(tmp_path / "a.json")
    same(again, video_of(masked))


@pytest.mark.parametrize("masked", [True, False])
def test_cvat_there_and_back(tmp_path, masked):
    write_cvat_video(tmp_path / "a.xml", video_of(masked))
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    same(tracks_of_cvat(tmp_path / "a.xml", root), video_of(masked))
    states = [(shape.get("frame"), shape.get("outside")) for shape in root.find("track")]
    assert states == [("0", "0"), ("1", "0"), ("2", "1"), ("4", "0"), ("5", "0")]
    assert {shape.tag for shape in root.iter() if shape.get("frame")} == {"polygon" if masked else "box"}


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 200))
def test_any_mask_is_the_same_after_cvat(tmp_path_factory, seed, count):
    array = np.zeros(SIZE[0] * SIZE[1], bool)
    array[np.random.default_rng(seed).permutation(array.size)[:count]] = True
    mask = mask_of(array.reshape(SIZE))
    path = tmp_path_factory.getbasetemp() / "any.xml"
    video = LabelledVideo("a", SIZE, 1, ("x",), [LabelledTrack(1, "x", {0: Place(mask_box(mask, SIZE), mask)})])
    write_cvat_video(path, video)
    same(tracks_of_cvat(path, ElementTree.parse(path).getroot()), video)


def test_shapes_between_key_frames_are_moved_evenly(tmp_path):
    text = """<annotations><meta><job><size>9</size><original_size><width>30</width><height>20</height></original_size>
      </job></meta><track id="0" label="cat">
      <box frame="0" outside="0" xtl="0" ytl="0" xbr="4" ybr="4"/><box frame="4" outside="0" xtl="8" ytl="4" xbr="12"
      ybr="8"/><box frame="6" outside="1" xtl="8" ytl="4" xbr="12" ybr="8"/><points frame="7" points="1,2"/></track>
      </annotations>"""
    video = tracks_of_cvat(tmp_path / "a.xml", ElementTree.fromstring(text))
    (track,) = video.tracks
    assert list(track.places) == [0, 1, 2, 3, 4, 5]
    assert track.places[1].box == (2, 1, 6, 5) and track.places[5].box == (8, 4, 12, 8)
    assert video.length == 9 and "1 shapes" in video.notes[0]


def test_masks_in_all_forms_of_youtube_vis(tmp_path):
    array = blob(3)
    runs = encode_runs(array.T)
    square = [[2, 3, 8, 3, 8, 9, 2, 9]]
    content = {
        "videos": [{"id": 7, "height": 20, "width": 30, "length": 3, "file_names": ["v/0.jpg", "v/1.jpg", "v/2.jpg"]}],
        "categories": [{"id": 5, "name": "cat"}],
        "annotations": [
            {
                "id": 1,
                "video_id": 7,
                "category_id": 5,
                "segmentations": [{"size": [20, 30], "counts": runs.tolist()}, square, None],
                "bboxes": [None, [2, 3, 6, 6], None],
            },
            {"id": 1, "video_id": 7, "category_id": 5, "segmentations": [{"size": [20, 30], "counts": [3, 4]}, 5, []]},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    (video,) = read_youtube_vis(tmp_path / "a.json")
    (track,) = video.tracks
    assert video.name == "v" and track.name == "cat" and list(track.places) == [0, 1]
    np.testing.assert_array_equal(decode_masks([track.places[0].mask], SIZE).mask(0), array)
    assert mask_area(track.places[1].mask, SIZE) == 36 and track.places[1].box == (2, 3, 8, 9)
    assert "3 masks" in video.notes[0]


@pytest.mark.parametrize("content", ["{}", "[1]", '{"videos": [{"id": 1}], "annotations": []}', "{"])
def test_what_is_no_youtube_vis_is_said(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match="a.json"):
        read_youtube_vis(tmp_path / "a.json")


def test_the_command_converts_tracks(maskrcnn, tmp_path):
    write_youtube_vis_file(tmp_path / "clip.json", [video_of()])
    outcome = maskrcnn("convert", tmp_path / "clip.json", tmp_path / "xml", "--to", "cvat-video")
    assert outcome.code == 0 and "1 video with 2 objects (masks) of 2 classes" in outcome.out + outcome.err
    assert maskrcnn("convert", tmp_path / "xml" / "clip.xml", tmp_path / "back", "--to", "youtube-vis").code == 0
    same(read_youtube_vis(tmp_path / "back" / "clip.json")[0], video_of())
    outcome = maskrcnn("convert", tmp_path / "clip.json", tmp_path / "mot", "--to", "mot")
    assert outcome.code == 0 and "5 masks were left out" in outcome.out + outcome.err
    rows = read_rows(tmp_path / "mot" / "clip.txt")
    assert rows.frames.tolist() == [1, 2, 4, 5, 6] and rows.ids.tolist() == [1, 1, 2, 1, 1]
    x1, y1, x2, y2 = video_of().tracks[1].places[3].box
    assert rows.boxes[2].tolist() == pytest.approx([x1 + 1, y1 + 1, x2 + 1, y2 + 1])


def test_what_holds_no_tracks_is_said_with_what_is_read(refused, tmp_path):
    (tmp_path / "a.json").write_text('{"images": []}')
    assert "YouTube-VIS" in refused("convert", tmp_path / "a.json", tmp_path / "out", "--to", "mot")
    assert not (tmp_path / "out").exists()
