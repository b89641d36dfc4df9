import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle
from maskrcnn.video.labelled.frames import frames_of
from maskrcnn.video.labelled.layout import has_labelled_videos, labelled_sequences
from maskrcnn.video.labelled.read import class_of_number, read_class_names, read_numbers
from maskrcnn.video.labelled.videos import labelled_videos
from video.made_sequences import SHAPE, moving, write_sequences

pytest.importorskip("av")


@pytest.mark.parametrize("as_video", [True, False])
@pytest.mark.parametrize("labels", ["instances", "masks"])
def test_a_folder_of_sequences_is_found_with_its_frames_and_labels(tmp_path, labels, as_video):
    write_sequences(tmp_path, ["b", "a"], labels=labels, as_video=as_video)
    assert [sequence.name for sequence in labelled_sequences(tmp_path)] == ["a", "b"]
    video = labelled_videos(tmp_path)[1]
    images, masks = moving(8, 0)
    frames = list(frames_of(video.frames))
    assert video.length == len(frames) == 8
    for k, (frame, image, mask) in enumerate(zip(frames, images, masks)):
        assert np.abs(frame.astype(int) - image).mean() < (12 if as_video else 0.1)
        numbers, regions = video.truth(k, SHAPE)
        assert numbers.tolist() == [255] and (regions.mask(0) == mask).all()
    assert video.truth(8, SHAPE) is None


def test_frames_beside_instances_are_found_and_in_the_order_of_their_numbers(tmp_path):
    write_sequences(tmp_path, ["a"], frames=12, labels="instances", as_video=False)
    (tmp_path / "videos" / "a").rename(tmp_path / "a")
    (video,) = labelled_videos(tmp_path)
    assert video.frames == tmp_path / "a"
    assert (np.array(list(frames_of(video.frames))) == np.array(moving(12, 0)[0])).all()


def test_folders_of_other_data_are_no_sequences(tmp_path):
    (tmp_path / "masks" / "train").mkdir(parents=True)
    (tmp_path / "train").mkdir()
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "coco.json").write_text('{"images": [], "annotations": []}')
    assert not has_labelled_videos(tmp_path) and not has_labelled_videos(tmp_path / "coco.json")
    assert not has_labelled_videos(tmp_path / "gone")


def youtube_vis(folder, frames=4, **changes):
    """Two objects as compressed and as plain run lengths; the second is out of sight in frame 1."""
    images, masks = moving(frames, 0)
    names = [f"clip/{k:05d}.jpg" for k in range(frames)]
    for name, image in zip(names, images):
        (folder / "JPEGImages" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "JPEGImages" / name, quality=95)
    packed = [regions_to_rle(Regions.from_masks([mask], SHAPE), 0) for mask in masks]
    column = np.zeros(SHAPE, bool)
    column[:, 3] = True
    plain = {"size": list(SHAPE), "counts": [3 * SHAPE[0], SHAPE[0], (SHAPE[1] - 4) * SHAPE[0]]}
    content = {
        "videos": [{"id": 7, "file_names": names, "height": SHAPE[0], "width": SHAPE[1], "length": frames}],
        "categories": [{"id": 1, "name": "disc"}],
        "annotations": [
            {"id": 3, "video_id": 7, "category_id": 1, "segmentations": packed},
            {"id": 5, "video_id": 7, "category_id": 1, "segmentations": [plain, None] + [plain] * (frames - 2)},
        ],
    } | changes
    (folder / "instances.json").write_text(json.dumps(content))
    return masks, column


@pytest.mark.parametrize("named", ["", "instances.json"])
def test_json_of_youtube_vis_is_read_with_its_frames(tmp_path, named):
    masks, column = youtube_vis(tmp_path)
    (video,) = labelled_videos(tmp_path / named)
    assert video.name == "clip" and video.length == 4 and len(list(frames_of(video.frames))) == 4
    numbers, regions = video.truth(0, SHAPE)
    assert numbers.tolist() == [3, 5] and (regions.mask(0) == masks[0]).all() and (regions.mask(1) == column).all()
    assert video.truth(1, SHAPE)[0].tolist() == [3] and video.truth(4, SHAPE) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"annotations": [{"id": 1, "segmentations": []}]}, "no json of YouTube-VIS"),
        ({"annotations": [{"id": 1, "video_id": 7, "segmentations": [{"size": [2, 2], "counts": "x"}]}]}, "2 x 2"),
        ({"annotations": [{"id": 1, "video_id": 7, "segmentations": [[1, 2]]}]}, "no run lengths"),
        (
            {"annotations": [{"id": 1, "video_id": 7, "segmentations": [{"size": list(SHAPE), "counts": "1"}]}] * 2},
            "twice in frame 0",
        ),
    ],
)
def test_faults_of_youtube_vis_are_sentences(tmp_path, change, said):
    youtube_vis(tmp_path, **change)
    with pytest.raises(DataError, match=said):
        labelled_videos(tmp_path)[0].truth(0, SHAPE)


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_numbers_are_read_from_grey_deep_and_coloured_by_a_palette(tmp_path, mode):
    numbers = np.arange(48).reshape(6, 8) * (1000 if mode == "I;16" else 1)
    picture = Image.fromarray(numbers.astype(np.uint16 if mode == "I;16" else np.uint8))
    if mode == "P":
        picture = Image.fromarray(numbers.astype(np.uint8), "P")
        picture.putpalette([k % 256 for k in range(768)])
    picture.save(tmp_path / "0.png")
    assert (read_numbers(tmp_path / "0.png") == numbers).all()


def test_what_cannot_be_numbers_is_said(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "colours.png")
    with pytest.raises(DataError, match="colours.png holds colours"):
        read_numbers(tmp_path / "colours.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="broken.png cannot be read"):
        read_numbers(tmp_path / "broken.png")
    (tmp_path / "classes.json").write_text('{"1": 2}')
    with pytest.raises(DataError, match="must hold the class name"):
        read_class_names(tmp_path)
    assert class_of_number({"1": "person", "a": "dog"}) == {1: "person"}


def test_a_file_that_is_no_video_is_said(tmp_path):
    (tmp_path / "a.mp4").write_text("text")
    with pytest.raises(DataError, match="a.mp4 cannot be read as a video"):
        list(frames_of(tmp_path / "a.mp4"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no pictures"):
        list(frames_of(tmp_path / "empty"))
