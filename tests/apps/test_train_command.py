"""``maskrcnn train`` as a user runs it."""

import pytest
import torch
from safetensors.torch import save_file

import maskrcnn.training.fit as fit_module
from maskrcnn.checkpoints.ours import load_checkpoint, read_info
from tiny import save_tiny_model, tiny_model, write_coco

MODELS = ["best.safetensors", "last.safetensors"]
LOOKS = ["curves.png", "labels.jpg", "samples.jpg", "training-images.jpg"]  # the last of 8 images and fewer
FILES = [*MODELS, *LOOKS, "log.jsonl", "plan.yaml", "results.csv"]
JUDGED = ["metrics.json", "report.html"]  # with data to validate on


@pytest.fixture
def data(tmp_path):
    return write_coco(tmp_path / "data")


@pytest.fixture
def train(maskrcnn, tiny_file, tmp_path):
    """Two steps on four images."""

    def run(*arguments, model=tiny_file):
        few = ("--epochs", 1, "--batch", 2, "--workers", 0)
        return maskrcnn("train", *arguments, "--model", model, "--out", tmp_path / "out", *few)

    return run


@pytest.fixture
def refuses(refused, tiny_file, tmp_path):
    def run(*arguments):
        return refused("train", *arguments, "--model", tiny_file, "--out", tmp_path / "out")

    return run


def test_a_training_leaves_a_model_its_log_and_its_curves(train, data, tmp_path):
    outcome = train(data, "--val", data)
    assert outcome.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES + JUDGED)
    best = tmp_path / "out" / "best.safetensors"
    assert f"maskrcnn predict PHOTOS --model {best} --out" in outcome.err
    assert "maskrcnn doctor" not in outcome.err  # nothing is wrong with the data


def test_an_architecture_starts_from_random_weights_and_a_given_body(maskrcnn, data, tmp_path):
    body = {f"body.{name}": value.contiguous() for name, value in tiny_model().backbone.body.state_dict().items()}
    save_file(body, tmp_path / "body.safetensors")
    few = ("--epochs", 1, "--batch", 4, "--workers", 0, "--image-size", 64)
    start = ("--model", "mobilenet_v2_fpn", "--body-weights", tmp_path / "body.safetensors")
    outcome = maskrcnn("train", data, "--out", tmp_path / "out", *start, *few)
    assert outcome.code == 0
    assert f"random weights of mobilenet_v2_fpn; {len(body)} tensors of the body come from" in outcome.err
    trained = load_checkpoint(tmp_path / "out" / "best.safetensors")[0].backbone.body
    assert torch.equal(trained.stem.conv.weight, body["body.stem.conv.weight"])  # frozen


def test_what_was_trained_can_predict(maskrcnn, train, data, tmp_path):
    train(data)
    model = tmp_path / "out" / "best.safetensors"
    assert maskrcnn("predict", data.parent / "images", "--model", model, "--out", tmp_path / "found").code == 0


def test_the_user_is_told_what_is_trained_on_what(train, data, tiny_file):
    said = train(data).err
    assert f"Starting from {tiny_file}." in said
    assert "Training on 4 images of disc, brick" in said


def test_a_finished_training_is_resumed_to_no_effect(train, data, tmp_path):
    train(data)
    before = (tmp_path / "out" / "last.safetensors").read_bytes()
    outcome = train(data, "--resume")
    assert outcome.code == 0
    assert (tmp_path / "out" / "last.safetensors").read_bytes() == before


def test_a_resumed_training_keeps_its_own_recipe_and_says_so(maskrcnn, tiny_file, data, tmp_path, monkeypatch):
    command = ("train", data, "--model", tiny_file, "--out", tmp_path / "out", "--batch", 2, "--workers", 0)
    true_step, steps = fit_module.train_step, []

    def die_in_the_second_epoch(*arguments):
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return true_step(*arguments)

    monkeypatch.setattr(fit_module, "train_step", die_in_the_second_epoch)
    assert maskrcnn(*command, "--epochs", 2).code == 130
    outcome = maskrcnn(*command, "--epochs", 1, "--resume", "--lr", 0.5)
    assert outcome.code == 0 and len(steps) == 5
    assert "flags of its beginning" in outcome.err
    assert read_info(tmp_path / "out" / "last.safetensors").notes["recipe"]["lr"] == 6e-4


def test_a_folder_with_a_training_is_not_written_over(train, refuses, data, tmp_path):
    train(data)
    before = (tmp_path / "out" / "last.safetensors").read_bytes()
    sentence = refuses(data)
    assert str(tmp_path / "out") in sentence and "--resume" in sentence
    assert (tmp_path / "out" / "last.safetensors").read_bytes() == before


