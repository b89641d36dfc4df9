"""What code says: no branch on dimension or kind of file, no pickles, no head in the walks, nothing printed by jobs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from laws import File, imports, judge, mentions, own_imports, package_files

# Reading a file means to know its dimensions: photos are 2-D, and so are COCO's polygons and run lengths.
MAY_BRANCH = ("ops/nd.py", "models/nd.py", "drawing/", "modalities/")
UNPICKLERS = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
SILENT = ("jobs", "planning", "doctor", "report", "association")
WALKS = ("models/mask_rcnn.py", "losses/objective.py", "inference/predictor.py")


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


def no_path_is_asked_by_what_raises(files: list[File]) -> Iterator[str]:
    """Path's own questions raise for names that are too long and links that lead back to themselves: see files.py."""
    for file in (file for file in files if file.name != "files.py"):
        for node in file.nodes:
            asked = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args
            if asked and node.func.attr in ("is_file", "is_dir", "exists", "resolve") and not node.keywords:
                yield file.says(node, f"asks {node.func.attr}() of a path")


def is_kind(node: ast.AST) -> bool:
    """``data.kind``, ``info.notes["kind"]`` or ``info.notes.get("kind")``; a bare ``kind`` may be of anything."""
    if isinstance(node, ast.Attribute):
        return node.attr == "kind" and "data" in ast.unparse(node.value)
    return re.search(r"notes(\[|\.get\()['\"]kind['\"]", ast.unparse(node)) is not None


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


LAWS = (
    DIMENSION,
    PICKLES,
    EXPORT,
    TARGETS,
    HEADS,
    CONFIG,
    SILENCE,
    PATHS,
    KINDS,
) = (
    the_dimension_is_a_number_not_a_branch,
    nothing_is_ever_unpickled,
    the_core_never_mentions_export,
    the_walk_of_prediction_has_no_word_of_targets,
    the_walks_name_no_head,
    nobody_changes_a_config,
    jobs_print_nothing,
    no_path_is_asked_by_what_raises,
    kinds_of_files_are_compared_in_modalities_alone,
)
PLANTED = [
    (DIMENSION, "ops/boxes.py", "if ndim == 2:\n    pass"),
    (DIMENSION, "ops/boxes.py", "x = 1 if boxes.ndim - 2 > 1 else 2"),
    (DIMENSION, "ops/boxes.py", "y = [b for b in boxes if b.dim() in (2, 3)]"),
    (DIMENSION, "ops/boxes.py", "while len(image.shape) != 3:\n    pass"),
    (DIMENSION, "ops/boxes.py", "match self.ndim:\n    case 1 | 2:\n        pass"),
    (DIMENSION, "ops/boxes.py", "TABLE = {1: 'x', 2: 'xy', 3: 'xyz'}"),
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
    (SILENCE, "jobs/train.py", "print('done')"),
    (SILENCE, "jobs/train.py", "def train(say=print): ..."),
    (SILENCE, "doctor/sizes.py", "from rich.console import Console"),
    (SILENCE, "planning/make_plan.py", "import sys\nsys.exit(1)"),
    (SILENCE, "planning/make_plan.py", "from sys import stderr"),
    (SILENCE, "report/page.py", "sys.stdout.write('done')"),
    (KINDS, "planning/rules/grid.py", 'if s.data.kind == "volume":\n    pass'),
    (KINDS, "jobs/train.py", 'x = 1 if data.kind in ("dna", "audio") else 2'),
    (KINDS, "jobs/train.py", 'match dataset.kind:\n    case "image":\n        pass'),
    (KINDS, "jobs/train.py", 'if info.notes.get("kind", "image") != "image":\n    pass'),
]
INNOCENT = [
    (DIMENSION, "ops/boxes.py", "if len(shape) != ndim:\n    pass"),
    (DIMENSION, "ops/boxes.py", "if len(boxes) == 0 or count == 2:\n    x = (1,) * ndim"),
    (DIMENSION, "ops/nd.py", "if ndim == 2:\n    pass"),
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
    (SILENCE, "apps/cli/train.py", "print('done')"),
    (SILENCE, "jobs/train.py", "tell(Note(text))\nfingerprint = 1\nimport sys\nsys.platform"),
    (KINDS, "modalities/kinds.py", 'if data.kind == "image":\n    pass'),
    (KINDS, "jobs/train.py", "if data.kind == other.kind and kinds()[data.kind].is_picture:\n    pass"),
    (KINDS, "evaluation/coco.py", 'if kind == "mask":\n    pass'),
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
