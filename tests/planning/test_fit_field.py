"""A class field goes along to new data only where it knows one of their classes."""

import dataclasses

import pytest

from cases import small_config
from maskrcnn.config import ClassFieldConfig
from maskrcnn.planning.model_for_data import fit_field

FIELD = ClassFieldConfig(cells=(((8.0, 8.0),),) * 5, first=(0.0,) * 5, proposals=3)


@pytest.mark.parametrize("wanted, kept", [(("dog", "otter"), True), (("otter", "tiger"), False), ((), False)])
def test_a_field_that_knows_none_of_the_classes_is_left_out(wanted, kept):
    config = small_config(2)
    config = dataclasses.replace(config, box_head=dataclasses.replace(config.box_head, field=FIELD))
    fitted = fit_field(config, ("cat", "dog"), wanted)
    assert fitted.box_head.field == (FIELD if kept else None)
    assert dataclasses.replace(fitted, box_head=config.box_head) == config
