"""Names from another framework's to ours and back, and what is said of tensors that do not fit."""

import pytest
import torch
from torch import nn
from torchvision_state import shapes

from maskrcnn.checkpoints.foreign.name_mapping import (
    ImportedStage,
    ImportSummary,
    NameTable,
    fill,
    rename,
    without_rows,
)
from maskrcnn.checkpoints.foreign.torchvision import kind_of, table_of
from maskrcnn.errors import CheckpointError

TABLE = NameTable(
    "elsewhere",
    ((r"net\.block(\d)\.(?:0\.)?", "rpn.parts.{0-1}."), (r"out\.", "heads.box.out.")),
    ignored=r".*\.counter",
    transforms={"heads.box.out.weight": without_rows(1)},
)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.rpn = nn.ModuleDict({"parts": nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 2)])})
        self.heads = nn.ModuleDict({"box": nn.ModuleDict({"out": nn.Linear(4, 2, bias=False)})})


def theirs(**changes):
    tensors = {
        "net.block1.weight": torch.rand(3, 2),
        "net.block1.bias": torch.rand(3),
        "net.block2.0.weight": torch.rand(2, 3),
        "net.block2.0.bias": torch.rand(2),
        "net.block2.0.counter": torch.tensor(7),
        "out.weight": torch.rand(3, 4),
    }
    return {name: value for name, value in (tensors | changes).items() if value is not None}


def convert(tensors):
    model = Small()
    return model, fill(model, rename(tensors, TABLE), TABLE, "file.pth", "somebody's model")


def test_tensors_go_where_the_table_says_and_are_counted_by_stage():
    tensors = theirs()
    model, report = convert(tensors)
    assert torch.equal(model.rpn["parts"][1].weight, tensors["net.block2.0.weight"])
    assert torch.equal(model.heads["box"]["out"].weight, tensors["out.weight"][1:])
    assert [(s.stage, s.tensors, s.parameters) for s in report.stages] == [("RPN", 4, 17), ("box head", 1, 8)]
    assert report.ignored == 1


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"net.block2.0.bias": None}, "1 of its tensors is missing (net.block2.0.bias)"),
        ({"fifth.weight": torch.zeros(1)}, "1 of its tensors is left over (fifth.weight)"),
        ({"net.block7.weight": torch.zeros(1)}, "1 of its tensors is left over (net.block7.weight)"),
        ({"out.weight": torch.zeros(9, 4)}, "1 of its tensors is of another shape (out.weight [8, 4] for [2, 4])"),
        (dict.fromkeys(theirs()), "5 of its tensors are missing (net.block1.0.weight, "),
    ],
)
def test_what_does_not_fit_is_named_as_the_file_names_it(changes, said):
    with pytest.raises(CheckpointError) as error:
        convert(theirs(**changes))
    assert str(error.value).startswith("file.pth looks like somebody's model, but does not fit it: ")
    assert said in str(error.value)


def test_a_model_stays_as_it_was_when_something_does_not_fit():
    model = Small()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointError):
        fill(model, rename(theirs(extra=torch.zeros(1)), TABLE), TABLE, "file.pth", "somebody's model")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("variant", shapes())
def test_torchvisions_names_come_back_from_ours_and_no_two_meet(variant):
    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes()[variant].items()}
    table = table_of(kind_of(tensors))
    ours = {name: table.our_name(name) for name in tensors}
    assert len(set(ours.values())) == len(tensors) and None not in ours.values()
    assert {name: table.their_name(own) for name, own in ours.items()} == {name: name for name in tensors}


def test_a_name_that_no_table_has_stays_as_it_is():
    assert TABLE.our_name("head.weight") is None
    assert TABLE.their_name("backbone.body.weight") == "backbone.body.weight"


def test_the_report_has_a_line_a_stage_with_the_difference_where_there_is_one():
    report = ImportSummary(
        "somebody's", [ImportedStage("body", 3, 1234), ImportedStage("RPN", 2, 10, 1.5e-5)], ignored=4
    )
    assert [line.split() for line in report.lines()] == [
        ["body", "3", "tensors", "1,234", "values"],
        ["RPN", "2", "tensors", "10", "values", "largest", "difference", "1.5e-05"],
        ["not", "used", "4", "tensors"],
    ]
