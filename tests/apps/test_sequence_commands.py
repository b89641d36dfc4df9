"""`maskrcnn compose` of videos, and `maskrcnn evaluate` of what it makes, as a user runs them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from maskrcnn.jobs.sequences.evaluate_videos import judge_video, judged_frames
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from maskrcnn.video.labelled.frames import frames_of
from maskrcnn.video.labelled.read import read_numbers
from maskrcnn.video.labelled.videos import labelled_videos
from video.made_sequences import SHAPE, write_sequences

pytest.importorskip("av")
pytest.importorskip("scipy")


@pytest.fixture
def sources(tmp_path):
    return write_sequences(tmp_path / "sources", ["red", "green", "blue"], frames=10)


def composed(maskrcnn, sources, out, *flags):
    outcome = maskrcnn("compose", sources, out, "--count", 3, "--frames", 8, *flags)
    assert outcome.code == 0, outcome
    return outcome


def test_composed_sequences_are_whole_and_follow_from_their_seed(maskrcnn, sources, tmp_path):
    outcome = composed(maskrcnn, sources, tmp_path / "a", "--seed", 4)
    assert outcome.out.startswith("3 sequences (24 frames) with ")
    composed(maskrcnn, sources, tmp_path / "b", "--seed", 4)
    composed(maskrcnn, sources, tmp_path / "c", "--seed", 5)
    classes = json.loads((tmp_path / "a" / "classes.json").read_text())
    assert set(classes.values()) == {"disc"} and list(classes) == [str(k + 1) for k in range(len(classes))]
    seen = set()
    for video in labelled_videos(tmp_path / "a"):
        frames = list(frames_of(video.frames))
        assert len(frames) == video.length == 8
        for k, frame in enumerate(frames):
            numbers, _ = video.truth(k, frame.shape[:2])
            seen |= set(numbers.tolist())
    assert len(seen) > 4 and seen <= {int(key) for key in classes}
    files = [path.relative_to(tmp_path / "a") for path in sorted((tmp_path / "a").rglob("*.png"))]
    same = [(read_numbers(tmp_path / "a" / f) == read_numbers(tmp_path / "b" / f)).all() for f in files]
    assert all(same)
    other = [path.relative_to(tmp_path / "c") for path in sorted((tmp_path / "c").rglob("*.png"))]
    assert files != other or any(
        read_numbers(tmp_path / "a" / f).tobytes() != read_numbers(tmp_path / "c" / f).tobytes() for f in files
    )


def test_a_sequence_that_cannot_be_used_is_named_and_the_others_are_composed(maskrcnn, sources, tmp_path):
    (sources / "videos" / "green.mp4").write_text("no video")
    outcome = maskrcnn("compose", sources, tmp_path / "out", "--count", 2, "--frames", 4)
    assert outcome.code == 1 and "green.mp4 cannot be read as a video" in outcome.err
    assert len(list((tmp_path / "out" / "videos").iterdir())) == 2


def test_slips_are_sentences(refused, sources, tmp_path):
    assert "has no sequence pink; it has blue, green, red" in refused(
        "compose", sources, tmp_path / "out", "--sequences", "pink"
    )
    assert "use --sequences" in refused("compose", sources, tmp_path / "out", "--speakers", "ann")
    (tmp_path / "clips").mkdir()
    assert "--sequences is for videos" in refused("compose", tmp_path / "clips", tmp_path / "out", "--sequences", "a")
    for path in (sources / "videos").iterdir():
        path.write_text("no video")
    assert "None of the sequences" in refused("compose", sources, tmp_path / "out", "--count", 1)


def test_a_model_is_judged_on_composed_sequences(maskrcnn, sources, tmp_path, tiny_file):
    composed(maskrcnn, sources, tmp_path / "made")
    outcome = maskrcnn("evaluate", tmp_path / "made", "--model", tiny_file, "--out", tmp_path / "judged")
    assert outcome.code == 0 and "HOTA" in outcome.out and "boxes" in outcome.out and "masks" in outcome.out
    content = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert set(content["videos"]) == {"0000-blue", "0001-green", "0002-red"}
    for way in ("boxes", "masks"):
        assert 0 <= content[way]["HOTA"] <= 1
        assert content[way]["switches"] == sum(own[way]["switches"] for own in content["videos"].values())


def test_labels_without_frames_fail_alone(maskrcnn, sources, tmp_path, tiny_file):
    composed(maskrcnn, sources, tmp_path / "made")
    (tmp_path / "made" / "videos" / "0001-green.mp4").unlink()
    picture = next((tmp_path / "made" / "instances" / "0002-red").glob("*.png"))
    Image.fromarray(np.zeros((3, 5), np.uint8)).save(picture)
    outcome = maskrcnn("evaluate", tmp_path / "made", "--model", tiny_file, "--out", tmp_path / "judged")
    assert outcome.code == 1 and "0001-green has labels but no frames" in outcome.err
    assert "is of 5 x 3 pixels" in outcome.err
    assert set(json.loads((tmp_path / "judged" / "metrics.json").read_text())["videos"]) == {"0000-blue"}


def test_who_finds_all_that_is_labelled_is_without_fault_and_who_misses_frames_is_not(tmp_path):
    (video,) = labelled_videos(write_sequences(tmp_path, ["red"], frames=10, labels="instances"))

    def find(frames, missed):
        found = []
        for frame in frames:
            regions = video.truth(frame, SHAPE)[1][[] if frame in missed else [0]]
            ones = torch.ones(len(regions))
            found.append(Instances(torch.from_numpy(regions.boxes()), ones.long(), ones, regions=regions))
        return found

    for missed, hits in ((), 10), ((5, 6), 8):
        order = iter(range(10))
        counts = judge_video(video, lambda images: find([next(order) for _ in images], missed), batch=3)  # noqa: B023
        for way in ("boxes", "masks"):
            assert (counts[way].truth, counts[way].hits, counts[way].switches) == (10, hits, 0)
            assert (counts[way].measures()["HOTA"] == pytest.approx(1)) == (not missed)


def test_what_lies_where_nobody_labelled_is_not_judged():
    labelled = np.zeros(SHAPE, bool)
    labelled[10:30, 10:30] = True
    masks = [labelled.copy() for _ in range(3)]
    masks[1][:] = False
    masks[1][10:30, 20:41] = True  # 10 of its 21 columns are labelled
    masks[2][:] = False
    masks[2][10:30, 20:40] = True  # half of it
    regions = Regions.from_masks(masks, SHAPE)
    found = Instances(torch.from_numpy(regions.boxes()), regions=regions)
    truth = (np.array([4]), Regions.from_masks([labelled], SHAPE))
    for drawn in (found, Instances(found.boxes)):
        frames = judged_frames(truth, np.array([1, 2, 3]), drawn)
        assert set(frames) == ({"boxes", "masks"} if drawn is found else {"boxes"})
        for frame in frames.values():
            assert frame.found.tolist() == [1, 3] and frame.overlap[0] == pytest.approx([1, 1 / 3])
