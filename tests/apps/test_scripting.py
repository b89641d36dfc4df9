"""What scripts and fingers rely on: --version, -q, --json, exit codes, suggestions for slips, and the help."""

import json
import subprocess
import sys

import pytest

from maskrcnn.apps.cli import COMMANDS
from maskrcnn.apps.cli.words.flags import flags_of
from maskrcnn.apps.cli.words.groups import EXAMPLES, GROUPS
from maskrcnn.apps.cli.words.habits import FILES, HABITS
from maskrcnn.apps.cli.words.slips import refuse_slips
from maskrcnn.errors import UsageError
from tiny import save_photo

SLIPS = [
    ("predict x.png --modle cats", "did you mean --model?"),
    ("predict x.png --batch-size 2", "did you mean --batch?"),
    ("train data --batch-size 2", "did you mean --batch?"),
    ("predict x.png --imgsz 640", "did you mean --image-size?"),
    ("train data --imgsz=640", "did you mean --image-size?"),
    ("predict x.png --conf 0.3", "did you mean --score?"),
    ("predict --source x.png", "name the files without a flag."),
    ("train --data coco8.yaml", "name the files without a flag."),
    ("predict x.png --project runs", "did you mean --out?"),
    ("predict x.png --max_detectons 3", "did you mean --max-detections?"),
    ("predict x.mp4 --heatmap", "did you mean --heat-map?"),
    ("predict x.mp4 --count a --count b", "predict has --count twice: write all its values behind one --count."),
    ("predict x.mp4 --count --motion csv", "--count takes a value, or several; see maskrcnn predict --help."),
    ("predict x.mp4 --blur", "--blur takes a value, or several"),
    ("prdict x.png", "There is no command prdict; did you mean predict?"),
    ("val data", "There is no command val; did you mean evaluate?"),
    ("paint", "There is no command paint; there are predict, evaluate,"),
    ("predict x.png --zzzzzz", "predict has no --zzzzzz; see maskrcnn predict --help."),
]


@pytest.mark.parametrize("line, said", SLIPS)
def test_a_slip_gets_the_right_suggestion_first(refused, line, said):
    assert said in refused(*line.split())


def test_every_flag_that_is_suggested_is_there():
    known = set().union(*map(flags_of, COMMANDS.values()))
    assert {ours.split()[0] for names in HABITS.values() for ours in names} <= known | {"quiet"}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_flag_that_is_there_is_refused(command):
    flags = flags_of(COMMANDS[command]) - FILES  # those are given without a flag
    refuse_slips([command, "a", "b", *(word for flag in flags for word in (f"--{flag}", "1"))], COMMANDS)
    refuse_slips([command, "a", "b", *(f"--{flag.replace('-', '_')}=1" for flag in flags)], COMMANDS)


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_examples_of_the_help_have_no_slips(command):
    for example in EXAMPLES[command]:
        words = example.replace("'", "").split()
        named = ["maskrcnn", *command.split("-")]  # synthetic people
        assert words[: len(named)] == named
        refuse_slips([command, *words[len(named) :]], COMMANDS)


def test_groups_name_no_flag_twice_and_every_command_has_examples():
    assert set(EXAMPLES) == set(COMMANDS)
    for command, groups in GROUPS.items():
        flags = [flag for _, names in groups for flag in names.split()]
        assert len(flags) == len(set(flags)), command


def test_the_help_of_train_begins_with_what_is_used_every_day(maskrcnn):
    short, whole = maskrcnn("train", "--help").out, maskrcnn("train", "--help-all").out
    assert "--time TIME" in short and "--agnostic-masks" not in short and "maskrcnn train --help-all" in short
    assert "--agnostic-masks" in whole and whole.index("--time TIME") < whole.index("--agnostic-masks")
    assert "maskrcnn train DATA --time 25m" in short and "Exit codes: 0 all done" in short
    assert max(map(len, short.splitlines())) <= 100


