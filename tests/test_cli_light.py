"""The command line answers slips before it loads anything heavy, whatever they are."""

import json
import subprocess
import sys

import pytest

from maskrcnn.apps.cli import COMMANDS
from maskrcnn.pretrained import shipped_models

HEAVY = ["torch", "numpy", "PIL", "safetensors", "hotcoco", "yaml"]
RUN = f"""
import contextlib, io, json, sys
from maskrcnn.apps import cli
for arguments in json.load(sys.stdin):
    before = set(sys.modules)
    sys.argv = ["maskrcnn", *arguments]
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        cli.say = lambda sentence: print(sentence)
        told.reconfigure = lambda **options: None
        try:
            code = cli.main()
        except SystemExit as ended:
            code = ended.code
    loaded = [name for name in {HEAVY} if name in sys.modules and name not in before]
    print(json.dumps([code, told.getvalue(), loaded]))
"""
# Arguments, where PHOTO and FILE are a picture and a file of text, and OUT a folder that is not there; what is said.
SLIPS = [
    ("predict", "Name an image or a folder first"),
    ("train", "train needs DATA, as in `maskrcnn train DATA"),
    ("evaluate", "DATA"),
    ("doctor", "DATA"),
    ("convert", "DATA"),
    ("compose", "FOLDER"),
    ("synthetic", "OUT"),
    ("import", "import needs CHECKPOINT, as in"),
    ("export", "export needs MODEL, as in"),
    ("paint", "paint"),
    ("predict PHOTO --colour blue", "blue"),
    ("predict PHOTO --score nope", "nope"),
    ("predict PHOTO --score 2", "--score must lie between 0 and 1"),
    ("predict PHOTO --batch 0", "--batch must be at least 1"),
    ("predict PHOTO --image-size 3", "--image-size must be at least"),
    ("predict PHOTO --max-pixels 0", "--max-pixels must be at least 1"),
    ("predict PHOTO --tile sometimes", "A tile is auto, off or a number"),
    ("predict PHOTO --tile 3", "at least 32 samples"),
    ("predict PHOTO --overlap 1", "overlap by more than 0"),
    ("predict PHOTO --device tpu", "--device must be one of"),
    ("predict PHOTO --model cats", "There is no model cats"),
    ("predict PHOTO --model gone.safetensors", "There is no file gone.safetensors"),
    ("predict PHOTO --out FILE", "is a file"),
    ("predict gone.png", "gone.png does not exist"),
    ("predict gone.png gone_too.hea", "gone_too.hea does not exist"),
    ("evaluate gone --out OUT", "gone does not exist"),
    ("evaluate gone:val --out OUT", "gone:val does not exist"),
    ("evaluate FILE --out FILE", "is a file"),
    ("evaluate FILE --out OUT --bootstrap -1", "--bootstrap must be at least 0"),
    ("evaluate FILE --out OUT --model cats", "There is no model cats"),
    ("train gone", "gone does not exist"),
    ("train FILE --val gone", "gone does not exist"),
    ("train FILE gone", "gone does not exist"),
    ("train FILE --mask-data gone", "gone does not exist"),
    ("train FILE --epochs x", "--epochs"),
    ("train FILE --epochs 0", "--epochs must be at least 1"),
    ("train FILE --scale 2 1", "--scale takes a smaller and a larger"),
    ("train FILE --time soon", "--time takes hours"),
    ("train FILE --optimizer adam", "adam"),
    ("train FILE --model gone.safetensors", "There is no file gone.safetensors"),
    ("train FILE --model cats", "an architecture with random weights (resnet50_fpn"),
    ("doctor FILE --model cats", "an architecture with random weights (resnet50_fpn"),
    ("train FILE --body-weights gone.safetensors", "There is no file gone.safetensors"),
    ("train FILE --plan gone.yaml", "There is no plan gone.yaml"),
    ("train FILE --out FILE", "is a file"),
    ("doctor gone", "gone does not exist"),
    ("doctor FILE --val gone", "gone does not exist"),
    ("doctor FILE --batch 0", "--batch must be at least 1"),
    ("doctor FILE --plan gone.yaml", "There is no plan gone.yaml"),
    ("convert gone OUT --to coco", "gone does not exist"),
    ("convert FILE FILE --to coco", "is a file"),
    ("convert FILE FOLDER --to coco", "holds something already"),
    ("convert FILE OUT --to paper", "paper"),
    ("compose gone OUT", "gone is no folder"),
    ("compose FOLDER OUT --count 0", "--count must be at least 1"),
    ("compose songs FOLDER", "holds something already"),
    ("compose songs OUT --count 0", "--count must be at least 1"),
    ("synthetic FILE", "is a file"),
    ("synthetic FOLDER", "holds something already"),
    ("synthetic OUT --count none", "none"),
    ("synthetic OUT --kinds cats", "cats"),
    ("import gone.pth", "gone.pth does not exist"),
    ("import FILE --out model.pth", "must end in .safetensors"),
    ("import FILE --norm-eps 2", "--norm-eps must be"),
    ("export cats cats.zip", "There is no model cats"),
    ("export people people.onnx", "An exported model is a zip"),
    ("export people FOLDER", "is a folder"),
    ("export people out.zip --image-size 3", "--image-size must be at least"),
    ("export people out.zip --max-drop -1", "--max-drop must be at least 0"),
    ("export people out.zip --verify gone", "gone does not exist"),
    ("fuse", "Name the songs first"),
    ("fuse gone --model FILE", "gone does not exist"),
    ("fuse FOLDER", "--model names who judges"),
    ("fuse FOLDER --model FILE --length soon", "--length takes minutes or seconds"),
    ("fuse FOLDER --model FILE --length 1s", "--length must be at least 10"),
    ("fuse FOLDER --model FILE --tempo 90", "--tempo must lie between 0 and 25"),
    ("fuse FOLDER --model FILE --out mix.ogg", "must end in .wav or .flac"),
    ("associate", "Name the scans first"),
    ("associate FOLDER", "--labels names the table"),
    ("associate gone --labels FILE", "gone does not exist"),
    ("associate FOLDER --labels gone.csv", "gone.csv does not exist"),
    ("associate FOLDER --labels FILE --p 2", "--p must lie between 0 and 1"),
    ("associate FOLDER --labels FILE --correct bonferroni", "bonferroni"),
    ("associate FOLDER --labels FILE --out FILE", "is a file"),
    ("demo --out FILE", "is a file"),
    ("models cats", "There is no shipped model cats"),
]
ANSWERS = [("--help", "usage"), *((f"{command} --help", "usage") for command in COMMANDS)]
ANSWERS += [("models", "Fetched from torchvision's server"), *((f"models {name}", name) for name in shipped_models())]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Exit code, what was said, and heavy modules that it loaded, of each command line, all in one process."""
    folder = tmp_path_factory.mktemp("slips")
    (folder / "notes.txt").write_text("no image")
    named = {"PHOTO": folder / "notes.txt", "FILE": folder / "notes.txt", "FOLDER": folder, "OUT": folder / "out"}
    lines = [line for line, _ in (*SLIPS, *ANSWERS)]
    arguments = [[str(named.get(word, word)) for word in line.split()] for line in lines]
    command = [sys.executable, "-c", RUN]
    done = subprocess.run(command, input=json.dumps(arguments), capture_output=True, text=True, timeout=60, cwd=folder)
    assert done.returncode == 0, done.stderr
    return dict(zip(lines, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("line, said", SLIPS)
def test_a_slip_is_answered_before_anything_heavy_is_loaded(outcomes, line, said):
    code, told, loaded = outcomes[line]
    assert (code, loaded) == (2, []), told
    assert said in " ".join(told.replace("│", " ").split()) and "Traceback" not in told


@pytest.mark.parametrize("line, said", ANSWERS)
def test_help_and_the_list_of_models_load_nothing_heavy(outcomes, line, said):
    code, told, loaded = outcomes[line]
    assert (code, loaded) == (0, []), told
    assert said in told
