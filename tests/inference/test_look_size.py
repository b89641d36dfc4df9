"""What a model would look at at once is asked for before it looks: ``--tile off`` shows it a whole file."""

import numpy as np
import pytest
import torch

from maskrcnn.data.parsing import size_limit
from maskrcnn.errors import DataError
from maskrcnn.inference.look_size import bytes_a_sample, check_look_size, packed_size
from maskrcnn.inference.predictor import Predictor
from tiny import tiny_info, tiny_model
from tiny_signals import RATE, STEP, save_tiny_signal_model, tiny_signal_model

nibabel = pytest.importorskip("nibabel")


def volume(folder):
    model = save_tiny_signal_model(folder / "model.safetensors", kind="volume", ndim=3)
    affine = np.diag([STEP, STEP, STEP, 1])
    nibabel.save(nibabel.Nifti1Image(np.zeros((40, 40, 40), np.uint8), affine), folder / "flat.nii.gz")
    return folder / "flat.nii.gz", model


def recording(folder):
    model = save_tiny_signal_model(folder / "model.safetensors")
    np.savez_compressed(folder / "flat.npz", samples=np.zeros((1, 60_000), np.float32), rate=RATE)
    return folder / "flat.npz", model


@pytest.fixture
def limits(monkeypatch):
    """A machine on which a megabyte is much."""
    monkeypatch.setattr(size_limit, "HARMLESS", 2**20)
    monkeypatch.setattr(size_limit, "check_size", lambda *arguments: None)


@pytest.mark.parametrize("kind", [volume, recording])
def test_a_file_is_seen_as_a_whole_only_where_that_fits(maskrcnn, tmp_path, limits, kind):
    path, model = kind(tmp_path)
    flags = ("predict", path, "--model", model, "--out", tmp_path / "out", "--tile", "off")
    refused = maskrcnn(*flags)
    assert refused.code == 1
    assert f"{path} is packed more tightly than real files are and would take about" in refused.out + refused.err
    assert "seen as a whole; leave out --tile" in refused.out + refused.err
    assert maskrcnn(*flags, "--max-pixels", 64_000).code == 0


@pytest.mark.parametrize("kind", [volume, recording])
def test_what_does_not_fit_at_all_is_refused_whatever_is_allowed(maskrcnn, tmp_path, limits, monkeypatch, kind):
    path, model = kind(tmp_path)
    monkeypatch.setattr(size_limit, "free_memory", lambda: 2**20)
    flags = ("predict", path, "--model", model, "--out", tmp_path / "out", "--max-pixels", 10**9)
    refused = maskrcnn(*flags, "--tile", "off")
    assert refused.code == 1 and "GiB are free; leave out --tile, or choose" in refused.out + refused.err


def test_pictures_are_resized_first(tmp_path, limits):
    model = tiny_model()
    predictor, path = Predictor(model, tiny_info(model)), tmp_path / "flat.png"
    path.write_bytes(bytes(100))
    image = torch.zeros(3, 100, 100, dtype=torch.uint8)
    check_look_size(path, predictor, image, None)
    with pytest.raises(DataError, match="seen as a whole; choose a smaller --image-size, or, if it is right"):
        check_look_size(path, predictor.with_options(image_size=800), image, None)
    with pytest.raises(DataError, match="seen in tiles of 90; choose a smaller --tile"):
        check_look_size(path, predictor.with_options(image_size=800, tile=90), image, None)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_weight_of_a_sample_is_that_of_the_largest_layer(ndim):
    """The stem's output is eight channels wide at full size, and the first norm makes another of it."""
    model = tiny_signal_model(ndim=ndim)
    pyramid = sum(8 * 2.0 ** (-ndim * k) for k in range(1, 6))
    assert bytes_a_sample(model) == pytest.approx(4 * (1 + 2 * 8 + pyramid), rel=0.1)


def test_what_lies_beside_a_header_counts_and_what_lies_beside_a_file_does_not(tmp_path):
    for name, size in (("a.hea", 3), ("a.dat", 500), ("b.nii", 70)):
        (tmp_path / name).write_bytes(bytes(size))
    assert [packed_size(tmp_path / name) for name in ("a.hea", "b.nii", "")] == [573, 70, 573]
