"""Cutouts: the object's own pixels, nothing else of the image, under names that no two objects share."""

import numpy as np
import pytest
import torch
from PIL import Image

from maskrcnn.errors import UsageError
from maskrcnn.inference.results.names import cutout_name
from maskrcnn.modalities.images.cutouts import cut_out
from maskrcnn.modalities.images.results import PredictionWriter
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

SHAPE = (30, 40)


def scene():
    """An image of noise and three objects: a ring-like one, an empty one, one in the corner."""
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.integers(0, 256, (3, *SHAPE), dtype=np.uint8))
    masks = np.zeros((3, *SHAPE), bool)
    masks[0, 5:15, 8:20] = True
    masks[0, 7:12, 10:14] = False
    masks[2, 25:, 33:] = True
    regions = Regions.from_masks(masks, SHAPE)
    found = Instances(
        torch.from_numpy(regions.boxes()), torch.tensor([1, 2, 2]), torch.tensor([0.9, 0.8, 0.7]), regions=regions
    )
    return image, masks, found


@pytest.mark.parametrize("as_array", [False, True], ids=["tensor", "array"])
def test_a_cutout_holds_the_objects_pixels_and_no_others(as_array):
    image, masks, found = scene()
    pixels = image.permute(1, 2, 0).numpy()
    picture = cut_out(pixels if as_array else image, found.regions, 0)
    assert (picture.mode, picture.size) == ("RGBA", (12, 10))
    expected = np.concatenate([pixels, np.full((*SHAPE, 1), 255)], 2) * masks[0][..., None]
    np.testing.assert_array_equal(np.asarray(picture), expected[5:15, 8:20])


def test_a_float_image_of_one_channel_is_cut_as_it_is_displayed():
    image = torch.linspace(-20, 300, SHAPE[0] * SHAPE[1]).reshape(1, *SHAPE)
    picture = np.asarray(cut_out(image, scene()[2].regions, 2))
    expected = image[0, 25:, 33:].clamp(0, 255).to(torch.uint8).numpy()
    for channel in range(3):
        np.testing.assert_array_equal(picture[..., channel], expected)


def test_files_are_numbered_as_the_table_and_an_empty_object_has_none(tmp_path):
    image, _, found = scene()
    writer = PredictionWriter(tmp_path, ["cat", "traffic light"], cutouts=True)
    writer.add("photos/a.jpg", image, found)
    writer.add("others/A.jpg", image, found[:1])
    names = sorted(path.name for path in (tmp_path / "cutouts").iterdir())
    assert names == ["A-2_cutout_1_cat.png", "a_cutout_1_cat.png", "a_cutout_3_traffic-light.png"]
    with Image.open(tmp_path / "cutouts" / "a_cutout_3_traffic-light.png") as picture:
        assert picture.size == (7, 5)


def test_names_stay_in_their_folder_and_keep_letters_of_any_script():
    assert cutout_name("a", 3, "../b_c\\d") == "a_cutout_3_-b-c-d"
    assert cutout_name("a", 3, "Äpfel") == "a_cutout_3_Äpfel"
    assert cutout_name("a", 3, "///") == "a_cutout_3_-"
    assert cutout_name("a_cutout_1_b", 2, "c") != cutout_name("a", 1, "b_cutout_2_c")


def test_boxes_cannot_be_cut_out(tmp_path):
    image, _, found = scene()
    with pytest.raises(UsageError, match="no masks"):
        PredictionWriter(tmp_path, ["a", "b"], cutouts=True).add(
            "x/a.png", image, Instances(found.boxes, found.labels, found.scores)
        )


def test_images_in_the_folder_of_the_cutouts_are_not_written_over(tmp_path):
    image, _, found = scene()
    with pytest.raises(UsageError, match="another folder"):
        PredictionWriter(tmp_path, ["a", "b"], cutouts=True).add(tmp_path / "cutouts" / "a.png", image, found)
