"""A training that was killed goes on exactly as if nothing had happened."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from maskrcnn.data.loading import epoch_order
from maskrcnn.data.transforms.samples import AugmentConfig
from maskrcnn.modalities.open import open_dataset
from maskrcnn.training.fit import FitConfig, fit
from maskrcnn.training.log import Report
from tiny import tiny_info, tiny_model, write_coco

# 8 images make 4 steps an epoch: saved after steps 3, 4, 6, 8, 9, 12 ...
RECIPE = FitConfig(epochs=4, batch_size=2, lr=1e-3, warmup=5, save_every=3, validate_every=2, average=0.9)
DIES_AT = 11  # in the third epoch, two steps after the last save, after step 10 was logged


class Killed(BaseException):
    """Stands for the end of the process where there is no time for a real one."""


class DyingReport(Report):
    """Lets ``die`` end the training right after one step."""

    def __init__(self, out, at=None, die=None):
        super().__init__(out)
        self.at, self.die = at, die

    def step(self, step, *rest):
        super().step(step, *rest)
        if step == self.at:
            self.die()


def train(data, out, resume=False, config=RECIPE, at=None, die=None):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model, dataset = tiny_model(), open_dataset(data)
        report = DyingReport(out, at, die)
        fit(model, tiny_info(model), dataset, out, dataset, config, AugmentConfig((64, 64)), resume, report=report)
    finally:
        torch.set_num_threads(threads)


def kill_myself():
    os.kill(os.getpid(), signal.SIGKILL)


def raise_killed():
    raise Killed


def log_of(folder):
    timing = ("seconds", "images_per_second")
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in timing} for line in lines]


def assert_same_tensors(path, other):
    ours, theirs = load_file(path), load_file(other)
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert different == []


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_coco(tmp_path_factory.mktemp("data"), count=8)


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    train(data, out)
    return out


@pytest.fixture(scope="module")
def resumed(data, tmp_path_factory):
    """The folder of a training in a process of its own that was killed and then resumed here."""
    out = tmp_path_factory.mktemp("resumed")
    paths = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.run([sys.executable, __file__, str(data), str(out)], env=os.environ | paths, timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert int(load_file(out / "last.safetensors")["position.step"]) == 9
    assert [line["step"] for line in log_of(out)] == [8, 10]
    train(data, out, resume=True)
    return out


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors"])
def test_a_killed_and_resumed_training_ends_with_the_same_tensors_to_the_last_bit(unbroken, resumed, name):
    assert_same_tensors(unbroken / name, resumed / name)


def test_a_killed_and_resumed_training_ends_with_the_same_log(unbroken, resumed):
    assert log_of(resumed) == log_of(unbroken)
    assert [line["step"] for line in log_of(resumed)] == [8, 10, 16, 16]


def test_a_killed_and_resumed_training_leaves_no_other_files(unbroken, resumed):
    assert sorted(p.name for p in resumed.iterdir()) == sorted(p.name for p in unbroken.iterdir())


def test_a_finished_training_that_is_resumed_stays_as_it_is(data, unbroken):
    before = {path.name: path.read_bytes() for path in unbroken.iterdir()}
    train(data, unbroken, resume=True)
    assert {path.name: path.read_bytes() for path in unbroken.iterdir()} == before


def test_a_training_killed_while_it_validates_validates_again(data, unbroken, tmp_path, monkeypatch):
    config = dataclasses.replace(RECIPE, save_every=4)  # saved just before the epoch ends
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("maskrcnn.training.log.draw_curves", lambda log: raise_killed())
        train(data, tmp_path, config=config)
    train(data, tmp_path, resume=True, config=config)
    assert log_of(tmp_path) == log_of(unbroken)


@pytest.mark.filterwarnings("ignore:An image was left out")
def test_an_unreadable_image_does_not_shift_what_comes_after_the_resume(tmp_path):
    data = write_coco(tmp_path / "data", count=5)
    first = epoch_order(5, seed=0, epoch=0, shuffle=True)[0]
    (tmp_path / "data" / "images" / f"{first}.png").write_bytes(b"no image")
    config = FitConfig(epochs=1, batch_size=1, save_every=1, workers=0)
    train(data, tmp_path / "unbroken", config=config)
    with pytest.raises(Killed):
        train(data, tmp_path / "broken", config=config, at=2, die=raise_killed)
    train(data, tmp_path / "broken", resume=True, config=config)
    assert_same_tensors(tmp_path / "unbroken" / "last.safetensors", tmp_path / "broken" / "last.safetensors")


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]), at=DIES_AT, die=kill_myself)
