"""What a broken-off training needs is in its checkpoint, and goes back to where it was."""

import pytest
import torch
from torch.optim import SGD, AdamW

from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.checkpoints.transfer import same_weights
from maskrcnn.errors import CheckpointError
from maskrcnn.training.schedule import MovingAverage
from maskrcnn.training.state import Position, load_state, save_state
from tiny import tiny_info, tiny_model


class Run:
    """A model with its optimiser and average, after some steps on made-up gradients."""

    def __init__(self, seed=0, optimizer=AdamW, steps=0):
        self.model = tiny_model(seed)
        self.optimizer = optimizer(self.model.parameters(), lr=0.01, **({"momentum": 0.9} if optimizer is SGD else {}))
        self.average = MovingAverage(self.model, 0.9)
        for step in range(steps):
            self.step(step)

    def step(self, number):
        generator = torch.Generator().manual_seed(number)
        for parameter in self.model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        self.optimizer.step()
        self.average.update(self.model)

    def save(self, path, position):
        save_state(path, self.model, tiny_info(self.model), self.optimizer, self.average, position)

    def load(self, path):
        return load_state(path, self.model, self.optimizer, self.average)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "last.safetensors"


def test_the_position_comes_back(path):
    position = Position(epoch=3, batch=5, step=1234567, best=0.375)
    Run(steps=1).save(path, position)
    assert Run().load(path) == position


@pytest.mark.parametrize("optimizer", [AdamW, SGD])
def test_a_loaded_run_takes_the_very_steps_that_the_saved_one_takes(path, optimizer):
    saved, loaded = Run(0, optimizer, steps=2), Run(1, optimizer)
    saved.save(path, Position())
    loaded.load(path)
    for run in (saved, loaded):
        run.step(2)
    assert same_weights(saved.model, loaded.model)
    assert saved.average.steps == loaded.average.steps == 3
    assert all(torch.equal(value, loaded.average.state[name]) for name, value in saved.average.state.items())


def test_the_checkpoint_is_a_model_file_too(path):
    run = Run(steps=1)
    run.save(path, Position())
    assert same_weights(load_checkpoint(path)[0], run.model)


def test_the_optimiser_goes_to_the_device_of_the_model(path):
    Run(steps=1).save(path, Position())
    run = Run()
    run.model.to("meta")  # stands for any device but the CPU
    run.optimizer, run.average = AdamW(run.model.parameters()), MovingAverage(run.model, 0.9)
    run.load(path)
    devices = {key: value.device.type for state in run.optimizer.state.values() for key, value in state.items()}
    assert devices == {"step": "cpu", "exp_avg": "meta", "exp_avg_sq": "meta"}


def test_a_plain_model_file_is_refused(path):
    model = tiny_model()
    save_checkpoint(path, model, tiny_info(model))
    with pytest.raises(CheckpointError, match=r"last\.safetensors holds a model but not the state of its training"):
        Run().load(path)


def test_a_missing_file_is_refused(path):
    with pytest.raises(CheckpointError, match=r"last\.safetensors does not exist"):
        Run().load(path)


def test_the_state_of_another_model_is_refused(path):
    Run(steps=1).save(path, Position())
    run = Run()
    run.model = tiny_model(mask_head=None)
    with pytest.raises(CheckpointError, match="does not hold the model"):
        run.load(path)
