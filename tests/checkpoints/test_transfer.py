"""A model that starts from another keeps what was learned of the classes that both know."""

import pytest
import torch
from safetensors.torch import save_file

from maskrcnn.checkpoints.transfer import load_body, same_weights, transfer
from maskrcnn.config import BoxHeadConfig, MaskHeadConfig, PoolConfig
from maskrcnn.errors import CheckpointError
from tiny import tiny_model

POOL = PoolConfig(4)
AGNOSTIC = {
    "box_head": BoxHeadConfig(POOL, hidden=16, class_agnostic=True),
    "mask_head": MaskHeadConfig(POOL, channels=8, convs=1, class_agnostic=True),
}


@pytest.fixture
def source():
    return tiny_model(seed=0, num_classes=2)


def class_rows(model, k):
    """All that the output layers hold of label ``k``, as one vector."""
    box, parts = model.heads["box"], []
    for layer, first, count in (
        (box.class_logits, k, 1),
        (box.box_deltas, 4 * (k - 1), 4),
        (model.heads["mask"].logits, k - 1, 1),
    ):
        parts += [layer.weight[first : first + count].flatten(), layer.bias[first : first + count].flatten()]
    return torch.cat(parts)


def test_the_same_classes_give_the_same_model(source):
    target = tiny_model(seed=1, num_classes=2)
    assert transfer(source, ("cat", "dog"), target, ("cat", "dog")) == []
    assert same_weights(source, target)


def test_classes_in_another_order_keep_their_own_rows(source):
    target = tiny_model(seed=1, num_classes=2)
    assert transfer(source, ("cat", "dog"), target, ("dog", "cat")) == []
    assert torch.equal(class_rows(target, 1), class_rows(source, 2))
    assert torch.equal(class_rows(target, 2), class_rows(source, 1))


def test_an_added_class_starts_from_nothing_beside_the_known_ones(source):
    target, fresh = tiny_model(seed=1, num_classes=3), tiny_model(seed=1, num_classes=3)
    assert transfer(source, ("cat", "dog"), target, ("cat", "cow", "dog")) == []
    assert torch.equal(class_rows(target, 1), class_rows(source, 1))
    assert torch.equal(class_rows(target, 2), class_rows(fresh, 2))
    assert torch.equal(class_rows(target, 3), class_rows(source, 2))


def test_a_class_that_is_left_out_takes_its_rows_with_it(source):
    target = tiny_model(seed=1, num_classes=1)
    assert transfer(source, ("cat", "dog"), target, ("dog",)) == []
    assert torch.equal(class_rows(target, 1), class_rows(source, 2))


def test_as_many_classes_of_other_names_are_not_mistaken_for_known_ones(source):
    target, fresh = tiny_model(seed=1, num_classes=2), tiny_model(seed=1, num_classes=2)
    transfer(source, ("cat", "dog"), target, ("bus", "car"))
    assert torch.equal(class_rows(target, 1), class_rows(fresh, 1))
    assert torch.equal(class_rows(target, 2), class_rows(fresh, 2))


def test_background_and_all_that_knows_no_class_is_always_kept(source):
    target = tiny_model(seed=1, num_classes=2)
    transfer(source, ("cat", "dog"), target, ("bus", "car"))
    ours, theirs = target.state_dict(), source.state_dict()
    by_class = ("heads.box.class_logits", "heads.box.box_deltas", "heads.mask.logits")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if not name.startswith(by_class))
    assert torch.equal(ours["heads.box.class_logits.weight"][0], theirs["heads.box.class_logits.weight"][0])


@pytest.mark.parametrize(
    ("before", "after"), [(("cat", "dog"), ("dog", "cat")), (("cat", "dog"), ("dog", "cow", "cat")), (("a",), ("b",))]
)
def test_class_agnostic_heads_are_kept_whole(before, after):
    source = tiny_model(seed=0, num_classes=len(before), **AGNOSTIC)
    target = tiny_model(seed=1, num_classes=len(after), **AGNOSTIC)
    assert transfer(source, before, target, after) == []
    for layer in ("heads.box.box_deltas", "heads.mask.logits"):
        for part in ("weight", "bias"):
            assert torch.equal(target.state_dict()[f"{layer}.{part}"], source.state_dict()[f"{layer}.{part}"])


def test_what_does_not_fit_is_named(source):
    target = tiny_model(seed=1, num_classes=2, box_head=BoxHeadConfig(POOL, hidden=20))
    kept = transfer(source, ("cat", "dog"), target, ("cat", "dog"))
    assert "heads.box.fc1.weight" in kept
    assert all(name.startswith("heads.box.") for name in kept)


def test_a_source_without_masks_leaves_the_mask_head_as_it_is():
    source, target = tiny_model(seed=0, mask_head=None), tiny_model(seed=1)
    kept = transfer(source, ("cat", "dog"), target, ("cat", "dog"))
    assert kept and all(name.startswith("heads.mask.") for name in kept)


def body_of(model):
    return {f"body.{name}": value.contiguous() for name, value in model.backbone.body.state_dict().items()}


def test_a_body_is_loaded_and_the_rest_stays(source, tmp_path):
    save_file(body_of(source), tmp_path / "body.safetensors")
    target, fresh = tiny_model(seed=1), tiny_model(seed=1)
    assert load_body(target, tmp_path / "body.safetensors") == len(body_of(source))
    assert all(torch.equal(body_of(target)[name], value) for name, value in body_of(source).items())
    assert torch.equal(target.heads["box"].fc1.weight, fresh.heads["box"].fc1.weight)


def test_a_body_with_a_tensor_missing_is_refused(source, tmp_path):
    tensors = body_of(source)
    tensors.pop("body.last.conv.weight")
    save_file(tensors, tmp_path / "body.safetensors")
    with pytest.raises(CheckpointError, match=r"body\.safetensors does not fit the body: 1 .* last\.conv\.weight"):
        load_body(source, tmp_path / "body.safetensors")


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_a_body_that_cannot_be_read_is_refused(source, tmp_path, content):
    path = tmp_path / "body.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"body\.safetensors (does not exist|is no safetensors file)"):
        load_body(source, path)
