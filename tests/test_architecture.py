"""The plan that cannot drift: floors, strangers and laws of the architecture, read from the source.

A law is a function from files to its violations, each of them a sentence. Every law has a planted violation below that
it must find and an innocent line that it must not, so that a law that has gone blind fails as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "maskrcnn"

PLAN = PACKAGE.parents[1] / "docs" / "architecture.md"


def read_floors(page: str) -> list[str]:
    """The rooms of each floor, lowest first, from the table in ``docs/architecture.md``. A file knows the floors below
    its own and its own room, nothing else."""
    table = page.split("## Floors")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [" ".join(re.findall(r"`([\w/]+)`", cell)) for cell in cells]


FLOORS = read_floors(PLAN.read_text(encoding="utf-8"))
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}
STRANGERS = ("models/heads/",)  # no file in one of these imports another one of it
FORMATS = re.compile(r"modalities/\w+/formats/\w+/")  # nor does a format know another
# Reading a file means to know its dimensions: photos are 2-D, and so are COCO's polygons and run lengths.
MAY_BRANCH = ("ops/nd.py", "models/nd.py", "drawing/", "modalities/")
FOREIGN = {"torchvision", "timm", "torchmetrics", "lightning", "pytorch_lightning"}
UNPICKLERS = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
MAX_LINES, MAX_FILES, MAX_ALIKE = 300, 12, 2
# An app knows what it asks for and how it is answered: jobs, and two files that need nothing of theirs. Errors, because
# main() turns them into exit codes; checks, because slips in what an app alone asks for are answered before jobs are.
APPS_KNOW = ("maskrcnn.apps", "maskrcnn.jobs", "maskrcnn.errors", "maskrcnn.checks")
SILENT = ("jobs", "planning", "doctor", "report")
WALKS = ("models/mask_rcnn.py", "losses/objective.py", "inference/predictor.py")


@dataclass(frozen=True)
class File:
    """A file of the package: its path inside it, such as ``models/heads/box.py``, and its text."""

    name: str
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    @property
    def module(self) -> str:
        return "maskrcnn." + self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def room(self) -> str:
        """What has a floor: see :func:`room_of`."""
        return room_of(self.name.removesuffix(".py"))

    def says(self, node: ast.AST, what: str) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)} {what}"


def room_of(path: str) -> str:
    """The smallest folder around a file, or the file itself, that has a floor; else the folder at the top."""
    parts = path.split("/")
    around = ("/".join(parts[:k]) for k in range(len(parts), 0, -1))
    return next((room for room in around if room in FLOOR), parts[0])


def package_files() -> list[File]:
    return [
        File(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


def imports(file: File, modules: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Every imported module, absolute; ``from package import module`` counts as that module if ``modules`` has it."""
    parents = file.module.split(".") if file.name.endswith("__init__.py") else file.module.split(".")[:-1]
    for node in file.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            named = {f"{source}.{alias.name}" for alias in node.names}
            yield from ((node, module) for module in sorted(named & modules))
            if named - modules:
                yield node, source


def own_imports(files: list[File]) -> Iterator[tuple[File, ast.AST, str]]:
    """As :func:`imports`, those of the package itself."""
    modules = {file.module for file in files}
    for file in files:
        for node, module in imports(file, modules):
            if module.split(".")[0] == "maskrcnn":
                yield file, node, module


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


def is_dimension(node: ast.AST) -> bool:
    """``ndim``, ``x.ndim``, ``x.dim()`` or ``len(x.shape)``, and whatever is reckoned from them."""
    for part in ast.walk(node):
        name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
        if name == "ndim":
            return True
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and not part.args:
            if part.func.attr in ("dim", "ndimension"):
                return True
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "len":
            measured = part.args[0] if part.args else part
            if getattr(measured, "attr", getattr(measured, "id", "")) in ("shape", "spatial_shape"):
                return True
    return False