def test_a_class_that_is_nearly_known_is_suggested(refused, tiny_file, tmp_path):
    photo = save_photo(tmp_path / "in" / "a.png")
    sentence = refused("predict", photo, "--classes", "dsc", "--model", tiny_file, "--out", tmp_path / "out")
    assert "The model does not know dsc; did you mean disc? Its classes are disc, brick" in sentence


def test_a_model_that_is_nearly_known_is_suggested(refused, tmp_path):
    assert "(did you mean everyday?)" in refused("predict", save_photo(tmp_path / "a.png"), "--model", "evryday")


def test_the_version_is_a_line():
    done = subprocess.run([sys.executable, "-m", "maskrcnn", "--version"], capture_output=True, text=True)
    code = "import maskrcnn; print('maskrcnn', maskrcnn.__version__)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


@pytest.fixture
def photos(tmp_path):
    save_photo(tmp_path / "in" / "a.png")
    save_photo(tmp_path / "in" / "b.png", seed=1)
    (tmp_path / "in" / "notes.txt").write_text("mine")
    return tmp_path / "in"


@pytest.mark.parametrize("flag", ["-q", "--quiet"])
def test_quiet_says_nothing_where_all_is_well(maskrcnn, tiny_file, photos, tmp_path, flag):
    outcome = maskrcnn("predict", photos, "--model", tiny_file, "--out", tmp_path / "out", flag)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (tmp_path / "out" / "a.png").is_file()
    outcome = maskrcnn("predict", photos, "--model", tiny_file, "--out", tmp_path / "out", flag, "--json")
    assert outcome.err == "" and len(outcome.out.splitlines()) == 2


def test_quiet_still_says_what_went_wrong(maskrcnn, tiny_file, photos, tmp_path):
    (photos / "bad.png").write_text("no image")
    outcome = maskrcnn("predict", photos, "--model", tiny_file, "--out", tmp_path / "out", "-q")
    assert (outcome.code, outcome.out) == (1, "") and outcome.err.startswith(f"failed: {photos / 'bad.png'} is not")


def test_json_is_a_line_a_file_and_nothing_else(maskrcnn, tiny_file, photos, tmp_path):
    (photos / "bad.png").write_text("no image")
    gone = photos / "gone.png"
    asked = ("predict", photos, gone, "--model", tiny_file, "--out", tmp_path / "out", "--json")
    outcome = maskrcnn(*asked)
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 1
    assert [line["file"] for line in lines] == [str(gone), *(str(photos / f"{n}.png") for n in ("a", "b", "bad"))]
    assert lines[0]["error"].endswith("does not exist.") and "not an image" in lines[3]["error"]
    written = json.loads((tmp_path / "out" / "predictions.json").read_text())
    for line in lines[1:3]:
        own = [entry for entry in written if entry["file_name"] == line["file"]]
        assert line["objects"] == len(own) == len(line["detections"])
        assert [found["bbox"] for found in line["detections"]] == [entry["bbox"] for entry in own]
        assert set(line["detections"][0]) == {"category", "category_id", "bbox", "score"}
    assert "are in" in outcome.err and "skipped: 1 .txt" in outcome.err


def test_nothing_readable_never_says_that_results_are_in(maskrcnn, tiny_file, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.png").write_text("no image")
    outcome = maskrcnn("predict", tmp_path / "in", "--model", tiny_file, "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (1, "") and "results" not in outcome.err


def test_completion_is_written_for_a_shell(tmp_path):
    script = tmp_path / "maskrcnn"
    command = [sys.executable, "-m", "maskrcnn", "--tyro-write-completion", "bash", str(script)]
    assert subprocess.run(command, capture_output=True, timeout=120).returncode == 0
    assert "predict" in script.read_text() and "image-size" in script.read_text()


def test_the_unknown_is_a_usage_error():
    with pytest.raises(UsageError):
        refuse_slips(["predict", "--modle"], COMMANDS)
