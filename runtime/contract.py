"""The contract: everything a program must know to use a model file, and where each number comes from.

Versioned JSON beside the model; nothing is guessed later from names, shapes or positions. Version 2 describes
detectors that take one image; version 3 is written only for what version 2 cannot say.
"""

from __future__ import annotations

import binascii
import dataclasses
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, Tuple

from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError, InputError, UnknownNameError
from detlite.runtime.fields import check_types
from detlite.runtime.inputs import LAYOUTS, ImageInput, Tensor, image_from_record
from detlite.runtime.strict_json import parse_json
from detlite.runtime.task import Task, task_kind
from detlite.runtime.tensors import DTYPES, Output, output_from_record

if TYPE_CHECKING:
    from detlite.runtime.stream_inputs import Input

SCHEMA = "detlite.contract"
SCHEMA_VERSION = 3

PICTURES = ("image", "clip")
"""The kinds of input that take what a camera sees; a model has one, and that first."""

CROPPED_TASK = "classification"
"""The one task whose images may be cropped: all others say where in the image something is."""

VERSION_2_TASK = "detection"
VERSION_2_KEYS = (
    "image",
    "outputs",
    "anchors",
    "box_coder",
    "score_converter",
    "score_converter_place",
    "labels",
    "label_offset",
    "nms",
    "origin",
)
"""In the order in which version 2 writes them."""

VERSION_3_ROLES = ("proposals", "embeddings")
"""Outputs of detectors that version 2 cannot describe."""

Record = Dict[str, Any]


@dataclass(frozen=True, eq=False)
class Contract:
    """How to feed a model and how to read its outputs.

    Attributes:
        inputs: the image or the clip first, then states and banks; in the model's order unless *input_order* is given.
        outputs: the outputs, each with a role that the task defines.
        labels: one per class from 0, without the background; `???` for a class without a name.
        task: what the outputs mean: the settings of a kind of task in `runtime/tasks/`.
        origin: the source of each value that the model file itself does not contain.
        input_order: the number among the model's inputs, from 0, of each tensor of *inputs*; empty if they are in the
            model's order.
    """

    inputs: Tuple[Input, ...]
    outputs: Tuple[Output, ...]
    labels: Tuple[str, ...]
    task: Task
    origin: Mapping[str, str] = field(default_factory=dict)
    input_order: Tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_types(self)
        pictures = [one.kind in PICTURES for one in self.inputs]
        if pictures[:1] != [True] or any(pictures[1:]):
            raise ContractError(f"inputs {[one.kind for one in self.inputs]}: want one image or clip, and that first")
        self._check_stream()
        if not self.labels:
            raise ContractError("no labels: a model has at least one class")
        if not all(isinstance(text, str) for text in (*self.labels, *self.origin, *self.origin.values())):
            raise ContractError("labels and origins must be texts")
        indices = [output.index for output in self.outputs]
        indices += [one.output for one in self.inputs if one.kind == "state"]
        if len(set(indices)) != len(indices):
            roles = [output.role for output in self.outputs]
            roles += [f"state {one.name}" for one in self.inputs if one.kind == "state"]
            raise ContractError(f"outputs {tuple(roles)} have the numbers {indices}: want others")
        if self.image.crop is not None and self.task.kind != CROPPED_TASK:
            raise ContractError(
                f"a crop of images for {self.task.kind}: only {CROPPED_TASK} needs no place in the image"
            )
        self.task.check(self._outputs_of_one(), self.labels)

    def _outputs_of_one(self) -> Tuple[Output, ...]:
        """Return the outputs as they are for one image."""
        batch = self.image.batch
        if batch == 1:
            return self.outputs
        if len(self.inputs) > 1 or self.inputs[0].kind != "image":
            raise ContractError(f"a batch of {counted(batch, 'image')} for a model with other inputs: want 1")
        for output in self.outputs:
            if output.shape[:1] != (batch,):
                raise ContractError(f"output {output.role} has shape {output.shape}: want a batch of {batch} first")
        return tuple(replace(output, shape=(1, *output.shape[1:])) for output in self.outputs)

    def _check_stream(self) -> None:
        tensors = sum(len(one.tensors) for one in self.inputs)
        if self.input_order and sorted(self.input_order) != list(range(tensors)):
            raise ContractError(
                f"the input order {self.input_order} of {counted(tensors, 'tensor')}: want each number once"
            )
        first = self.inputs[0]
        if first.kind == "clip" and first.frames > 1 and self.is_stream:
            raise ContractError(
                f"a model with states that takes {counted(first.frames, 'frame')} at once: a stream is run frame by "
                "frame; export the model for one frame"
            )

    @property
    def is_stream(self) -> bool:
        """Whether the model carries states from frame to frame."""
        return any(one.kind == "state" for one in self.inputs)

    @property
    def image_place(self) -> int:
        """The number of the image, or clip, among the model's inputs."""
        return self.input_order[0] if self.input_order else 0

    @property
    def image(self) -> ImageInput:
        """How an image, or a frame of a clip, becomes the first input."""
        first = self.inputs[0]
        assert first.kind == "image" or first.kind == "clip"  # checked by `__post_init__`
        return first.image if first.kind == "clip" else first

    def with_image(self, image: ImageInput) -> Contract:
        """Return the contract with *image* as its image input."""
        first = self.inputs[0]
        changed = replace(first, image=image) if first.kind == "clip" else image
        return replace(self, inputs=(changed, *self.inputs[1:]))

    def with_task(self, **settings: Any) -> Contract:
        """Return the contract with changed *settings* of its task: `contract.with_task(nms=Nms())`."""
        return replace(self, task=replace(self.task, **settings))  # type: ignore[type-var]  # every task is a dataclass

    @property
    def tensors(self) -> Tuple[Tensor, ...]:
        """The input tensors, in the model's order."""
        return tuple(tensor for one in self.inputs for tensor in one.tensors)

    @property
    def roles(self) -> Tuple[str, ...]:
        """The roles of the outputs, in the model's order."""
        return tuple(output.role for output in sorted(self.outputs, key=lambda output: output.index))

    @property
    def output_names(self) -> Tuple[str, ...]:
        """The names of all outputs, in the model's order: a role, or the name of the state that it becomes."""
        named = {output.index: output.role for output in self.outputs}
        named.update({one.output: one.name for one in self.inputs if one.kind == "state"})
        return tuple(named[number] for number in sorted(named))

    def output(self, role: str) -> Output:
        """Return the output with that *role*."""
        for output in self.outputs:
            if output.role == role:
                return output
        raise ContractError(f"no output has the role {role!r}; there are {[o.role for o in self.outputs]}")

    def to_json(self) -> str:
        """Return the contract as JSON text, the same bytes for the same contract."""
        record = _version_2(self) if _fits_version_2(self) else _version_3(self)
        return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _fits_version_2(contract: Contract) -> bool:
    first, *others = contract.inputs
    return (
        contract.task.kind == VERSION_2_TASK
        and not others
        and first.kind == "image"
        and first.letterbox is None
        and first.layout == LAYOUTS[0]
        and first.batch == 1
        and not contract.input_order
        and all(output.dtype in DTYPES and output.role not in VERSION_3_ROLES for output in contract.outputs)
    )


