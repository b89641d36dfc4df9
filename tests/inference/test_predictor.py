"""What the predictor finds lies in the coordinates of the file, whatever the image's shape and its neighbours."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from maskrcnn.errors import CheckpointError
from maskrcnn.inference.options import AS_THE_MODEL_SAYS
from maskrcnn.inference.predictor import Predictor
from maskrcnn.structures import Instances
from tiny import CLASSES, noise, save_tiny_model, tiny_config, tiny_info, tiny_model


def photo(height, width, seed=0):
    """uint8 ``[3, H, W]``."""
    return torch.from_numpy(noise(height, width, seed)).permute(2, 0, 1)


@pytest.fixture
def predictor():
    model = tiny_model()
    return Predictor(model, tiny_info(model))


class Parrot(nn.Module):
    """Finds the same box, in coordinates of its input, in every image, and masks its left half."""

    def __init__(self, box):
        super().__init__()
        self.config, self.box, self.heads = tiny_config(), torch.tensor([box]), tiny_model().heads
        self.seen = []

    def forward(self, images, detection):
        self.seen.append(tuple(images.tensor.shape))
        mask = torch.full((1, 8, 8), -20.0)
        mask[:, :, :4] = 20.0
        return [Instances(self.box, torch.tensor([1]), torch.tensor([0.9]), mask) for _ in images.spatial_shapes]


def predict_parrot(box, height, width):
    parrot = Parrot(box)
    return Predictor(parrot, tiny_info(parrot))(photo(height, width))


def test_boxes_come_back_in_the_coordinates_of_the_file():
    # 40 x 100 becomes 25 x 64: factors 0.64 along x and 0.625, not 0.64, along y
    found = predict_parrot([6.4, 6.25, 32.0, 12.5], 40, 100)
    torch.testing.assert_close(found.boxes, torch.tensor([[10.0, 10.0, 50.0, 20.0]]))


def test_masks_lie_where_the_boxes_are():
    found = predict_parrot([6.4, 6.25, 32.0, 12.5], 40, 100)
    expected = np.zeros((40, 100), dtype=bool)
    expected[10:20, 10:30] = True
    assert np.array_equal(found.regions.mask(0), expected)


def test_boxes_and_masks_are_cut_to_the_image():
    found = predict_parrot([-6.4, -6.25, 640.0, 640.0], 40, 100)
    assert found.boxes.tolist() == [[0.0, 0.0, 100.0, 40.0]]
    assert found.regions.mask(0)[5:35, 5:50].all() and not found.regions.mask(0)[:, 50:].any()


def test_masks_belong_to_the_image_and_not_to_the_network():
    found = predict_parrot([6.4, 6.25, 32.0, 12.5], 40, 100)
    assert found.mask_logits is None
    assert found.regions.spatial_shape == (40, 100)


def test_the_network_sees_images_padded_to_its_own_divisor():
    parrot = Parrot([0.0, 0.0, 9.0, 9.0])
    Predictor(parrot, tiny_info(parrot)).predict([photo(40, 100), photo(64, 64), photo(40, 100, seed=1)])
    assert sorted(parrot.seen) == [(1, 3, 64, 64), (2, 3, 32, 64)]


def assert_same(a, b):
    assert torch.equal(a.labels, b.labels)
    torch.testing.assert_close(a.boxes, b.boxes, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(a.scores, b.scores, rtol=1e-3, atol=1e-4)
    assert np.array_equal(a.regions.areas(), b.regions.areas())


def test_a_mixed_batch_gives_what_one_image_after_the_other_gives(predictor):
    images = [photo(48, 64, 1), photo(64, 48, 2), photo(48, 64, 3), photo(30, 90, 4), photo(200, 200, 5)]
    together = predictor.predict(images)
    assert all(len(found) > 5 for found in together)
    for image, found in zip(images, together):
        assert_same(found, predictor(image))


def test_no_images_give_no_results(predictor):
    assert predictor.predict([]) == []


def test_the_best_comes_first(predictor):
    scores = predictor(photo(48, 64)).scores
    assert torch.equal(scores, scores.sort(descending=True).values)


def test_bytes_and_floats_of_the_same_values_give_the_same(predictor):
    assert_same(predictor(photo(48, 64)), predictor(photo(48, 64).float()))


def test_a_grey_image_is_seen_as_three_equal_channels(predictor):
    grey = photo(48, 64)[:1]
    assert_same(predictor(grey), predictor(grey.expand(3, -1, -1)))


@pytest.mark.parametrize("shape", [(1, 1), (4000, 3), (3, 4000), (2, 2), (65, 64)])
def test_odd_shapes_are_predicted_inside_themselves(predictor, shape):
    predictor = predictor.with_options(score=0.0)
    found = predictor(photo(*shape))
    assert len(found) > 0
    assert found.regions.spatial_shape == shape
    assert (found.boxes >= 0).all()
    assert (found.boxes <= torch.tensor([shape[1], shape[0]] * 2)).all()
    assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()


def test_an_image_in_which_nothing_is_found_has_an_empty_canvas_of_its_shape(predictor):
    predictor = predictor.with_options(score=1.0)
    found = predictor(photo(48, 64))
    assert (len(found), len(found.regions), found.regions.spatial_shape) == (0, 0, (48, 64))


def test_a_model_without_masks_has_no_regions():
    model = tiny_model(mask_head=None)
    found = Predictor(model, tiny_info(model))(photo(48, 64))
    assert len(found) > 0
    assert found.regions is None


def test_adjusting_the_score_leaves_out_the_rest_and_nothing_else(predictor):
    before = predictor(photo(48, 64))
    predictor = predictor.with_options(score=0.6)
    after = predictor(photo(48, 64))
    assert 0 < len(after) < len(before)
    assert_same(after, before[before.scores > 0.6])


def test_adjusting_the_number_keeps_the_best(predictor):
    before = predictor(photo(48, 64))
    predictor = predictor.with_options(max_detections=3)
    assert_same(predictor(photo(48, 64)), before[:3])


def test_adjusting_the_size_changes_what_the_network_sees():
    parrot = Parrot([0.0, 0.0, 9.0, 9.0])
    predictor = Predictor(parrot, tiny_info(parrot))
    predictor = predictor.with_options(image_size=128)
    predictor(photo(40, 100))
    assert parrot.seen == [(1, 3, 64, 128)]


def test_adjusting_one_thing_keeps_the_others(predictor):
    predictor = predictor.with_options(score=0.6)
    predictor = predictor.with_options(max_detections=3)
    predictor = predictor.with_options(image_size=96)
    assert predictor.detection.score_threshold == 0.6
    assert predictor.detection.max_detections == 3
    assert predictor.preprocess.max_size == 96


def test_the_threshold_decides_how_much_of_a_box_is_mask():
    model = tiny_model()
    generous = Predictor(model, tiny_info(model)).with_options(mask_threshold=0.1)(photo(48, 64)).regions.areas()
    strict = Predictor(model, tiny_info(model)).with_options(mask_threshold=0.9)(photo(48, 64)).regions.areas()
    assert (generous >= strict).all() and generous.sum() > strict.sum()


def test_load_reads_a_model_file(tmp_path):
    model = tiny_model()
    predictor = Predictor.load(save_tiny_model(tmp_path / "tiny.safetensors"), options=AS_THE_MODEL_SAYS)
    assert predictor.class_names == CLASSES
    assert_same(predictor(photo(48, 64)), Predictor(model, tiny_info(model))(photo(48, 64)))


def test_load_finds_what_a_user_would_be_shown(tmp_path):
    predictor = Predictor.load(save_tiny_model(tmp_path / "tiny.safetensors"))
    assert predictor.detection.score_threshold == 0.5


def test_load_refuses_what_is_no_model(tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(CheckpointError, match=r"notes\.txt"):
        Predictor.load(tmp_path / "notes.txt")


def test_prediction_tracks_no_gradients(predictor):
    found = predictor(photo(48, 64))
    assert not found.boxes.requires_grad and not found.scores.requires_grad


@pytest.mark.parametrize("class_agnostic", [False, True])
def test_masks_of_given_boxes_are_those_that_prediction_gives_them(class_agnostic):
    head = dataclasses.replace(tiny_config().mask_head, class_agnostic=class_agnostic)
    model = tiny_model(mask_head=head)
    predictor, image = Predictor(model, tiny_info(model)), photo(40, 100)
    found = predictor(image)
    inside = ((found.boxes > 0) & (found.boxes < torch.tensor([100, 40] * 2))).all(1)  # the others were cut
    assert inside.sum() > 3
    masks = predictor.masks(image, found.boxes[inside], found.labels[inside]).regions
    assert masks.spatial_shape == (40, 100)
    differing = [(masks.mask(i) != found.regions[inside].mask(i)).sum() for i in range(len(masks))]
    assert max(differing) <= 2  # a mapped box is off by a rounding, and so may a pixel be
    assert found.regions[inside].areas().min() > 20


def test_the_label_chooses_the_mask():
    model = tiny_model()
    predictor, boxes = Predictor(model, tiny_info(model)), torch.tensor([[10.0, 10.0, 40.0, 40.0]] * 2)
    disc, brick = predictor.mask_probabilities(photo(48, 64), boxes, torch.tensor([1, 2]))
    assert not torch.allclose(disc, brick)


def test_no_boxes_have_no_masks(predictor):
    masks = predictor.masks(photo(48, 64), torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)).regions
    assert (len(masks), masks.spatial_shape) == (0, (48, 64))
