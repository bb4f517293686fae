"""The picture that an ONNX network reads, and how an image becomes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.preprocessing import PROBE_SIZES, PROBES, TOLERANCE, affine
from detlite.convert.onnx.inner_graphs import inner_graphs
from detlite.convert.onnx_graph.layout import NHWC
from detlite.convert.onnx_graph.model_graph import OnnxModel, attributes
from detlite.convert.onnx_graph.translation import is_channels_first
from detlite.convert.options import DetectorOptions
from detlite.convert.raw_heads import RESIZE, RESIZED, stated_image
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput, Size

FLOAT, UINT8 = 1, 2
"""Element types (`TensorProto.DataType`)."""

BEFORE = ("Transpose", "Pad", "Identity")
"""Operators between the network's input and its first convolutions."""


@dataclass(frozen=True, eq=False)
class NetworkPicture:
    """The network's input.

    Attributes:
        name: the tensor's.
        shape: [1, C, H, W] or [1, H, W, C].
        kind: its element type.
        image: how an image becomes it.
        origin: where that comes from.
    """

    name: str
    shape: tuple[int, int, int, int]
    kind: int
    image: ImageInput
    origin: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.image.height, self.image.width

    def fixed(self, model: OnnxModel) -> OnnxModel:
        """Return the part of *model* after the picture, which has its fixed shape there, to all outputs it reaches."""
        outputs = [value.name for value in model.proto.graph.output]
        return model.part({self.name: (self.shape, self.kind)}, outputs)


def find_picture(model: OnnxModel, options: DetectorOptions) -> NetworkPicture:
    """Return the picture that *model* reads.

    Raises:
        InputError: it reads none or several, its size is not fixed, or nothing says how pixels become its values.
    """
    if len(model.inputs) != 1:
        raise InputError(f"{model.name} has the inputs {', '.join(model.inputs)[:200]}; want one image")
    given = model.proto.graph.input[0]
    kind, sides = given.type.tensor_type.elem_type, _sides(given, options, model.name)
    if kind == UINT8:
        return _after_preprocessing(model, given.name, (sides[1], sides[2]))
    if kind != FLOAT:
        raise InputError(f"{model.name}: its input {given.name} has the element type {kind}; want float or uint8")
    return _given(model, given.name, sides, options)


def _sides(value: object, options: DetectorOptions, name: str) -> tuple[int, int, int, int]:
    """Return the shape of the input; an open batch is 1, and open sides are those of --input."""
    kind = value.type.tensor_type  # type: ignore[attr-defined]  # a ValueInfoProto
    sides = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else 0 for dim in kind.shape.dim]
    if len(sides) != 4 or sides[0] > 1:
        raise InputError(f"{name}: its input is {sides}; want [1, C, H, W] or [1, H, W, C]")
    places = (2, 3) if sides[1] in (1, 3) else (1, 2)
    for place, side in zip(places, options.input_size or (0, 0), strict=True):
        if side and sides[place] not in (0, side):
            raise InputError(f"{name}: its input is {sides}, but --input asks for {options.input_size}")
        sides[place] = sides[place] or side
    if kind.elem_type != UINT8 and not all(sides[1:]):
        shown = " x ".join(str(side or "?") for side in sides)
        raise InputError(f"{name}: its input leaves sides open ({shown}): give --input HEIGHTxWIDTH")
    return 1, sides[1], sides[2], sides[3]


def _given(model: OnnxModel, name: str, shape: tuple[int, int, int, int], options: DetectorOptions) -> NetworkPicture:
    facts = options.stated
    if facts.mean is None or facts.std is None:
        raise InputError(
            f"{model.name}: nothing in it says how pixels become its input {name}: give --mean and --std, such as "
            "--mean 127.5 --std 127.5 for -1..1 (the network reads (pixel - mean) / std)"
        )
    first = is_channels_first(shape)
    height, width, channels = (shape[2], shape[3], shape[1]) if first else (shape[1], shape[2], shape[3])
    if channels not in (1, 3):
        raise InputError(f"{model.name}: its input has {counted(channels, 'channel')}; want 1 or 3")
    plain = ImageInput(
        name="image",
        height=height,
        width=width,
        colour="GRAY" if channels == 1 else "RGB",
        dtype="float32",
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        resize=RESIZE,
    )
    return NetworkPicture(name, shape, FLOAT, stated_image(facts, plain), f"--mean, --std and --colour; {RESIZED}")