def is_number(node: ast.AST) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(is_number(item) for item in node.elts)
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def branches_on_the_dimension(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        return any(map(is_dimension, sides)) and any(map(is_number, sides))
    if isinstance(node, ast.Match):
        values = [part for case in node.cases for part in ast.walk(case.pattern) if isinstance(part, ast.MatchValue)]
        return is_dimension(node.subject) and any(is_number(part.value) for part in values)
    if isinstance(node, ast.Dict):  # a table by dimension
        return {getattr(key, "value", None) for key in node.keys} == {1, 2, 3}
    return False


def the_dimension_is_a_number_not_a_branch(files: list[File]) -> Iterator[str]:
    for file in files:
        if not file.name.startswith(MAY_BRANCH):
            nodes = (node for node in file.nodes if branches_on_the_dimension(node))
            yield from (file.says(node, "asks for the dimension") for node in nodes)


def the_field_s_giants_are_never_imported(files: list[File]) -> Iterator[str]:
    for file in files:
        for node, module in imports(file, set()):
            if module.split(".")[0] in FOREIGN:
                yield file.says(node, f"imports {module}")


def nothing_is_ever_unpickled(files: list[File]) -> Iterator[str]:
    for file in files:
        for node, module in imports(file, {"torch.load"}):
            if module.split(".")[0] in UNPICKLERS or module == "torch.load":
                yield file.says(node, f"imports {module}")
        for node in file.nodes:
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load":
                yield file.says(node, "calls torch.load")
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
                yield file.says(node.value, "allows pickles")


def the_core_never_mentions_export(files: list[File]) -> Iterator[str]:
    yield from mentions(files, r"\b(onnx|jit|tracing)\b", lambda file: file.room != "export")


def the_walk_of_prediction_has_no_word_of_targets(files: list[File]) -> Iterator[str]:
    """A head has its loss beside it, as all else that the walks ask of it; the rest of models/ only predicts."""
    heads = ("models/head.py", "models/point_head.py", "models/heads/")
    yield from mentions(files, "target", lambda file: file.room == "models" and not file.name.startswith(heads))


def the_walks_name_no_head(files: list[File]) -> Iterator[str]:
    """What is added to them is added by the head; the second stage is the detector itself."""
    for file, node, module in own_imports(files):
        if file.name in WALKS and re.match(r"maskrcnn\.models\.(heads\.(?!box$)|point_head)", module):
            yield file.says(node, f"imports {module}")
    yield from mentions(files, r"heads?(\[|\.get\()[\"\'](?!box)|(mask|keypoint)_head", lambda file: file.name in WALKS)


def nobody_changes_a_config(files: list[File]) -> Iterator[str]:
    """What a call wants travels with it; a model or predictor that several threads share stays as it is."""
    for file in files:
        for node in file.nodes:
            assigned = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in assigned if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) else []:
                if (
                    isinstance(target, ast.Attribute)
                    and target.attr == "config"
                    and ast.unparse(target.value) != "self"
                ):
                    yield file.says(node, f"assigns {ast.unparse(target)}")


def apps_know_jobs_alone(files: list[File]) -> Iterator[str]:
    for file, node, module in own_imports(files):
        known = any(module == name or module.startswith(f"{name}.") for name in APPS_KNOW)
        if file.room == "apps" and not known:
            yield file.says(node, f"imports {module}, which is no job")


def jobs_print_nothing(files: list[File]) -> Iterator[str]:
    """What a user should know is told through a callback, so that a server can send on what the command line prints."""
    for file in (file for file in files if file.room in SILENT):
        for node, module in imports(file, {"sys.exit", "sys.stdout", "sys.stderr"}):
            if module.split(".")[0] == "rich" or module in ("sys.exit", "sys.stdout", "sys.stderr"):
                yield file.says(node, f"imports {module}")
        for node in file.nodes:
            if isinstance(node, ast.Name) and node.id in ("print", "input", "exit"):
                yield file.says(node, f"says {node.id}")
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.exit", "sys.stdout", "sys.stderr"):
                yield file.says(node, f"says {ast.unparse(node)}")


def mentions(files: list[File], words: str, where) -> Iterator[str]:
    for file in filter(where, files):
        for number, line in enumerate(file.text.splitlines(), 1):
            if found := re.search(words, line, re.IGNORECASE):
                yield f"{file.name}:{number} says {found.group()}"


