import pytest

from exported import exported


@pytest.fixture
def file_of(tmp_path_factory):
    """The exported file of a tiny model, by name."""
    return lambda name: exported(name, tmp_path_factory.getbasetemp())[1]
