"""Trained models at hand in any test of evidence."""

import pytest
from learned_models import Learned, learn


@pytest.fixture(scope="session")
def learned():
    """``learned(ndim) -> Learned``, trained once."""
    known: dict[int, Learned] = {}

    def get(ndim: int) -> Learned:
        if ndim not in known:
            known[ndim] = learn(ndim)
        return known[ndim]

    return get
