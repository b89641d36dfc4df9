"""Videos of all kinds as frames with their times; what is wrong with one is said in a sentence that names it."""

import numpy as np
import pytest

pytest.importorskip("av")

from clips import COLOURS, HEIGHT, WIDTH, save_clip, scene
from maskrcnn.errors import DataError
from maskrcnn.video.reading.clip import Part
from maskrcnn.video.reading.container import Container, on_white
from maskrcnn.video.reading.names import find_clips
from maskrcnn.video.reading.open import Source, sources_of, without
from maskrcnn.video.reading.pictures import Pictures
from tiny import save_photo

LOSSLESS = {"codec": "ffv1", "pix_fmt": "bgr0"}


def read(path, part=None):
    clip = Source(path).open(part)
    return clip, list(clip)


@pytest.mark.parametrize(
    "name, codec", [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.mov", "libx264"), ("a.webm", "libvpx-vp9"),
                    ("a.avi", "mpeg4"), ("a.ts", "libx264")]
)  # fmt: skip
def test_every_frame_of_every_container_comes_with_its_time(tmp_path, name, codec):
    clip, frames = read(save_clip(tmp_path / name, scene(12), rate=10, codec=codec))
    assert [frame.index for frame in frames] == list(range(12))
    assert np.allclose([frame.time for frame in frames], np.arange(12) / 10, atol=0.002)
    assert clip.about.size == (HEIGHT, WIDTH) and abs(clip.about.rate - 10) < 0.5 and clip.about.notes == []
    assert all(np.abs(frame.image.astype(int) - made).mean() < 12 for frame, made in zip(frames, scene(12)))


def test_a_lossless_video_comes_to_the_last_bit(tmp_path):
    _, frames = read(save_clip(tmp_path / "a.mkv", scene(5), **LOSSLESS))
    assert all((frame.image == made).all() for frame, made in zip(frames, scene(5)))


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_a_video_from_a_turned_phone_is_upright(tmp_path, turn):
    upright = scene(3, squares=1)
    stored = [np.rot90(frame, -turn // 90) for frame in upright]
    clip, frames = read(save_clip(tmp_path / "a.mp4", stored, rotation=turn))
    assert clip.about.size == (HEIGHT, WIDTH)
    assert np.abs(frames[0].image.astype(int) - upright[0]).mean() < 12


def test_times_of_a_variable_rate_are_kept(tmp_path):
    times = [0.0, 0.04, 0.2, 0.21, 0.9]
    _, frames = read(save_clip(tmp_path / "a.mp4", scene(5), times=times))
    assert np.allclose([frame.time for frame in frames], times, atol=0.001)


def test_odd_sizes_ten_bits_and_transparency(tmp_path):
    odd, frames = read(save_clip(tmp_path / "odd.mkv", scene(2, 47, 63), **LOSSLESS))
    assert odd.about.size == (47, 63) and frames[0].image.shape == (47, 63, 3)
    _, deep = read(save_clip(tmp_path / "deep.mkv", scene(2), codec="ffv1", pix_fmt="yuv420p10le"))
    assert np.abs(deep[1].image.astype(int) - scene(2)[1]).mean() < 12
    seen_through = [np.dstack([frame, np.full((HEIGHT, WIDTH), 0, np.uint8)]) for frame in scene(2)]
    _, clear = read(save_clip(tmp_path / "clear.mkv", seen_through, codec="ffv1", pix_fmt="bgra"))
    assert (clear[0].image == 255).all()


def test_what_is_half_transparent_is_seen_on_white():
    pixels = np.array([[[100, 0, 200, 255], [100, 0, 200, 0], [100, 0, 200, 128]]], np.uint8)
    assert on_white(pixels).tolist() == [[[100, 0, 200], [255, 255, 255], [177, 127, 227]]]


def test_interlaced_video_is_said(tmp_path):
    path = save_clip(
        tmp_path / "a.ts", scene(6, 96, 128), codec="mpeg2video", options={"flags": "+ildct+ilme"}, rate=25
    )
    assert "interlaced" in " ".join(read(path)[0].about.notes)


def test_a_file_that_was_cut_off_gives_what_can_be_read_and_says_so(tmp_path):
    path = save_clip(tmp_path / "a.mp4", scene(60))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.8)])
    clip, frames = read(path)
    assert 5 < len(frames) < 60
    assert clip.about.notes == [f"{path} is cut off or damaged: {len(frames)} of 60 frames could be read."]


def test_a_recording_that_was_broken_off_has_no_index(tmp_path):
    path = tmp_path / "a.mp4"
    save_clip(tmp_path / "b.mov", scene(30))  # its index comes last
    path.write_bytes((tmp_path / "b.mov").read_bytes()[:-1000])
    with pytest.raises(DataError, match=r"a\.mp4 has no index \(moov\)"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"no video\n" * 50, bytes(range(256)) * 40])
