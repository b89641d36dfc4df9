"""Numbers of a training in TensorBoard, MLflow and Weights & Biases, read back from what these leave on the disk."""

import json
import sys

import pytest
import torch

from loggers.stores import read_mlflow, read_tensorboard, read_tensorboard_text, read_wandb
from maskrcnn import UsageError, train
from maskrcnn.jobs.training_run import _ToldReport
from maskrcnn.loggers import logger as logger_module
from maskrcnn.loggers.logger import FINISHED, LOGGERS, STOPPED, LoggedRun, Loggers
from maskrcnn.losses.terms import Term
from tiny import save_tiny_model, write_coco

QUICK = {"epochs": 2, "batch": 2, "workers": 0, "plan": "off", "quiet": True}


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    """Nothing asks a server, and stores lie here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DISABLE_SERVICE_WAIT", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")


def needs(name):
    return pytest.importorskip(name, reason=f"{name} is not installed: pip install 'maskrcnn[{name}]'")


@pytest.fixture
def trained(tmp_path):
    """A training with a logger, and the numbers of its own log as loggers name them."""

    def run(name):
        data = write_coco(tmp_path / "set", count=4).parent
        model = save_tiny_model(tmp_path / "tiny.safetensors")
        out = train(data, model=model, val=data, out=tmp_path / "mine", log=name, **QUICK).out
        numbers = {}
        for line in map(json.loads, (out / "log.jsonl").read_text().splitlines()):
            for key, value in line.items():
                if key != "step" and value is not None:
                    key = key if key == "epoch" or "lr" not in line else f"train/{key}"
                    numbers.setdefault(key, []).append((line["step"], pytest.approx(value, rel=1e-5)))
        return out, numbers

    return run


def test_tensorboard_has_every_number_of_the_log(trained):
    needs("tensorboard")
    out, numbers = trained("tensorboard")
    assert read_tensorboard(out / "tensorboard") == numbers
    assert {"train/loss", "train/lr", "val/loss", "box/AP", "mask/AP50"} <= set(numbers)
    assert "| epochs | 2 |" in read_tensorboard_text(out / "tensorboard")


def test_mlflow_has_every_number_of_the_log(trained, tmp_path):
    needs("mlflow"), needs("sqlalchemy")
    out, numbers = trained("mlflow")
    found, params, state, name = read_mlflow(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert found == numbers and state == "FINISHED" and name == "mine"
    assert (
        params["epochs"] == "2" and params["data"] == str(tmp_path / "set" / "labels.json") and params["images"] == "4"
    )


def test_wandb_has_every_number_of_the_log(trained):
    needs("wandb")
    out, numbers = trained("wandb")
    found, config, codes, _ = read_wandb(out)
    assert {name: found[name] for name in numbers} == numbers and codes == [0]
    assert config["epochs"] == 2 and config["images"] == 4


@pytest.mark.parametrize("name", LOGGERS)
def test_a_training_that_goes_on_is_the_same_run(name, tmp_path):
    needs(name)
    needs("sqlalchemy") if name == "mlflow" else None
    run = LoggedRun(tmp_path / "mine", {"epochs": 2})
    first = Loggers([name], run, str)
    for step in (1, 2, 3):
        first.log(step, {"loss": float(step)})
    first.close(STOPPED)
    again = Loggers([name], LoggedRun(run.out, run.settings, step=2), str)  # the checkpoint was of step 2
    for step in (3, 4):
        again.log(step, {"loss": 10.0 * step})
    again.close(FINISHED)
    if name == "tensorboard":
        assert read_tensorboard(run.out / "tensorboard")["loss"] == [(1, 1), (2, 2), (3, 30), (4, 40)]
    elif name == "mlflow":
        numbers, _, state, _ = read_mlflow(f"sqlite:///{tmp_path / 'mlflow.db'}")  # of one run
        assert numbers["loss"][:2] == [(1, 1), (2, 2)] and numbers["loss"][-1] == (4, 40) and state == "FINISHED"
    else:
        numbers, _, codes, ids = read_wandb(run.out)
        assert len(ids) == 1 and sorted(codes) == [0, 1] and (4, 40) in numbers["loss"]


@pytest.mark.parametrize("name", LOGGERS)
def test_where_the_package_is_not_installed_the_extra_is_named(name, tmp_path, maskrcnn, monkeypatch):
    data = write_coco(tmp_path / "set", count=2).parent
    monkeypatch.setattr(logger_module.importlib.util, "find_spec", lambda module: None)
    done = maskrcnn("train", data, "--log", name)
    assert done.code == 2
    assert done.err == f"maskrcnn: To log to {name}, it must be installed: pip install 'maskrcnn[{name}]'.\n"


def test_an_unknown_logger_is_refused(tmp_path, maskrcnn):
    done = maskrcnn("train", write_coco(tmp_path / "set", count=2).parent, "--log", "paper")
    assert (done.code, done.err) == (2, "maskrcnn: --log takes tensorboard, mlflow, wandb, not paper.\n")
    with pytest.raises(UsageError, match="log takes tensorboard, mlflow, wandb, not paper"):
        train(tmp_path / "set", log="paper")


class Planted:
    """A logger that keeps what it gets, and fails from a step on."""

    where = "Numbers are here."

    def __init__(self, fails_at=10**9):
        self.fails_at, self.kept, self.ended = fails_at, [], ""

    def log(self, step, values):
        if step >= self.fails_at:
            raise ConnectionError("the server has gone")
        self.kept.append((step, dict(values)))

    def close(self, ended):
        self.ended = ended


@pytest.fixture
def planted(monkeypatch):
    """Loggers by name, in place of those that there are."""

    def plant(**loggers):
        for name, made in loggers.items():
            module = type(sys)(f"maskrcnn.loggers.{name}")
            module.open_logger = made if callable(made) else lambda run, made=made: made
            monkeypatch.setitem(sys.modules, f"maskrcnn.loggers.{name}", module)
        monkeypatch.setattr(logger_module, "LOGGERS", dict.fromkeys(loggers, "json"))
        return list(loggers)

    return plant


def test_a_logger_that_fails_is_left_out_and_the_others_go_on(planted, tmp_path):
    bad, good, told = Planted(fails_at=2), Planted(), []
    loggers = Loggers(planted(bad=bad, good=good), LoggedRun(tmp_path, {}), told.append)
    for step in (1, 2, 3):
        loggers.log(step, {"loss": 1.0})
    loggers.close(FINISHED)
    assert [step for step, _ in good.kept] == [1, 2, 3] and good.ended == FINISHED
    assert [step for step, _ in bad.kept] == [1] and bad.ended == ""
    assert told[2:] == ["note: --log bad failed and was left out (the server has gone); log.jsonl has every number."]


def test_one_that_cannot_be_opened_ends_it_and_closes_the_others(planted, tmp_path):
    def refuse(run):
        raise OSError("no login")

    good = Planted()
    with pytest.raises(UsageError, match=r"^--log bad cannot be begun: no login\.$"):
        Loggers(planted(good=good, bad=refuse), LoggedRun(tmp_path, {}), str)
    assert good.ended == "failed"


@pytest.mark.parametrize("ended", ["finished", "failed", "stopped"])
def test_loggers_hear_how_a_training_ended(planted, tmp_path, ended, monkeypatch):
    kept = Planted()
    planted(kept=kept)
    error = {"failed": ValueError("broken"), "stopped": KeyboardInterrupt()}.get(ended)

    def fit(*arguments):
        report = arguments[9]
        report.resume_at(0, 0)
        report.step(10, 20, 0, 2, {"loss_box": Term(torch.tensor(3.0), 2)}, 1e-3)
        if error is not None:
            raise error
        return tmp_path / "best.safetensors"

    monkeypatch.setattr("maskrcnn.jobs.training_run.fit", fit)
    data, model = write_coco(tmp_path / "set", count=2).parent, save_tiny_model(tmp_path / "tiny.safetensors")
    call = lambda: train(data, model=model, out=tmp_path / "mine", log=["kept"], **QUICK)  # noqa: E731
    if error is None:
        call()
    else:
        with pytest.raises(type(error)):
            call()
    assert kept.ended == ended and [step for step, _ in kept.kept] == [10]
    assert kept.kept[0][1]["train/loss_box"] == 1.5 and kept.kept[0][1]["epoch"] == 0


def test_a_process_that_is_not_the_first_logs_nothing(planted, tmp_path):
    kept = Planted()
    told = []
    report = _ToldReport(tmp_path, told.append, True, planted(kept=kept))
    report.resume_at(0, 0)
    report.write({"step": 1, "epoch": 0, "lr": 1.0})
    report.close()
    assert kept.kept == [] and told == []


def test_a_damaged_list_of_runs_begins_new_ones(tmp_path):
    (tmp_path / "logged.json").write_text("{")
    assert LoggedRun(tmp_path, {}, step=3).known_as("mlflow") is None
    LoggedRun(tmp_path, {}, step=3).remember("mlflow", "one")
    assert LoggedRun(tmp_path, {}, step=3).known_as("mlflow") == "one"
    assert LoggedRun(tmp_path, {}).known_as("mlflow") is None  # what begins is new
