"""What README.md tells people to type is typed here, on made-up files of the names that it uses."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from clips import save_clip, scene
from documents import inline_code, make_targets, python_blocks, read_document, shell_lines
from maskrcnn.apps.cli import COMMANDS
from maskrcnn.planning.recipe import Recipe
from maskrcnn.pretrained import shipped_models
from tiny import save_photo, save_tiny_model, write_coco
from tiny_signals import bumps, save_tiny_signal_model, write_series, write_wav

README = "README.md"
LONG, BRIEF = 'time="25m"', 'plan="off", epochs=1, batch=2, workers=0, model="runs/NAME/best.safetensors"'
SHORT = "--plan off --epochs 1 --batch 2 --workers 0"
RUN = {  # each command, and what makes it short
    "maskrcnn predict photo.jpg folder/ --out out/": "",
    "maskrcnn predict photo.jpg --model people": "",
    "maskrcnn predict photo.jpg --semantic": "",
    "maskrcnn predict slide.png --model nuclei": "",
    "maskrcnn predict clip.mp4": "--image-size 96",
    "maskrcnn predict photo.jpg --explain": "--explain-most 1 --image-size 96",
    "maskrcnn predict sel100 --out out/": "",
    "maskrcnn predict speech.wav --out out/": "",
    "maskrcnn train RECORDINGS": f"{SHORT} --model recordings.safetensors",
    "maskrcnn predict scan.nii.gz --model hippocampus": "",
    "maskrcnn synthetic made-up": "--count 1 --shape 24 24 24",
    "maskrcnn doctor DATA --val DATA": "--quick",
    "maskrcnn train DATA": f"{SHORT} --model runs/NAME/best.safetensors",
    "maskrcnn evaluate DATA --model runs/NAME/best.safetensors --out runs/eval": "--bootstrap 10",
    "maskrcnn predict photo.jpg --model runs/NAME/best.safetensors": "",
    "maskrcnn convert DATA OUT --to coco|yolo|labelme|label-maps|label-studio|cvat|voc": "",
    "maskrcnn models": "",
    "maskrcnn models people": "",
    "maskrcnn train A B --val C": f"{SHORT} --model runs/NAME/best.safetensors",
}
EXCUSED = {  # each command that is not run here, and why
    "make demo": "makes an environment; CI runs it",
    "make test": "runs this test",
    "maskrcnn export people people.zip": "a minute; tests/export exports small models",
    "maskrcnn-runtime predict photo.jpg people.zip --out out/": "another distribution; tests/runtime runs it",
    "maskrcnn associate scans/ --labels behaviour.csv --by score --adjust age,sex --out out": "needs a study; "
    "tests/apps/test_associate_command.py makes one and types this",
    "maskrcnn fuse SONGS --model M --length 3m --out mix.wav": "tests/songs/test_fuse_command.py makes songs and types "
    "this",
    "maskrcnn compose songs OUT": "half a minute; tests/songs/test_composed_songs.py types it for two songs",
    "pip install '.[songs]'": "needs a network; that there is such an extra is tested below",
    "maskrcnn train CLASSMAPS": "tests/apps/test_semantic_commands.py trains on class maps",
    "maskrcnn train FILES --labels labels.csv": "tests/apps/test_whole_commands.py trains on labels of whole files",
    "maskrcnn predict FILE --model runs/FILES/best.safetensors": "the same",
    "pip install .": "needs a network",
    "pip install -c constraints.txt .": "needs a network",
    "pip install '.[video]'": "needs a network; that there is such an extra is tested below",
    "pip install '.[signals]'": "needs a network; that there is such an extra is tested below",
    "maskrcnn studio photos/": "serves until it is stopped; tests/studio/ opens it in a browser",
    "pip install '.[studio]'": "needs a network; that there is such an extra is tested below",
    "pip install '.[volumes]'": "needs a network; that there is such an extra is tested below",
    "maskrcnn demo": "half a minute; tests/test_cli.py runs it",
    "maskrcnn train SCANS": "slow without a small model; tests/apps/test_volume_commands.py trains on scans",
    "maskrcnn train made-up": "the same; `make synthetic` trains on synthetic volumes",
    "maskrcnn predict photo.jpg --model coco": "needs a network; tests/checkpoints/ has a mirror",
    "maskrcnn predict photo.jpg --model model_final.pth": "needs a large file; the same tests make a small one",
    "maskrcnn train ../shared/data/animals/train --val ../shared/data/animals/valid": "needs data, see docs/data.md",
}
FAULTS_FOUND = {"maskrcnn doctor DATA --val DATA"}  # exit code 1: the same pictures are on both sides


def commands():
    """Every command in the README, from its blocks and from its sentences."""
    inline = [code for code in inline_code(README) if code.startswith(("maskrcnn ", "pip "))]
    return list(dict.fromkeys([*shell_lines(README), *inline]))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with all that the README's commands name."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("photo.jpg", "slide.png", "folder/another.png"):
        save_photo(folder / name)
    save_tiny_model(folder / "runs" / "NAME" / "best.safetensors")
    save_tiny_signal_model(folder / "recordings.safetensors", "series")
    write_series(folder / "RECORDINGS", count=2, length=200)
    for k, name in enumerate(("DATA", "A", "B", "C")):
        write_coco(folder / name, count=2 + k)
    samples, _ = bumps(8000)
    write_wav(folder / "speech.wav", 0.1 * samples, rate=8000)
    return folder


@pytest.fixture
def workspace(files, tmp_path, monkeypatch):
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add_record():
    wfdb = pytest.importorskip("wfdb")
    wave = np.sin(np.linspace(0, 60, 2500))[:, None]
    wfdb.wrsamp("sel100", fs=250, units=["mV"], sig_name=["MLII"], p_signal=wave, fmt=["212"])


def add_scan():
    nibabel = pytest.importorskip("nibabel")
    voxels = np.random.default_rng(0).normal(size=(20, 22, 18)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), "scan.nii.gz")


def test_every_command_of_the_readme_is_run_or_excused():
    assert set(commands()) == {*RUN, *EXCUSED}


@pytest.mark.parametrize("command", RUN)
def test_a_command_of_the_readme_does_what_it_says(maskrcnn, workspace, command):
    if "sel100" in command:
        add_record()
    if "scan.nii.gz" in command:
        add_scan()
    if "clip.mp4" in command:
        pytest.importorskip("av")
        save_clip(Path("clip.mp4"), scene(4))
    if "synthetic" in command:
        pytest.importorskip("tifffile")
    before = set(workspace.rglob("*"))
    for choice in re.search(r"\S+\|\S+|$", command)[0].split("|"):
        line = re.sub(r"\S+\|\S+", choice, command).replace("OUT", f"out_{choice}")
        outcome = maskrcnn(*shlex.split(line)[1:], *shlex.split(RUN[command]))
        assert outcome.code == (1 if command in FAULTS_FOUND else 0), outcome
    assert set(workspace.rglob("*")) > before or command.startswith(("maskrcnn models", "maskrcnn doctor"))


def test_the_readme_s_python_runs(workspace):
    shutil.copy(write_coco(workspace / "people", count=1, classes=("person", "dog")), workspace / "annotations.json")
    shutil.copytree(workspace / "people" / "images", workspace / "images")
    shutil.rmtree(workspace / "runs" / "DATA", ignore_errors=True)
    names = {}
    first, second = python_blocks(README)
    assert first.count(LONG) == 1  # nothing else is changed
    exec(first.replace(LONG, BRIEF), names)
    assert (workspace / "found.png").is_file() and names["trained"].best.is_file()
    assert set(names["judged"].metrics) >= {"box/AP", "mask/AP"}
    exec(second, names)
    assert (workspace / "instances.png").is_file()
    assert names["unread"] == [] and "box/AP" in names["result"].metrics


def test_the_flags_that_the_readme_names_are_there():
    fields = {name.strip("_") for command in COMMANDS.values() for name in command.__dataclass_fields__}
    fields |= set(Recipe.__dataclass_fields__)
    named = {flag for code in inline_code(README) for flag in re.findall(r"--([a-z][a-z-]+)", code)}
    assert named and {flag.replace("-", "_") for flag in named} <= fields


def test_the_make_targets_that_the_readme_names_are_there():
    named = {word for line in (*shell_lines(README), *inline_code(README)) for word in re.findall(r"^make (\S+)", line)}
    assert {"demo", "test", "evaluate-people"} <= named <= make_targets()


def test_the_extras_that_the_readme_names_are_there():
    extras = read_document("pyproject.toml").split("[project.optional-dependencies]")[1].split("\n[")[0]
    named = set(re.findall(r"(?:maskrcnn|\.)\[([\w,]+)\]", read_document(README)))
    assert named and all(re.search(rf"^{name} = ", extras, re.M) for name in named)


def test_the_models_that_the_readme_names_are_shipped():
    section = read_document(README).split("## The shipped models")[1]
    assert set(re.findall(r"^- \*\*`([\w-]+)`\*\*", section, re.M)) == set(shipped_models())


def test_the_pages_that_the_readme_links_are_there():
    links = re.findall(r"\]\(([^)#:]+)\)", read_document(README))
    root = Path(__file__).resolve().parents[1]
    assert links and not [link for link in links if not (root / link).exists()]