def no_path_is_asked_by_what_raises(files: list[File]) -> Iterator[str]:
    """Path's own questions raise for names that are too long and links that lead back to themselves: see files.py."""
    for file in (file for file in files if file.name != "files.py"):
        for node in file.nodes:
            asked = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args
            if asked and node.func.attr in ("is_file", "is_dir", "exists", "resolve") and not node.keywords:
                yield file.says(node, f"asks {node.func.attr}() of a path")


def no_file_is_longer_than_300_lines(files: list[File]) -> Iterator[str]:
    for file in files:
        if (count := len(file.text.splitlines())) > MAX_LINES:
            yield f"{file.name} has {count} lines"


def kinds_of_files_are_compared_in_modalities_alone(files: list[File]) -> Iterator[str]:
    """Elsewhere a kind is asked for what is needed of it, see ``modalities/wing.py``."""
    for file in (file for file in files if not file.name.startswith("modalities/")):
        for node in file.nodes:
            sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            if isinstance(node, ast.Match):
                sides = [node.subject, *(part.value for part in ast.walk(node) if isinstance(part, ast.MatchValue))]
            others = [part for side in sides if not is_kind(side) for part in ast.walk(side)]
            words = [part.value for part in others if isinstance(part, ast.Constant)]
            if any(is_kind(side) for side in sides) and any(isinstance(word, str) for word in words):
                yield file.says(node, "compares the kind of file")


def is_kind(node: ast.AST) -> bool:
    """``data.kind``, ``info.notes["kind"]`` or ``info.notes.get("kind")``; a bare ``kind`` may be of anything."""
    if isinstance(node, ast.Attribute):
        return node.attr == "kind" and "data" in ast.unparse(node.value)
    return re.search(r"notes(\[|\.get\()['\"]kind['\"]", ast.unparse(node)) is not None


def a_folder_has_at_most_twelve_files(files: list[File]) -> Iterator[str]:
    for folder, names in by_folder(files).items():
        if len(names) > MAX_FILES:
            yield from (f"{folder}{name}.py is one of {len(names)} files in a folder" for name in names)


def three_siblings_with_one_prefix_are_a_folder(files: list[File]) -> Iterator[str]:
    for folder, names in by_folder(files).items():
        for prefix in {name.split("_")[0] for name in names if "_" in name}:
            alike = [name for name in names if name.split("_")[0] == prefix]
            if len(alike) > MAX_ALIKE:
                yield from (f"{folder}{name}.py is one of {len(alike)} that begin with {prefix}" for name in alike)


def by_folder(files: list[File]) -> dict[str, list[str]]:
    """The modules that lie in each folder itself, but for its ``__init__``."""
    found: dict[str, list[str]] = {}
    for file in files:
        folder, _, name = file.name.rpartition("/")
        if name != "__init__.py":
            found.setdefault(f"{folder}/" if folder else "", []).append(name.removesuffix(".py"))
    return found


LAWS = (
    a_file_knows_only_lower_floors_and_its_own_room,
    nothing_inside_imports_the_package_itself,
    siblings_are_strangers,
    imports_make_no_circle,
    the_dimension_is_a_number_not_a_branch,
    the_field_s_giants_are_never_imported,
    nothing_is_ever_unpickled,
    the_core_never_mentions_export,
    the_walk_of_prediction_has_no_word_of_targets,
    the_walks_name_no_head,
    nobody_changes_a_config,
    apps_know_jobs_alone,
    jobs_print_nothing,
    no_path_is_asked_by_what_raises,
    kinds_of_files_are_compared_in_modalities_alone,
    a_folder_has_at_most_twelve_files,
    three_siblings_with_one_prefix_are_a_folder,
    no_file_is_longer_than_300_lines,
)