def _version_2(contract: Contract) -> Record:
    flat = {**_common(contract), **contract.task.to_record(), "image": contract.image.to_record()}
    return {"schema": SCHEMA, "schema_version": 2, **{key: flat[key] for key in VERSION_2_KEYS}}


def _version_3(contract: Contract) -> Record:
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "task": {"kind": contract.task.kind, **contract.task.to_record()},
        "inputs": [{"kind": one.kind, **one.to_record()} for one in contract.inputs],
        **({"input_order": contract.input_order} if contract.input_order else {}),
        **_common(contract),
    }


def _common(contract: Contract) -> Record:
    return {
        "outputs": [dataclasses.asdict(output) for output in contract.outputs],
        "labels": contract.labels,
        "origin": dict(sorted(contract.origin.items())),
    }


def _as_version_3(record: Record) -> Record:
    """Return a version 2 *record* with its keys in their version 3 places."""
    task = {key: value for key, value in record.items() if key not in ("image", "outputs", "labels", "origin")}
    return {
        "task": {"kind": VERSION_2_TASK, **task},
        "inputs": [{"kind": ImageInput.kind, **record["image"]}],
        **{key: record[key] for key in ("outputs", "labels", "origin")},
    }


def contract_from_json(text: str) -> Contract:
    """Return the contract in the JSON *text*, of version 2 or 3.

    Raises:
        ContractError: it is damaged, contradicts itself, or has a version that this detlite does not know.
    """
    try:
        record = parse_json(text)
    except InputError as error:
        raise ContractError(f"the contract is damaged: {error}") from error
    try:
        schema, version = record.pop("schema"), record.pop("schema_version")
        if schema != SCHEMA or version not in (2, SCHEMA_VERSION):
            raise ContractError(
                f"a contract of schema {schema!r} version {version!r}; this detlite reads {SCHEMA!r} versions 2 and "
                f"{SCHEMA_VERSION}: convert the model again, or update detlite"
            )
        return _contract_from(_as_version_3(record) if version == 2 else record)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, binascii.Error) as error:
        raise ContractError(f"the contract is damaged: {type(error).__name__}: {error}") from error


def _contract_from(record: Record) -> Contract:
    known, task = dict(record), dict(record["task"])
    try:
        kind = task_kind(task.pop("kind"))
    except UnknownNameError as error:
        raise ContractError(f"{error}; update detlite") from error
    known["task"] = kind.settings.from_record(task)
    known["inputs"] = tuple(_input_from(one) for one in record["inputs"])
    known["input_order"] = tuple(int(number) for number in record.get("input_order", ()))
    known["outputs"] = tuple(output_from_record(output) for output in record["outputs"])
    known["labels"] = tuple(record["labels"]) if isinstance(record["labels"], list) else ()
    return Contract(**known)


def _input_from(record: Mapping[str, Any]) -> Input:
    if record["kind"] == ImageInput.kind:
        return image_from_record({key: value for key, value in record.items() if key != "kind"})
    from detlite.runtime.stream_inputs import input_from_record

    return input_from_record(record)


def read_contract(path: Path) -> Contract:
    """Return the contract in the file at *path*."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ContractError(f"{path} is missing: an artifact has a contract.json beside its model") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{path} cannot be read: {error}") from error
    try:
        return contract_from_json(text)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
