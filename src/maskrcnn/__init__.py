"""One Mask R-CNN, in plain PyTorch, for images, signals and volumes.

    from maskrcnn import load

    found = load("everyday")("photo.jpg")

The names below are imported when they are first used, so that ``maskrcnn --help`` does not wait for torch. They are
those of the package's functions and every record that these take or give.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from maskrcnn.moved import serve_moved_modules

if TYPE_CHECKING:  # for type checkers and editors; a test compares this list with the two below
    from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
    from maskrcnn.config.heads import (
        BoxHeadConfig,
        ClassFieldConfig,
        CloseUpConfig,
        CloseUpMaskConfig,
        KeypointHeadConfig,
        MaskHeadConfig,
        PoolConfig,
        SemanticHeadConfig,
        WholeHeadConfig,
    )
    from maskrcnn.config.model import LossConfig, ModelConfig, SemanticLossConfig
    from maskrcnn.config.network import (
        AnchorConfig,
        BackboneConfig,
        DetectionConfig,
        PreprocessConfig,
        SelectionConfig,
    )
    from maskrcnn.config.surface import SurfaceConfig, SurfaceHeadConfig, SurfaceLossConfig
    from maskrcnn.data.dataset import Dataset, RecordSource
    from maskrcnn.data.transforms.augment import AugmentConfig
    from maskrcnn.drawing.overlay import draw
    from maskrcnn.errors import (
        CheckpointError,
        DataError,
        MaskRCNNError,
        UsageError,
    )
    from maskrcnn.evaluation.coco import CocoResult
    from maskrcnn.explanation.evidence import Evidence, Explanation, explain
    from maskrcnn.face.commands import evaluate, train
    from maskrcnn.face.found import Found
    from maskrcnn.face.model import Model, load
    from maskrcnn.face.records import Evaluation, Training
    from maskrcnn.face.tracked import FoundInFrame
    from maskrcnn.inference.options import PredictOptions
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.inference.tiling.tiles import Tiling
    from maskrcnn.losses.objective import Objective
    from maskrcnn.losses.sampling import SampledProposals
    from maskrcnn.losses.teacher import Teacher
    from maskrcnn.losses.terms import Term
    from maskrcnn.modalities.images.read.pictures import read_image
    from maskrcnn.modalities.open import open_dataset
    from maskrcnn.modalities.signals.read import read_signal
    from maskrcnn.modalities.signals.signal import Signal
    from maskrcnn.modalities.volumes.read import read_volume
    from maskrcnn.modalities.volumes.volume import FileSpace, Turn, Volume
    from maskrcnn.model_info import ModelInfo
    from maskrcnn.models.build import (
        build_model,
        mask_rcnn_mobilenet_v2_fpn,
        mask_rcnn_resnet50_fpn,
    )
    from maskrcnn.models.head import (
        Head,
        ImageHead,
        LossInputs,
        MapHead,
        ObjectHead,
        Place,
    )
    from maskrcnn.models.mask_rcnn import MaskRCNN
    from maskrcnn.regions import AxisMap, Regions
    from maskrcnn.structures import (
        ImageBatch,
        ImageSource,
        Instances,
        Record,
        batch_images,
    )
    from maskrcnn.surfaces.maps import SurfaceMaps
    from maskrcnn.surfaces.points import SurfacePoints
    from maskrcnn.training.budget import Budget
    from maskrcnn.training.fit import fit
    from maskrcnn.training.fit_config import FitConfig
    from maskrcnn.training.log import Report

__version__ = "0.9.0"

_PUBLIC = {
    "checkpoints.ours": "load_checkpoint save_checkpoint",
    "config.heads": (
        "BoxHeadConfig ClassFieldConfig CloseUpConfig CloseUpMaskConfig KeypointHeadConfig MaskHeadConfig PoolConfig "
        "SemanticHeadConfig WholeHeadConfig"
    ),
    "config.model": "LossConfig ModelConfig SemanticLossConfig",
    "config.network": "AnchorConfig BackboneConfig DetectionConfig PreprocessConfig SelectionConfig",
    "config.surface": "SurfaceConfig SurfaceHeadConfig SurfaceLossConfig",
    "data.dataset": "Dataset RecordSource",
    "data.transforms.augment": "AugmentConfig",
    "drawing.overlay": "draw",
    "errors": "CheckpointError DataError MaskRCNNError UsageError",
    "evaluation.coco": "CocoResult",
    "explanation.evidence": "Evidence Explanation explain",
    "face.commands": "evaluate train",
    "face.found": "Found",
    "face.tracked": "FoundInFrame",
    "face.model": "Model load",
    "face.records": "Evaluation Training",
    "inference.options": "PredictOptions",
    "inference.predictor": "Predictor",
    "inference.tiling.tiles": "Tiling",
    "losses.objective": "Objective",
    "losses.sampling": "SampledProposals",
    "losses.teacher": "Teacher",
    "losses.terms": "Term",
    "modalities.images.read.pictures": "read_image",
    "modalities.open": "open_dataset",
    "modalities.signals.read": "read_signal",
    "modalities.signals.signal": "Signal",
    "modalities.volumes.read": "read_volume",
    "modalities.volumes.volume": "FileSpace Turn Volume",
    "model_info": "ModelInfo",
    "models.build": "build_model mask_rcnn_mobilenet_v2_fpn mask_rcnn_resnet50_fpn",
    "models.head": "Head ImageHead LossInputs MapHead ObjectHead Place",
    "models.mask_rcnn": "MaskRCNN",
    "regions": "AxisMap Regions",
    "structures": "ImageBatch ImageSource Instances Record batch_images",
    "surfaces.maps": "SurfaceMaps",
    "surfaces.points": "SurfacePoints",
    "training.budget": "Budget",
    "training.fit": "fit",
    "training.fit_config": "FitConfig",
    "training.log": "Report",
}
_WHERE = {name: module for module, names in _PUBLIC.items() for name in names.split()}

__all__ = [
    "AnchorConfig",
    "AugmentConfig",
    "AxisMap",
    "BackboneConfig",
    "BoxHeadConfig",
    "Budget",
    "CheckpointError",
    "ClassFieldConfig",
    "CloseUpConfig",
    "CloseUpMaskConfig",
    "CocoResult",
    "DataError",
    "Dataset",
    "DetectionConfig",
    "Evaluation",
    "Evidence",
    "Explanation",
    "FileSpace",
    "FitConfig",
    "Found",
    "FoundInFrame",
    "Head",
    "ImageBatch",
    "ImageHead",
    "ImageSource",
    "Instances",
    "KeypointHeadConfig",
    "LossConfig",
    "LossInputs",
    "MapHead",
    "MaskHeadConfig",
    "MaskRCNN",
    "MaskRCNNError",
    "Model",
    "ModelConfig",
    "ModelInfo",
    "ObjectHead",
    "Objective",
    "Place",
    "PoolConfig",
    "PredictOptions",
    "Predictor",
    "PreprocessConfig",
    "Record",
    "RecordSource",
    "Regions",
    "Report",
    "SampledProposals",
    "SelectionConfig",
    "SemanticHeadConfig",
    "SemanticLossConfig",
    "Signal",
    "SurfaceConfig",
    "SurfaceHeadConfig",
    "SurfaceLossConfig",
    "SurfaceMaps",
    "SurfacePoints",
    "Teacher",
    "Term",
    "Tiling",
    "Training",
    "Turn",
    "UsageError",
    "Volume",
    "WholeHeadConfig",
    "batch_images",
    "build_model",
    "draw",
    "evaluate",
    "explain",
    "fit",
    "load",
    "load_checkpoint",
    "mask_rcnn_mobilenet_v2_fpn",
    "mask_rcnn_resnet50_fpn",
    "open_dataset",
    "read_image",
    "read_signal",
    "read_volume",
    "save_checkpoint",
    "train",
]

serve_moved_modules()


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'maskrcnn' has no attribute {name!r}")
    return getattr(importlib.import_module(f"maskrcnn.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
