"""``train`` and ``evaluate`` in Python are the commands of these names."""

import json
import re

import pytest

import maskrcnn
from maskrcnn import DataError, Evaluation, Predictor, UsageError, evaluate, load, open_dataset, train
from maskrcnn.jobs.events import TrainingBegins
from tiny import save_tiny_model, write_coco
from tiny_signals import save_tiny_signal_model, write_series

QUICK = {"epochs": 1, "batch": 2, "workers": 0, "plan": "off", "quiet": True}
FLAGS = ("--epochs", 1, "--batch", 2, "--workers", 0, "--plan", "off")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_coco(tmp_path_factory.mktemp("data") / "set", count=6).parent


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


def test_a_training_is_that_of_the_command(data, tiny, maskrcnn, tmp_path):
    trained = train(data, model=tiny, out=tmp_path / "python", val=data, **QUICK)
    command = ("train", data, "--model", tiny, "--out", tmp_path / "command", "--val", data, *FLAGS)
    assert maskrcnn(*command).code == 0
    assert trained.best == tmp_path / "python" / "best.safetensors" and trained.plan is None
    told = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("python", "command")]
    assert told[0] | {"model": ""} == told[1] | {"model": ""}
    assert trained.metrics == told[0] and trained.report == tmp_path / "python" / "report.html"
    assert repr(trained).startswith(f"a training: {trained.best}, box AP 0.")
    assert "<img " in trained._repr_html_()
    assert repr(trained.load()).startswith(str(trained.best))


def test_a_plan_is_that_of_the_command(data, tiny, maskrcnn, tmp_path):
    settings = {"model": tiny, "plan_only": True, "epochs": 20, "quiet": True}  # 20 is what is there without a plan
    planned = train(str(data), out=str(tmp_path / "python"), **settings)
    command = ("train", data, "--out", tmp_path / "command", "--model", tiny, "--plan-only", "--epochs", 20)
    assert maskrcnn(*command).code == 0
    lines = [(tmp_path / name / "plan.yaml").read_text().splitlines() for name in ("python", "command")]
    values = [[line.partition("#")[0].split() for line in one] for one in lines]  # reasons have times in them
    assert [line for line in values[0] if line] == [line for line in values[1] if line]
    assert any(re.match(r"epochs: 20 +# you asked for it", line) for line in lines[0])
    assert planned.best is None and repr(planned) == f"a plan: {planned.plan}"
    with pytest.raises(ValueError, match="only a plan was asked for"):
        planned.load()


def test_what_goes_on_is_shown_unless_it_is_not_wanted(data, tiny, tmp_path, capsys):
    train(data, model=tiny, out=tmp_path / "loud", **QUICK | {"quiet": False})
    assert "Training on 6 images of disc, brick" in capsys.readouterr().err
    train(data, model=tiny, out=tmp_path / "quiet", **QUICK)
    assert capsys.readouterr() == ("", "")


def test_an_interrupted_training_says_how_it_goes_on(data, tiny, tmp_path, capsys, monkeypatch):
    def stop(options, tell, given):
        tell(TrainingBegins(options.out))
        raise KeyboardInterrupt

    monkeypatch.setattr("maskrcnn.jobs.train.train", stop)
    with pytest.raises(KeyboardInterrupt):
        train(data, model=tiny, out=tmp_path / "mine", val=data)
    told = capsys.readouterr().err
    assert f"maskrcnn.train({str(data)!r}, val={str(data)!r}, out={str(tmp_path / 'mine')!r}, resume=True)" in told


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"epoch": 3}, "There is no setting epoch: did you mean epochs?"),
        ({"epochs": 0}, "epochs must be at least 1, not 0."),
        ({"time": "soon"}, "time takes hours, minutes or seconds"),
        ({"image_size": 3}, "image-size|image_size must be at least 32"),
        ({"plan": "gone.yaml"}, "There is no plan gone.yaml: plan takes auto"),
    ],
)
def test_wrong_settings_are_named_as_python_writes_them(data, wrong, said):
    with pytest.raises(UsageError, match=said) as error:
        train(data, quiet=True, **wrong)
    assert "--" not in str(error.value)