(
    FLOORS_LAW,
    ITSELF,
    SIBLINGS,
    CIRCLE,
    DIMENSION,
    GIANTS,
    PICKLES,
    EXPORT,
    TARGETS,
    HEADS,
    CONFIG,
    APPS,
    SILENCE,
    PATHS,
    KINDS,
    FILES,
    PREFIX,
    LENGTH,
) = LAWS
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
    (DIMENSION, "ops/boxes.py", "if ndim == 2:\n    pass"),
    (DIMENSION, "ops/boxes.py", "x = 1 if boxes.ndim - 2 > 1 else 2"),
    (DIMENSION, "ops/boxes.py", "y = [b for b in boxes if b.dim() in (2, 3)]"),
    (DIMENSION, "ops/boxes.py", "while len(image.shape) != 3:\n    pass"),
    (DIMENSION, "ops/boxes.py", "match self.ndim:\n    case 1 | 2:\n        pass"),
    (DIMENSION, "ops/boxes.py", "TABLE = {1: 'x', 2: 'xy', 3: 'xyz'}"),
    (GIANTS, "ops/nms.py", "from torchvision.ops import nms"),
    (GIANTS, "ops/nms.py", "import lightning as pl"),
    (PICKLES, "checkpoints/ours.py", "import pickle"),
    (PICKLES, "checkpoints/ours.py", "weights = torch.load(path)"),
    (PICKLES, "checkpoints/ours.py", "from torch import Tensor, load"),
    (PICKLES, "modalities/volumes/read.py", "np.load(path, allow_pickle=True)"),
    (EXPORT, "ops/nms.py", "if torch.jit.is_scripting():\n    pass"),
    (EXPORT, "ops/nms.py", "x = 1  # ONNX has no such operator"),
    (TARGETS, "models/rpn.py", "def forward(self, features, gt_targets=None): ..."),
    (PATHS, "modalities/images/read/pictures.py", "if path.is_file():\n    pass"),
    (PATHS, "modalities/images/read/pictures.py", "(folder / name).exists()"),
    (PATHS, "apps/cli/train.py", "out.resolve()"),
    (HEADS, "models/mask_rcnn.py", "from maskrcnn.models.heads.mask import MaskHead"),
    (HEADS, "losses/objective.py", "from maskrcnn.models.point_head import PointHead"),
    (HEADS, "losses/objective.py", "if 'mask' in heads:\n    losses |= heads['mask'].losses(inputs)"),
    (HEADS, "inference/predictor.py", "if config.mask_head is not None:\n    pass"),
    (CONFIG, "inference/mirroring.py", "model.config = lower"),
    (CONFIG, "evaluation/evaluate.py", "predictor.model.config: ModelConfig = lower"),
    (APPS, "apps/cli/train.py", "from maskrcnn.planning.recipe import Recipe"),
    (APPS, "apps/cli/train.py", "def late():\n    from maskrcnn.modalities.open import open_dataset"),
    (APPS, "apps/studio/page.py", "import maskrcnn.inference.predictor"),
    (SILENCE, "jobs/train.py", "print('done')"),
    (SILENCE, "jobs/train.py", "def train(say=print): ..."),
    (SILENCE, "doctor/sizes.py", "from rich.console import Console"),
    (SILENCE, "planning/make_plan.py", "import sys\nsys.exit(1)"),
    (SILENCE, "planning/make_plan.py", "from sys import stderr"),
    (SILENCE, "report/page.py", "sys.stdout.write('done')"),
    (LENGTH, "ops/nms.py", "x = 1\n" * 301),
    (KINDS, "planning/rules/grid.py", 'if s.data.kind == "volume":\n    pass'),
    (KINDS, "jobs/train.py", 'x = 1 if data.kind in ("dna", "audio") else 2'),
    (KINDS, "jobs/train.py", 'match dataset.kind:\n    case "image":\n        pass'),
    (KINDS, "jobs/train.py", 'if info.notes.get("kind", "image") != "image":\n    pass'),
    (FILES, "twelve/room13.py", ""),
    (PREFIX, "models/heads/mask_third.py", ""),
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
    (DIMENSION, "ops/boxes.py", "if len(shape) != ndim:\n    pass"),
    (DIMENSION, "ops/boxes.py", "if len(boxes) == 0 or count == 2:\n    x = (1,) * ndim"),
    (DIMENSION, "ops/nd.py", "if ndim == 2:\n    pass"),
    (GIANTS, "apps/cli/train.py", "from maskrcnn.checkpoints.foreign.torchvision import convert"),
    (PICKLES, "checkpoints/ours.py", "weights = safetensors.torch.load_file(path)"),
    (EXPORT, "data/transforms/samples.py", "def jitter(image): ..."),
    (EXPORT, "export/onnx.py", "import onnx"),
    (TARGETS, "losses/rpn.py", "targets = []"),
    (PATHS, "modalities/images/read/pictures.py", "is_file(path) and entry.is_dir(follow_symlinks=False)"),
    (PATHS, "files.py", "entry.is_file()"),
    (TARGETS, "models/heads/mask.py", "targets = []"),
    (HEADS, "models/mask_rcnn.py", "from maskrcnn.models.heads.box import BoxHead"),
    (HEADS, "models/build.py", "from maskrcnn.models.heads.mask import MaskHead"),
    (CONFIG, "models/build.py", "self.config = config"),
    (APPS, "apps/cli/train.py", "from maskrcnn.jobs.options.train import TrainOptions"),
    (APPS, "apps/cli/train.py", "from maskrcnn.checks import counted"),
    (APPS, "apps/cli/train.py", "from maskrcnn.apps.cli.console import say"),
    (APPS, "jobs/train.py", "from maskrcnn.modalities.open import open_dataset"),
    (SILENCE, "apps/cli/train.py", "print('done')"),
    (SILENCE, "jobs/train.py", "tell(Note(text))\nfingerprint = 1\nimport sys\nsys.platform"),
    (LENGTH, "ops/nms.py", "x = 1\n" * 300),
    (KINDS, "modalities/kinds.py", 'if data.kind == "image":\n    pass'),
    (KINDS, "jobs/train.py", "if data.kind == other.kind and kinds()[data.kind].is_picture:\n    pass"),
    (KINDS, "evaluation/coco.py", 'if kind == "mask":\n    pass'),
    (FILES, "twelve/__init__.py", ""),
    (PREFIX, "models/heads/point_third.py", ""),
]
# Planted files meet these: a package as small as the cases need.
OTHERS = [
    File("modalities/images/formats/coco/read.py", "from maskrcnn.modalities.images.read import pictures"),
    File("modalities/images/formats/coco/write.py", "import maskrcnn.modalities.images.formats.coco.read"),
    File("modalities/images/read/pictures.py", "from maskrcnn.structures import Record"),
    File("models/rpn.py", ""),
    File("models/heads/mask.py", ""),
    File("models/heads/box.py", ""),
    File("structures.py", ""),
    File("models/heads/mask_second.py", ""),
    *(File(f"twelve/room{k}.py", "") for k in range(1, 13)),
]


