"""Every field of a contract has the type that it says: what a damaged file brings is refused where it is read."""

import json

import pytest
from builders.tiny_tflite import tiny_contract

from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import ContractError


def with_value(path, value) -> str:
    record = json.loads(tiny_contract().to_json())
    part = record
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return json.dumps(record)


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (("outputs", 0, "index"), "1", "index is '1'; want a value of type int"),
        (("outputs", 0, "index"), 1.5, "index is 1.5; want a value of type int"),
        (("outputs", 0, "index"), True, "index is True; want a value of type int"),
        (("outputs", 0, "index"), -1, "output box_encodings is number -1; want 0 or more"),
        (("outputs", 0, "index"), 1, r"have the numbers \[1, 1\]: want others"),
        (("outputs", 0, "name"), None, "name is None; want a value of type str"),
        (("image", "height"), 2.0, "height is 2.0; want a value of type int"),
        (("nms", "clip"), "no", "clip is 'no'; want a value of type bool"),
        (("nms", "max_detections"), 1.5, "max_detections is 1.5; want a value of type int"),
        (("box_coder", "y"), "10", "y is '10'; want a value of type float"),
        (("label_offset",), True, "label_offset is True; want a value of type int"),
        (("labels",), "ab", "no labels"),
        (("labels", 0), 7, "labels and origins must be texts"),
        (("origin", "a"), {}, "labels and origins must be texts"),
        (("origin",), 3, "the contract is damaged"),
    ],
)
def test_a_value_of_another_type_is_refused(path, value, error):
    with pytest.raises(ContractError, match=error):
        contract_from_json(with_value(path, value))
