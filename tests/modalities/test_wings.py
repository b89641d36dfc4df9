"""Wings are found by listing folders, have the same doors, and leave one another's readers alone."""

import inspect
import json
import subprocess
import sys

import pytest

from maskrcnn.modalities.table import kinds, wing_of, wings
from maskrcnn.modalities.wing import Doors

DOORS = {name: door for name, door in vars(Doors).items() if inspect.isfunction(door) and not name.startswith("_")}
PREDICTING = """
import json, sys
from pathlib import Path
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.predict import predict
from maskrcnn.modalities.inputs import default_model

photo, model, out = map(Path, sys.argv[1:])
assert default_model([photo]) == "everyday"
outcome = predict(PredictFilesOptions((photo,), out, str(model)))
assert list(outcome.objects) == [str(photo)] and not outcome.failures
print(json.dumps(sorted(name for name in sys.modules if name.startswith("maskrcnn."))))
"""


@pytest.mark.parametrize("name", DOORS)
def test_every_wing_has_the_same_doors(name):
    wanted = [parameter for parameter in inspect.signature(DOORS[name]).parameters if parameter != "self"]
    for wing in wings():
        door = getattr(wing.doors(), name)
        assert list(inspect.signature(door).parameters) == wanted, wing.noun
        assert door.__doc__


def test_every_kind_is_of_one_wing():
    assert sorted(kinds()) == ["audio", "dna", "image", "series", "volume", "wfdb"]
    assert sum(len(wing.kinds) for wing in wings()) == len(kinds())
    assert [wing.noun for wing in wings()] == ["recording", "scan", "image"]
    assert wing_of("dna").noun == "recording"


def test_predicting_a_photo_loads_no_reader_of_recordings_or_scans(tmp_path, tiny_file, save_image):
    photo = save_image(tmp_path / "photo.png")
    command = [sys.executable, "-c", PREDICTING, str(photo), str(tiny_file), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    own = {"maskrcnn.modalities.images.read.pictures", "maskrcnn.modalities.images.predict"}
    assert own <= set(loaded)
    others = [
        name for name in loaded if name.startswith(("maskrcnn.modalities.signals", "maskrcnn.modalities.volumes"))
    ]
    assert not [name for name in others if name.endswith((".read", ".open", ".predict", ".writer", ".recognise"))]
    assert not [name for name in loaded if ".images.formats." in name]
