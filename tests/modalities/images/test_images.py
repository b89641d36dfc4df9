"""Images of every mode and state come out as 0..255 tensors, or as one sentence."""

import numpy as np
import pytest
import torch
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.read.find import find_images, is_image
from maskrcnn.modalities.images.read.pictures import image_shape, read_image, read_record_image
from maskrcnn.structures import Record

NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb_or_grey(tmp_path, mode):
    path = tmp_path / ("image.jpg" if mode in ("CMYK", "YCbCr") else "image.png")
    Image.fromarray(NOISE).convert(mode).save(path)
    for channels in (1, 3):
        image = read_image(path, channels)
        assert image.shape == (channels, 20, 30)
        assert image.dtype == torch.uint8
        assert image.max() > 128


def test_pixels_are_those_of_the_file(tmp_path):
    Image.fromarray(NOISE).save(tmp_path / "image.png")
    assert np.array_equal(read_image(tmp_path / "image.png").permute(1, 2, 0).numpy(), NOISE)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_white(tmp_path, mode):
    image = Image.fromarray(NOISE).convert(mode)
    image.putalpha(0)
    image.save(tmp_path / "image.png")
    assert (read_image(tmp_path / "image.png") == 255).all()


def test_a_transparent_palette_colour_is_white(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 2), 1)
    image.save(tmp_path / "image.png", transparency=0)
    read = read_image(tmp_path / "image.png")
    assert read[:, 0, 0].tolist() == [255, 255, 255]
    assert read[:, 2, 1].tolist() == [200, 100, 50]


def test_16_bit_grey_is_scaled_by_its_own_range(tmp_path):
    values = np.linspace(500, 4095, 600).reshape(20, 30)
    values[0, 0] = 65535  # a hot pixel
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "image.png")
    image = read_image(tmp_path / "image.png")
    assert image.shape == (3, 20, 30)
    assert image.dtype == torch.float32
    assert image.min() == 0
    assert image.max() == 255
    assert image.median() > 10


def test_16_bit_images_of_one_value_become_zero(tmp_path):
    Image.fromarray(np.full((20, 30), 777, np.uint16)).save(tmp_path / "image.png")
    assert (read_image(tmp_path / "image.png") == 0).all()


def test_float_images_with_nan_are_read(tmp_path):
    values = np.linspace(-1, 1, 600, dtype=np.float32).reshape(20, 30)
    values[3, 3] = np.nan
    Image.fromarray(values).save(tmp_path / "image.tif")
    image = read_image(tmp_path / "image.tif", channels=1)
    assert torch.isfinite(image).all()
    assert image.max() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_an_image_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(NOISE).save(tmp_path / "image.png", exif=exif)
    turned = orientation >= 5
    upright = (30, 20) if turned else (20, 30)
    assert tuple(read_image(tmp_path / "image.png").shape[1:]) == upright
    assert image_shape(tmp_path / "image.png") == upright
    for labelled_on in ((20, 30), upright):
        record = Record(str(tmp_path / "image.png"), 1, "image.png", labelled_on, np.zeros((0, 4)), np.zeros(0))
        assert tuple(read_record_image(record).shape[1:]) == labelled_on


def test_an_image_of_another_size_than_its_labels_is_refused(tmp_path):
    Image.fromarray(NOISE).save(tmp_path / "image.png")
    record = Record(str(tmp_path / "image.png"), 1, "image.png", (20, 31), np.zeros((0, 4)), np.zeros(0))
    with pytest.raises(DataError, match=r"image.png is 30 x 20 pixels but its labels were drawn on 31 x 20"):
        read_record_image(record)


@pytest.mark.parametrize("shape", [(1, 1), (3, 4000), (4000, 3)])
def test_odd_shapes_are_read(tmp_path, shape):
    Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / "image.png")
    assert tuple(read_image(tmp_path / "image.png").shape[1:]) == shape


def test_broken_files_are_named_in_one_sentence(tmp_path, monkeypatch):
    Image.fromarray(NOISE.repeat(10, 0).repeat(10, 1)).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("this is no image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    expected = {
        "cut.jpg": "cut off",
        "text.png": "not an image",
        "empty.png": "empty",
        "folder.png": "is a folder",
        "absent.png": "does not exist",
    }
    for name, words in expected.items():
        assert_one_sentence(tmp_path / name, words)
    monkeypatch.setenv("MASKRCNN_MAX_PIXELS", "100")
    assert_one_sentence(tmp_path / "whole.jpg", "more than the 100 that --max-pixels allows")


def assert_one_sentence(path, words):
    with pytest.raises(DataError) as caught:
        read_image(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_other_numbers_of_channels_are_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="1 or 3"):
        read_image(tmp_path / "image.png", channels=4)


def test_find_images_walks_folders_in_order(tmp_path, save_image):
    for name in ("b.jpg", "a.PNG", "sub/c.png", "sub/deeper/d.tif", "out/e.png", ".hidden/f.png", ".g.png"):
        save_image(tmp_path / name)
    (tmp_path / "notes.txt").write_text("")
    names = [str(path.relative_to(tmp_path)) for path in find_images(tmp_path, exclude=tmp_path / "out")]
    assert names == ["a.PNG", "b.jpg", "sub/c.png", "sub/deeper/d.tif"]
    assert find_images([tmp_path / "b.jpg", tmp_path, tmp_path / "b.jpg"])[0] == tmp_path / "b.jpg"
    assert len(find_images([tmp_path / "b.jpg", tmp_path])) == 5
    with pytest.raises(DataError, match="absent.png does not exist"):
        find_images(tmp_path / "absent.png")


def test_is_image_goes_by_suffix():
    assert is_image("A.JPEG")
    assert not is_image("a.json")