def judge(law, name: str, text: str) -> list[str]:
    """The violations of the planted file."""
    planted = File(name, text)
    violations = law([planted, *(file for file in OTHERS if file.name != name)])
    return [violation for violation in violations if violation.startswith(name)]


@pytest.mark.parametrize("law", LAWS)
def test_the_package_keeps_its_laws(law):
    violations = list(law(package_files()))
    assert not violations, "\n".join(violations)


def test_the_table_of_floors_is_read():
    assert read_floors(
        "## Floors\n| rooms | what |\n|---|---|\n| `a` `b/c` | x |\n| `d` | y |\n## Laws\n| `e` | z |"
    ) == ["a b/c", "d"]
    assert FLOORS[-1] == "__init__" and FLOOR["ops"] < FLOOR["models"] < FLOOR["jobs"] < FLOOR["apps"]


def test_the_package_is_found():
    names = {file.name for file in package_files()}
    assert {"__init__.py", "ops/nms.py", "models/heads/box.py"} <= names


@pytest.mark.parametrize("law, name, text", PLANTED)
def test_a_planted_violation_is_found(law, name, text):
    assert judge(law, name, text) != []


@pytest.mark.parametrize("law, name, text", INNOCENT)
def test_an_innocent_line_is_let_pass(law, name, text):
    assert judge(law, name, text) == []


def test_every_law_has_a_planted_violation_and_an_innocent_line():
    assert {law for law, *_ in PLANTED} == {law for law, *_ in INNOCENT} == set(LAWS)