def _after_preprocessing(model: OnnxModel, image: str, given: Size) -> NetworkPicture:
    """Return the network's input in a graph that takes uint8 images of the size *given*, as those from TensorFlow do.

    Sides that are 0 are open: then the graph itself must resize images.
    """
    name = _network_input(model, image)
    sizes = [given] if all(given) else list(PROBE_SIZES)
    shapes = {_run(model, image, name, PROBES[0], size).shape for size in sizes}
    if len(shapes) != 1:
        raise InputError(f"{model.name} takes images of any size and does not resize them: give --input HEIGHTxWIDTH")
    outputs = np.stack([_pixel(model, image, name, colour, sizes[0]) for colour in PROBES])
    shape = shapes.pop()
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise InputError(f"{model.name}: the network's input {name} is {shape}; want [1, H, W, 3] or [1, 3, H, W]")
    first = is_channels_first(shape)
    height, width = shape[2:] if first else shape[1:3]
    measured = affine(outputs, (height, width), _resize_rule(model))
    made = ImageInput("image", height, width, measured.colour, "float32", measured.mean, measured.std, measured.resize)
    return NetworkPicture(
        name, shape, FLOAT, made, "measured with images of one colour on the graph's own preprocessing"
    )


def _resize_rule(model: OnnxModel) -> str:
    """Return the resize rule of the first Resize, which may be in a Loop over the images: TensorFlow 1's by default."""
    graphs = [model.proto.graph]
    for graph in graphs:
        for node in graph.node:
            given = attributes(node)
            if node.op_type == "Resize":
                halves = given.get("coordinate_transformation_mode", b"half_pixel") == b"half_pixel"
                return "half_pixel_bilinear" if halves else "tf1_bilinear"
            graphs += inner_graphs(node)
    return "tf1_bilinear"


def _network_input(model: OnnxModel, image: str) -> str:
    """Return the tensor that the first convolutions read, before padding and transposing."""
    reached, tensors = {image}, set()
    for node in model.nodes:
        if node.op_type == "Conv":
            if node.input[0] in reached:
                tensors.add(_before(model, node.input[0]))
        elif reached & set(node.input):
            reached |= set(node.output)
    if len(tensors) != 1:
        raise InputError(f"{model.name}: {counted(len(tensors), 'tensor')} could be the network's input; want one")
    return tensors.pop()


def _before(model: OnnxModel, name: str) -> str:
    while (node := model.makers.get(name)) is not None and node.op_type in BEFORE:
        name = node.input[0]
    return name


def _run(model: OnnxModel, image: str, name: str, colour: tuple[int, int, int], size: Size) -> NDArray[np.float32]:
    pixels = np.empty((1, *size, 3), np.uint8)
    pixels[:] = colour
    value: NDArray[np.float32] = model.run([name], {image: pixels})[0]
    return value


def _pixel(model: OnnxModel, image: str, name: str, colour: tuple[int, int, int], size: Size) -> NDArray[np.float64]:
    value = _run(model, image, name, colour, size).astype(np.float64)
    if value.ndim == 4 and is_channels_first(value.shape):
        value = value.transpose(NHWC)
    if value.ndim != 4 or np.ptp(value, axis=(0, 1, 2)).max() > TOLERANCE:
        raise InputError(f"{model.name}: its preprocessing pads images or is unsupported")
    middle: NDArray[np.float64] = value[0, value.shape[1] // 2, value.shape[2] // 2]
    return middle