def test_resuming_where_nothing_was_begun_is_refused(refuses, data, tmp_path):
    assert f"nothing to resume in {tmp_path / 'out'}" in refuses(data, "--resume")


def test_resuming_on_other_classes_is_refused(train, refuses, data, tmp_path):
    train(data)
    sentence = refuses(write_coco(tmp_path / "other", classes=("aardvark",)), "--resume")
    assert "disc, brick" in sentence and "aardvark" in sentence


def test_resuming_from_a_file_that_does_not_know_its_recipe_is_refused(refuses, data, tmp_path):
    save_tiny_model(tmp_path / "out" / "last.safetensors")
    assert str(tmp_path / "out" / "last.safetensors") in refuses(data, "--resume")


def test_new_classes_are_named_and_learned(train, tmp_path):
    classes = ("brick", "aardvark", "disc")
    outcome = train(write_coco(tmp_path / "data", classes=classes))
    assert outcome.code == 0
    assert "; new classes: aardvark.\n" in outcome.err
    model, info = load_checkpoint(tmp_path / "out" / "best.safetensors")
    assert (info.class_names, info.category_ids, model.config.num_classes) == (classes, (1, 2, 3), 3)


def test_data_without_masks_train_a_model_without_masks_and_say_so(train, tmp_path):
    outcome = train(write_coco(tmp_path / "data", masks=False))
    assert outcome.code == 0
    assert "no masks" in outcome.err and "Faster R-CNN" in outcome.err
    model, info = load_checkpoint(tmp_path / "out" / "best.safetensors")
    assert info.config.mask_head is None and "mask" not in model.heads


def test_the_image_size_is_part_of_what_was_trained(train, data, tmp_path):
    train(data, "--image-size", 96)
    assert read_info(tmp_path / "out" / "best.safetensors").config.preprocess.max_size == 96


def test_an_unreadable_image_is_named_and_the_rest_is_trained_on(train, data, tmp_path):
    (data.parent / "images" / "2.png").write_bytes(b"no image")
    outcome = train(data)
    assert outcome.code == 0
    (line,) = [line for line in outcome.err.splitlines() if "2.png" in line]
    assert line.startswith(f"note: An image was left out: {data.parent / 'images' / '2.png'} is not an image")
    assert (tmp_path / "out" / "best.safetensors").is_file()


def test_validation_data_without_a_known_class_are_refused_before_the_training(refuses, data, tmp_path):
    other = write_coco(tmp_path / "other", classes=("aardvark",))
    assert "aardvark" in refuses(data, "--val", other)
    assert not (tmp_path / "out" / "last.safetensors").exists()


def test_missing_validation_data_are_refused_before_the_training(refuses, data, tmp_path):
    assert str(tmp_path / "gone") in refuses(data, "--val", tmp_path / "gone")


def test_body_weights_that_cannot_be_read_are_refused(refuses, data, tmp_path):
    (tmp_path / "body.safetensors").write_text("no weights")
    assert str(tmp_path / "body.safetensors") in refuses(data, "--body-weights", tmp_path / "body.safetensors")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--epochs", 0),
        ("--batch", 0),
        ("--lr", 0),
        ("--lr", "nan"),
        ("--image-size", 0),
        ("--validate-every", 0),
        ("--workers", -1),
        ("--seed", -1),
        ("--device", "toaster"),
    ],
)
def test_a_flag_out_of_range_is_refused_and_named(refuses, data, tmp_path, flag, value):
    sentence = refuses(data, flag, value)
    assert flag in sentence and str(value) in sentence
    assert not (tmp_path / "out").exists()


def test_resuming_a_finished_training_says_so_and_how_to_go_on(train, data, tmp_path):
    train(data, "--val", data)
    (tmp_path / "out" / "metrics.json").unlink()  # as if it had been killed before its report
    said = train(data, "--val", data, "--resume").err
    out = tmp_path / "out"
    assert "has finished" in said and f"--model {out / 'best.safetensors'} --out {out}-more" in said
    assert (out / "metrics.json").exists()


def test_ctrl_c_names_the_command_that_goes_on(train, data, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("maskrcnn.training.fit.train_step", stop)
    outcome = train(data)
    assert outcome.code == 130
    assert f"maskrcnn train {data} --out {tmp_path / 'out'} --resume" in outcome.err
    monkeypatch.undo()
    assert train(data, "--resume").code == 0
