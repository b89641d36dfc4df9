"""Who imports whom: floors, siblings, circles, apps, and libraries that are never imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from laws import FLOOR, FLOORS, File, imports, judge, own_imports, package_files, read_floors, room_of

STRANGERS = ("models/heads/",)  # no file in one of these imports another one of it
FORMATS = re.compile(r"modalities/\w+/formats/\w+/")  # nor does a format know another
FOREIGN = {"torchvision", "timm", "torchmetrics", "lightning", "pytorch_lightning"}
# An app knows what it asks for and how it is answered: jobs, and two files that need nothing of theirs. Errors, because
# main() turns them into exit codes; checks, because slips in what an app alone asks for are answered before jobs are.
APPS_KNOW = ("maskrcnn.apps", "maskrcnn.jobs", "maskrcnn.errors", "maskrcnn.checks")


def a_file_knows_only_lower_floors_and_its_own_room(files: list[File]) -> Iterator[str]:
    yield from (file.says(ast.Module(), f"{file.room} has no floor") for file in files if file.room not in FLOOR)
    for file, node, module in own_imports(files):
        room = room_of("/".join(module.split(".")[1:]) or "__init__")
        if room != file.room and FLOOR.get(room, 99) >= FLOOR.get(file.room, -1):
            yield file.says(node, f"{file.room} imports {room}, which is not below it")


def nothing_inside_imports_the_package_itself(files: list[File]) -> Iterator[str]:
    for file in files:
        for node, module in imports(file, set()):
            if module == "maskrcnn":
                yield file.says(node, "imports maskrcnn itself")


def siblings_are_strangers(files: list[File]) -> Iterator[str]:
    for file, node, module in own_imports(files):
        for folder in STRANGERS:
            inside = module.startswith("maskrcnn." + folder.replace("/", "."))
            if file.name.startswith(folder) and inside and module != file.module:
                yield file.says(node, f"imports its sibling {module}")
        own, other = FORMATS.match(file.name), FORMATS.match(module.replace(".", "/").removeprefix("maskrcnn/") + "/")
        if own and other and own[0] != other[0]:
            yield file.says(node, f"imports the format {module}")


def imports_make_no_circle(files: list[File]) -> Iterator[str]:
    known = {file.module: file for file in files}
    graph: dict[str, set[str]] = {module: set() for module in known}
    for file, _, module in own_imports(files):
        if module in known and module != file.module:
            graph[file.module].add(module)
    # files that import nothing that is left are taken away again and again; what stays goes round or leads there
    while free := {module for module, imported in graph.items() if not imported}:
        graph = {module: imported - free for module, imported in graph.items() if module not in free}
    yield from (known[module].says(ast.Module(), f"is in a circle with {graph[module]}") for module in sorted(graph))


def the_field_s_giants_are_never_imported(files: list[File]) -> Iterator[str]:
    for file in files:
        for node, module in imports(file, set()):
            if module.split(".")[0] in FOREIGN:
                yield file.says(node, f"imports {module}")


def apps_know_jobs_alone(files: list[File]) -> Iterator[str]:
    for file, node, module in own_imports(files):
        known = any(module == name or module.startswith(f"{name}.") for name in APPS_KNOW)
        if file.name.startswith("apps/") and not known:
            yield file.says(node, f"imports {module}, which is no job")


LAWS = (
    FLOORS_LAW,
    ITSELF,
    SIBLINGS,
    CIRCLE,
    GIANTS,
    APPS,
) = (
    a_file_knows_only_lower_floors_and_its_own_room,
    nothing_inside_imports_the_package_itself,
    siblings_are_strangers,
    imports_make_no_circle,
    the_field_s_giants_are_never_imported,
    apps_know_jobs_alone,
)
PLANTED = [
    (FLOORS_LAW, "ops/boxes.py", "from maskrcnn.structures import Instances"),
    (FLOORS_LAW, "models/fpn.py", "import maskrcnn.data.transforms.samples"),
    (FLOORS_LAW, "data/dataset.py", "from maskrcnn.models.rpn import RPN"),
    (FLOORS_LAW, "losses/box.py", "from maskrcnn.models.rpn import RPN"),
    (FLOORS_LAW, "models/rpn.py", "from maskrcnn.losses.objective import Objective"),
    (FLOORS_LAW, "losses/box.py", "def late():\n    from maskrcnn.training import fit"),
    (FLOORS_LAW, "losses/box.py", "from ..training import fit"),
    (FLOORS_LAW, "video/reader.py", "from maskrcnn.export.onnx import export"),
    (FLOORS_LAW, "jobs/train.py", "from maskrcnn import fit"),
    (FLOORS_LAW, "jobs/train.py", "from maskrcnn.apps.cli.console import say"),
    (FLOORS_LAW, "doctor/sizes.py", "from maskrcnn.report.html import tag"),
    (FLOORS_LAW, "attic/box.py", ""),
    (ITSELF, "losses/box.py", "import maskrcnn"),
    (ITSELF, "losses/box.py", "from maskrcnn import MaskRCNN"),
    (ITSELF, "losses/box.py", "from .. import MaskRCNN"),
    (SIBLINGS, "models/heads/box.py", "from maskrcnn.models.heads.mask import MaskHead"),
    (SIBLINGS, "modalities/images/formats/voc/read.py", "from maskrcnn.modalities.images.formats.coco import read"),
    (SIBLINGS, "modalities/images/formats/voc/write.py", "from maskrcnn.modalities.images.formats.coco.read import x"),
    (SIBLINGS, "modalities/images/formats/voc/read.py", "from ..coco import read"),
    (FLOORS_LAW, "modalities/images/open.py", "from maskrcnn.modalities.signals.open import open_signal_set"),
    (FLOORS_LAW, "modalities/volumes/draw/sheet.py", "from maskrcnn.modalities.signals.draw.layout import WORD_ROW"),
    (FLOORS_LAW, "modalities/images/open.py", "from maskrcnn.modalities.kinds import KINDS"),
    (CIRCLE, "modalities/images/formats/coco/read.py", "from maskrcnn.modalities.images.formats.coco.write import x"),
    (GIANTS, "ops/nms.py", "from torchvision.ops import nms"),
    (GIANTS, "ops/nms.py", "import lightning as pl"),
    (APPS, "apps/cli/train.py", "from maskrcnn.planning.recipe import Recipe"),
    (APPS, "apps/cli/train.py", "def late():\n    from maskrcnn.modalities.open import open_dataset"),
    (APPS, "apps/studio/page.py", "import maskrcnn.inference.predictor"),
    (APPS, "apps/http/guard.py", "from maskrcnn.training import fit"),
    (FLOORS_LAW, "apps/http/guard.py", "from maskrcnn.apps.cli.console import say"),
]
INNOCENT = [
    (FLOORS_LAW, "losses/objective.py", "from maskrcnn.models.rpn import RPN"),
    (FLOORS_LAW, "losses/objective.py", "from maskrcnn.losses.box import box_losses"),
    (FLOORS_LAW, "models/rpn.py", "from maskrcnn.losses.terms import Term"),
    (FLOORS_LAW, "losses/box.py", "from maskrcnn.losses.terms import Term"),
    (FLOORS_LAW, "losses/box.py", "from .terms import Term"),
    (ITSELF, "losses/box.py", "from maskrcnn.models import rpn"),
    (SIBLINGS, "modalities/images/formats/voc/read.py", "from maskrcnn.modalities.images.labels import folders"),
    (SIBLINGS, "modalities/images/formats/coco/read.py", "from maskrcnn.modalities.images.formats.coco import write"),
    (SIBLINGS, "modalities/open.py", "from maskrcnn.modalities.images.formats.coco import read"),
    (FLOORS_LAW, "modalities/open.py", "from maskrcnn.modalities.signals.open import open_signal_set"),
    (CIRCLE, "modalities/open.py", "from maskrcnn.modalities.images.formats.coco import read"),
    (GIANTS, "apps/cli/train.py", "from maskrcnn.checkpoints.foreign.torchvision import convert"),
    (APPS, "apps/cli/train.py", "from maskrcnn.jobs.options.train import TrainOptions"),
    (APPS, "apps/cli/train.py", "from maskrcnn.checks import counted"),
    (APPS, "apps/cli/train.py", "from maskrcnn.apps.cli.console import say"),
    (APPS, "jobs/train.py", "from maskrcnn.modalities.open import open_dataset"),
]


@pytest.mark.parametrize("law", LAWS)
def test_the_package_keeps_its_laws(law):
    violations = list(law(package_files()))
    assert not violations, "\n".join(violations)


@pytest.mark.parametrize("law, name, text", PLANTED)
def test_a_planted_violation_is_found(law, name, text):
    assert judge(law, name, text) != []


@pytest.mark.parametrize("law, name, text", INNOCENT)
def test_an_innocent_line_is_let_pass(law, name, text):
    assert judge(law, name, text) == []


def test_every_law_has_a_planted_violation_and_an_innocent_line():
    assert {law for law, *_ in PLANTED} == {law for law, *_ in INNOCENT} == set(LAWS)


def test_the_table_of_floors_is_read():
    assert read_floors(
        "## Floors\n| rooms | what |\n|---|---|\n| `a` `b/c` | x |\n| `d` | y |\n## Laws\n| `e` | z |"
    ) == ["a b/c", "d"]
    assert FLOORS[-1] == "__init__" and FLOOR["ops"] < FLOOR["models"] < FLOOR["jobs"] < FLOOR["apps"]