def test_missing_data_and_models_are_one_sentence(data):
    with pytest.raises(DataError, match="gone does not exist"):
        train("gone")
    with pytest.raises(UsageError, match="Name the data to train on first"):
        train()
    with pytest.raises(UsageError, match="There is no model gone"):
        evaluate("gone", data)
    with pytest.raises(DataError, match="gone does not exist"):
        evaluate("gone")


def test_all_ways_to_evaluate_give_one_record_of_the_same_measures(data, tiny, maskrcnn, tmp_path):
    outcome = maskrcnn("evaluate", data, "--model", tiny, "--out", tmp_path / "command", "--bootstrap", 20)
    assert outcome.code == 0
    command = json.loads((tmp_path / "command" / "metrics.json").read_text())
    predictor = Predictor.load(tiny)
    ways = [
        evaluate(tiny, data, bootstrap=20, quiet=True),
        evaluate(str(tiny), open_dataset(data), bootstrap=20, quiet=True),
        evaluate(data, model=str(tiny), bootstrap=20, quiet=True),
        evaluate(load(tiny), data, bootstrap=20, quiet=True),
        evaluate(predictor, data, bootstrap=20, quiet=True),
        evaluate(predictor, open_dataset(data), bootstrap=20),
    ]
    for way in ways:
        result, failures = way
        assert isinstance(way, Evaluation) and way.result is result and failures == [] == way.failures
        assert way[0] is result and len(way) == 2 and way.metrics_file is None and way.page is None
        assert {name: command[name] for name in result.metrics} == dict(result.metrics)
        assert {k: list(v) for k, v in result.intervals.items()} == command["intervals"]
    assert set(ways[0].metrics) == set(command) - {
        *("intervals", "model", "data", "images", "objects", "max_detections")
    }
    assert [line.rstrip() for line in outcome.out.splitlines() if "│" in line] == [
        line.rstrip() for line in str(ways[0]).splitlines() if "│" in line
    ]


def test_files_are_written_where_a_folder_is_named(data, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judged = evaluate(tiny, data, out="judged", bootstrap=0, quiet=True)
    assert judged.metrics_file.is_file() and judged.page.is_file()
    assert sorted(path.name for path in (tmp_path / "judged").iterdir()) == ["metrics.json", "report.html"]
    evaluate(tiny, data, bootstrap=0, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["judged"]


def test_as_before_a_predictor_with_a_data_set_calls_back_and_may_be_ended(data, tiny):
    seen, counts = [], []
    result, unread = evaluate(
        Predictor.load(tiny),
        open_dataset(data),
        5,
        0,
        2,
        lambda done: counts.append(done) or done >= 4,
        lambda *s: seen.append(s),
    )
    assert counts == [2, 4] and len(seen) == 4 == result.num_images and result.max_detections == 5 and unread == []
    with pytest.raises(UsageError, match="watch is for a predictor with an open data set"):
        evaluate(tiny, data, watch=lambda *s: None)
    done = []
    evaluate(tiny, data, bootstrap=0, quiet=True, progress=done.append)
    assert done[-1] == 6


def test_it_reads_well(data, tiny):
    judged = evaluate(tiny, data, bootstrap=10, quiet=True)
    assert repr(judged).endswith(" on 6 images") and repr(judged).startswith("box AP 0.")
    assert judged._repr_html_().startswith("<pre>")


def test_a_model_of_other_files_is_refused(data, tmp_path):
    signals = save_tiny_signal_model(tmp_path / "signals.safetensors")
    with pytest.raises(UsageError, match="signals.safetensors was made for"):
        evaluate(signals, data)
    with pytest.raises(UsageError, match="Name the labelled data too"):
        evaluate(load(signals))
    series = write_series(tmp_path / "series", count=2)
    assert evaluate(signals, series, bootstrap=0, quiet=True).result.records == "records"
    assert maskrcnn.evaluate is evaluate