def test_what_is_no_video_is_said(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.mp4 is no video that can be read"):
        read(tmp_path / "a.mp4")


def test_sound_alone_is_said(tmp_path):
    import av

    from clips import _tone

    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        for packet in _tone(out.add_stream("aac", rate=48_000), 1.0):
            out.mux(packet)
    with pytest.raises(DataError, match="holds no pictures, only sound"):
        read(tmp_path / "a.mp4")


def test_a_video_of_one_frame(tmp_path):
    clip, frames = read(save_clip(tmp_path / "a.mp4", scene(1)))
    assert len(frames) == 1 and clip.about.frames == 1 and clip.about.notes == []


def test_frames_that_change_their_size_are_scaled_to_the_first(tmp_path):
    first = save_clip(tmp_path / "1.ts", scene(8)).read_bytes()
    second = save_clip(tmp_path / "2.ts", scene(8, 96, 128)).read_bytes()
    (tmp_path / "a.ts").write_bytes(first + second)
    clip, frames = read(tmp_path / "a.ts")
    assert len(frames) > 12 and {frame.image.shape for frame in frames} == {(HEIGHT, WIDTH, 3)}
    assert "change their size at frame 8" in clip.about.notes[0]
    times = [frame.time for frame in frames]
    assert all(a < b for a, b in zip(times, times[1:]))


@pytest.mark.parametrize(
    "part, places",
    [
        (Part(every=4), [0, 4, 8, 12, 16]),
        (Part(start=0.5, end=0.9), [5, 6, 7, 8]),
        (Part(fps=5), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]),
        (Part(start=1.0, fps=2.5), [10, 14, 18]),
        (Part(end=0.35), [0, 1, 2, 3]),
    ],
)
def test_a_part_of_a_video(tmp_path, part, places):
    clip, frames = read(save_clip(tmp_path / "a.mp4", scene(20), rate=10), part)
    assert [frame.index for frame in frames] == places
    assert clip.about.frames == len(places) and clip.about.notes == []


def test_a_folder_of_frames_is_a_video_in_the_order_of_its_numbers(tmp_path):
    for k in (1, 2, 10):
        save_photo(tmp_path / "run" / f"{k}.png", seed=k)
    source = sources_of([tmp_path / "run"], video=True)[0]
    assert [path.name for path in source.frames] == ["1.png", "2.png", "10.png"] and source.stem == "run"
    clip = source.open(Part(fps=2))
    assert [(frame.index, frame.time) for frame in clip] == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert clip.about.names == ("1.png", "2.png", "10.png")


def test_a_frame_that_cannot_be_read_is_left_out_and_another_size_is_scaled(tmp_path, save_image):
    files = [save_image(tmp_path / f"{k}.png", 40 + k, 60) for k in range(3)]
    files[1].write_text("no picture")
    clip = Pictures("run", files)
    frames = list(clip)
    assert [frame.index for frame in frames] == [0, 2] and frames[1].image.shape == (40, 60, 3)
    assert "1.png" in clip.about.notes[0] and "not of one size" in clip.about.notes[1]
    for file in files:
        file.write_text("no picture")
    with pytest.raises(DataError, match="None of the 3 pictures"):
        Pictures("run", files)


def test_videos_among_inputs(tmp_path, save_image):
    clip, deep = tmp_path / "a.mp4", tmp_path / "in" / "b.MOV"
    deep.parent.mkdir()
    (tmp_path / "in" / ".hidden.mp4").write_bytes(b"")
    for path in (clip, deep):
        path.write_bytes(b"x")
    photo = save_image(tmp_path / "in" / "c.png")
    assert find_clips([tmp_path, clip]) == [clip, deep]
    assert [source.path for source in sources_of([photo, tmp_path / "in", clip])] == [deep, clip]
    assert without([photo, tmp_path / "in", clip], sources_of([clip])) == [photo, tmp_path / "in"]
    assert find_clips([tmp_path], exclude=tmp_path / "in") == [clip]
    frames = sources_of([photo], video=True)
    assert frames == [Source(tmp_path / "in", (photo,))] and without([photo], frames) == []


def test_a_gif_is_a_video_where_that_is_asked(tmp_path):
    from PIL import Image

    pages = [Image.fromarray(frame) for frame in scene(6)]
    pages[0].save(tmp_path / "a.gif", save_all=True, append_images=pages[1:], duration=100, loop=0)
    assert sources_of([tmp_path / "a.gif"]) == []
    (source,) = sources_of([tmp_path / "a.gif"], video=True)
    frames = list(source.open())
    assert len(frames) == 6 and np.allclose([frame.time for frame in frames], np.arange(6) / 10, atol=0.001)
    assert (np.abs(frames[0].image.astype(int) - COLOURS["red"]) < 60).all(-1).sum() > 100


def test_a_container_reads_what_it_is_given_once(tmp_path):
    clip = Container(save_clip(tmp_path / "a.mp4", scene(3)))
    assert len(list(clip)) == 3
    clip.close()
