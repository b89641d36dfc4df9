"""Which part of an image convinced the model of each object.

``maskrcnn.explain(predictor, image)`` is :func:`maskrcnn.explain.evidence.explain`. A package shares its name with what
its parent exports under it, and Python lets the package win once it is imported; so the package can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from maskrcnn.explain.evidence import explain  # here, so that ``maskrcnn --help`` does not wait for torch

        return explain(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
