"""A job called from Python: a record in, a record out, what happens meanwhile told, and nothing printed."""

import json

import pytest

from maskrcnn.errors import DataError, UsageError
from maskrcnn.jobs.convert import convert
from maskrcnn.jobs.evaluate import evaluate_model, measure_training
from maskrcnn.jobs.events import DataFaults, InputDone, InputFailed, Note, Progress
from maskrcnn.jobs.options.convert import ConvertOptions
from maskrcnn.jobs.options.evaluate import EvaluateOptions
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.predict import predict
from maskrcnn.modalities.open import open_dataset
from tiny import save_photo, write_coco


@pytest.fixture
def silent(capfd):
    """After the test nothing was printed, by whatever way."""
    yield
    assert capfd.readouterr() == ("", "")


def test_predict_gives_what_was_found_in_each_input(silent, tiny_file, tmp_path):
    photo, missing, told = save_photo(tmp_path / "photo.png"), tmp_path / "gone.png", []
    options = PredictFilesOptions((photo, missing), tmp_path / "out", str(tiny_file), score=0.01)
    outcome = predict(options, told.append)
    (count,) = outcome.objects.values()
    assert outcome.noun == "image" and outcome.failures == [f"{missing} does not exist."]
    failed, *_, done = [event for event in told if not isinstance(event, Progress)]
    assert failed == InputFailed(missing, f"{missing} does not exist.")
    assert (done.path, done.objects, len(done.entries)) == (photo, count, count) and isinstance(done, InputDone)
    assert [event.done for event in told if isinstance(event, Progress)] == [0, 1]
    assert len(json.loads((tmp_path / "out" / "predictions.json").read_text())) == count


def test_evaluate_gives_measures_and_where_they_are(silent, tiny_file, tmp_path):
    data, told = write_coco(tmp_path / "data"), []
    options = EvaluateOptions(data, tmp_path / "out", str(tiny_file), bootstrap=0, no_report=True)
    outcome = evaluate_model(options, told.append)
    assert outcome.metrics == tmp_path / "out" / "metrics.json" and outcome.page is None
    assert "box/AP" in outcome.result.metrics and outcome.failures == []
    assert told[0] == DataFaults((data,), ())
    assert told[-1] == Progress("evaluating", outcome.result.num_images, outcome.result.num_images)


def test_convert_counts_what_it_wrote_and_notes_what_is_lost(silent, tmp_path):
    data, told = write_coco(tmp_path / "data", count=3), []
    outcome = convert(ConvertOptions(data, tmp_path / "out", "yolo"), told.append)
    assert outcome.images == 3 and outcome.class_names == ("disc", "brick")
    notes = [event.text for event in told if isinstance(event, Note)]
    assert len(notes) == len(outcome.lost) and all(text.startswith("note: ") for text in notes)


def test_a_job_may_go_unheard(silent, tmp_path):
    data = write_coco(tmp_path / "data", count=1)
    assert convert(ConvertOptions(data, tmp_path / "out", "coco")).images == 1


def test_slips_are_errors_and_not_exits(silent, tmp_path):
    with pytest.raises(UsageError, match="Name an image"):
        predict(PredictFilesOptions(()))
    with pytest.raises(DataError, match="does not exist"):
        convert(ConvertOptions(tmp_path / "gone", tmp_path / "out", "coco"))


@pytest.mark.parametrize("seconds, judged", [(0.0, 4), (600.0, 12), (None, 12)])
def test_the_report_of_a_training_ends_when_its_time_is_over(silent, tiny_file, tmp_path, seconds, judged):
    val, told, out = open_dataset(write_coco(tmp_path / "data", count=12)), [], tmp_path / "out"
    out.mkdir()
    measure_training(tiny_file, val, out, "cpu", told.append, seconds)
    notes = [event.text for event in told]
    assert json.loads((out / "metrics.json").read_text())["images"] == judged
    assert notes[-1].endswith(str(out / "report.html")) and (out / "report.html").exists()
    short = [text for text in notes if text.startswith("To keep the time")]
    assert short == (["To keep the time, the report is about 4 of the 12 held-out images."] if judged < 12 else [])
