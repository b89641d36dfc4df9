"""What a wheel holds and asks for, as far as the files tell; `make package` builds one and installs it."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from documents import ROOT, read_document
from maskrcnn.loggers.logger import LOGGERS

PACKAGE = ROOT / "src" / "maskrcnn"
MOST = 95_000_000  # bytes of a wheel; weights hardly shrink when they are packed
NO_DATA = {".py", ".pyc"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads(read_document("pyproject.toml"))


def names_of(requirements):
    return {re.match(r"[\w.-]+", one)[0].lower().replace("_", "-") for one in requirements}


def test_every_file_that_is_no_module_is_packed(project):
    patterns = project["tool"]["setuptools"]["package-data"]["maskrcnn"]
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in NO_DATA]
    names = [path.relative_to(PACKAGE).as_posix() for path in files]
    assert "pretrained/everyday.safetensors" in names and "py.typed" in names
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)] == []


def test_what_is_packed_is_small_enough():
    assert sum(path.stat().st_size for path in PACKAGE.rglob("*") if path.suffix != ".pyc") < MOST


def test_every_extra_that_an_error_names_is_there(project):
    extras = set(project["project"]["optional-dependencies"])
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"maskrcnn\[(\w+)\]", text)}
    named |= {name for text in texts for name in re.findall(r'extra="(\w+)"', text)}
    named |= set(LOGGERS)
    assert {"signals", "volumes", "supervision", "imagej", "tensorboard"} <= named <= extras


def test_what_is_asked_for_has_an_exact_version_that_is_known_to_work(project):
    exact = names_of(re.findall(r"^[\w.-]+(?===)", read_document("constraints.txt"), re.M))
    asked = names_of(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        asked |= names_of(one for one in extra if not one.startswith("maskrcnn["))
    assert asked <= exact, asked - exact


def test_the_version_is_said_once_and_the_licence_is_there(project):
    import maskrcnn

    assert project["project"]["version"] == maskrcnn.__version__
    assert [Path(ROOT, name).is_file() for name in project["project"]["license-files"]] == [True]
