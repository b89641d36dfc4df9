"""What a model is made of, as frozen records: one sentence a field, and the whole of it goes into every checkpoint.

Tuples of D numbers are in tensor order (..., z, y, x) unless "x first" is said.
"""

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
from maskrcnn.config.model import LossConfig, ModelConfig, SemanticLossConfig, from_dict, to_dict
from maskrcnn.config.network import (
    AnchorConfig,
    BackboneConfig,
    DetectionConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.config.numbers import Some
from maskrcnn.config.surface import SurfaceConfig, SurfaceHeadConfig, SurfaceLossConfig

__all__ = [
    "AnchorConfig",
    "BackboneConfig",
    "BoxHeadConfig",
    "ClassFieldConfig",
    "CloseUpConfig",
    "CloseUpMaskConfig",
    "DetectionConfig",
    "KeypointHeadConfig",
    "LossConfig",
    "MaskHeadConfig",
    "ModelConfig",
    "PoolConfig",
    "PreprocessConfig",
    "SelectionConfig",
    "SemanticHeadConfig",
    "SemanticLossConfig",
    "Some",
    "SurfaceConfig",
    "SurfaceHeadConfig",
    "SurfaceLossConfig",
    "WholeHeadConfig",
    "from_dict",
    "to_dict",
]
