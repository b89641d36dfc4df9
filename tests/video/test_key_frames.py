"""``--detect-every``: frames between key frames get the objects of both sides."""

import csv
import dataclasses

import numpy as np
import pytest
import torch

pytest.importorskip("av")
pytest.importorskip("scipy")

from clips import ColourDetector, save_clip, scene
from maskrcnn.evaluation.overlap import mask_pairs
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.predict import predict
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from maskrcnn.tracking.tracker import Tracker
from maskrcnn.video.follow import follow
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.key_frames import KeyPair, with_key_frames
from maskrcnn.video.reading.clip import ClipFrame


def frames_of(pictures):
    return [ClipFrame(k, k / 10, picture) for k, picture in enumerate(pictures)]


def followed(pictures, every):
    detector = ColourDetector()

    def find(frame):
        return detector(torch.from_numpy(frame.image).movedim(-1, 0))

    return list(follow(frames_of(pictures), find, Tracker(2), every)), detector.looks


@pytest.mark.parametrize(
    ("count", "every", "looks"), [(13, 4, 4), (14, 4, 5), (1, 4, 1), (3, 4, 2), (9, 1, 9), (0, 3, 0)]
)
def test_key_frames_and_the_last_frame_are_looked_at_and_no_frame_is_lost(count, every, looks):
    frames, seen = followed(scene(count), every)
    assert seen == looks and [frame.index for frame in frames] == list(range(count))
    assert [frame.time for frame in frames] == [k / 10 for k in range(count)]


def test_objects_that_move_evenly_are_where_every_frame_would_find_them():
    pictures = scene(17)  # nothing turns round between key frames
    every, _ = followed(pictures, 1)
    keyed, looks = followed(pictures, 4)
    assert looks == 5
    for one, other in zip(every, keyed):
        assert one.ids.tolist() == other.ids.tolist()
        assert torch.allclose(one.objects.boxes, other.objects.boxes, atol=0.01)
        for i in range(len(one.ids)):
            assert (one.objects.regions.mask(i) == other.objects.regions.mask(i)).all()
        assert other.objects.scores.tolist() == pytest.approx(one.objects.scores.tolist())


def test_frames_are_given_as_soon_as_the_next_key_frame_is_done():
    looked = []

    def look(frame, place):
        looked.append(place)
        return TrackedFrame(frame.index, frame.time, frame.image, Instances(torch.zeros(0, 4)), *[np.zeros(0, int)] * 2)

    walk = with_key_frames(frames_of(scene(20)), look, 4)
    for count in range(20):
        next(walk)
        assert max(looked) <= count + 3
    assert looked == [0, 4, 8, 12, 16, 19]


def key(ids, masks, size=(20, 30)):
    regions = Regions.from_masks(masks, size)
    count = len(ids)
    objects = Instances(
        torch.from_numpy(regions.boxes()), torch.ones(count, dtype=torch.int64), torch.linspace(0.2, 0.8, count),
        regions=regions, keypoints=torch.full((count, 3, 3), float(count)), outputs={"more": torch.zeros(count, 5)},
    )  # fmt: skip
    return TrackedFrame(0, 0.0, np.zeros((*size, 3), np.uint8), objects, np.array(ids), np.ones(count, bool))


def square(x, y, side=6, size=(20, 30)):
    mask = np.zeros(size, bool)
    mask[y : y + side, x : x + side] = True
    return mask


def test_what_only_one_side_has_is_there_in_the_frames_that_are_nearer_to_it():
    pair = KeyPair(key([3, 7], [square(0, 0), square(20, 10)]), key([9, 7], [square(5, 5), square(10, 10)]))
    for part, others, x in ((0.25, 3, 17.5), (0.5, 9, 15.0), (0.75, 9, 12.5)):
        found = pair.at(ClipFrame(1, 0.1, np.zeros((20, 30, 3), np.uint8)), part)
        assert found.ids.tolist() == [7, others] and len(found.objects) == len(found.objects.regions) == 2
        assert found.objects.boxes[0].tolist() == pytest.approx([x, 10, x + 6, 16])
        assert (found.objects.regions.mask(1) == (square(0, 0) if others == 3 else square(5, 5))).all()
        assert found.objects.keypoints.shape == (2, 3, 3) and not found.objects.outputs
        assert mask_pairs(found.objects.regions, Regions.from_masks([square(round(x), 10)], (20, 30))).iou.max() > 0.8


def test_objects_without_a_mask_or_beyond_the_frame_are_no_fault():
    nothing = np.zeros((20, 30), bool)
    pair = KeyPair(key([1, 2], [nothing, square(0, 0, 3)]), key([1, 2], [square(5, 5), square(24, 14)]))
    found = pair.at(ClipFrame(1, 0.1, np.zeros((20, 30, 3), np.uint8)), 0.5)
    assert found.objects.regions.areas()[0] == 36 and found.objects.regions.areas()[1] > 9
    bare = [
        dataclasses.replace(own, objects=dataclasses.replace(own.objects, regions=None))
        for own in (pair.before, pair.after)
    ]
    assert KeyPair(*bare).at(ClipFrame(1, 0.1, np.zeros((20, 30, 3), np.uint8)), 0.5).objects.regions is None
    smaller = key([1], [square(0, 0, size=(10, 10))], (10, 10))
    assert KeyPair(pair.before, smaller).pairs == []


@pytest.fixture
def watched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(clip, stop=None, **options):
        detector = ColourDetector(stop)
        monkeypatch.setattr("maskrcnn.jobs.predict.Predictor", lambda *model, device: detector)
        outcome = predict(PredictFilesOptions(inputs=(clip,), out=tmp_path / "out", **options))
        assert outcome.failures == []
        return detector.looks

    return run


def results(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_a_run_with_key_frames_that_was_stopped_goes_on_to_the_same_bytes(watched, tmp_path):
    clip = save_clip(tmp_path / "clip.mp4", scene(30))
    assert watched(clip, detect_every=4) == 9
    whole = results(tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "clip.tracks.csv").read_text().splitlines()))
    assert [int(row["frame"]) for row in rows if row["class"] == "red"] == list(range(30))
    with pytest.raises(KeyboardInterrupt):
        watched(clip, stop=6, detect_every=4, overwrite=True)
    looks = watched(clip, detect_every=4, skip_done=True)
    assert looks < 9 and results(tmp_path / "out") == whole


def test_the_number_is_checked(refused, tmp_path, tiny_file):
    clip = save_clip(tmp_path / "clip.mp4", scene(2))
    said = refused("predict", clip, "--model", tiny_file, "--detect-every", 0, "--out", tmp_path / "out")
    assert "--detect-every must be at least 1" in said
