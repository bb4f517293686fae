"""Each TFLite operator computes the same in ONNX Runtime as in LiteRT, at the oldest, the usual and a newer opset."""

import numpy as np
import pytest
from builders.float_models import RELU, RELU6, FloatNet, images, run
from builders.onnx_models import counts, onnx_of, run_onnx
from builders.operator_cases import CASES, networks

from detlite.convert.onnx.operators import table
from detlite.convert.onnx.operators.table import WRITERS
from detlite.runtime.errors import InputError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

OPSETS = (11, 13, 18)


def assert_alike(data, opset=13, **options):
    model = onnx_of(data, opset=opset, **options)
    for image in images(count=2):
        given = image.transpose(0, 3, 1, 2) if options.get("layout") == "nchw" else image
        for want, got in zip(run(data, image), run_onnx(model, given), strict=True):
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, atol=2e-5)
    return model


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind in WRITERS])
def test_an_operator_computes_the_same(kind):
    for opset in OPSETS:
        assert_alike(networks(kind), opset)


def test_operators_without_a_writer_are_refused_by_name():
    with pytest.raises(InputError, match="does not know the operators SPACE_TO_BATCH_ND of this model"):
        onnx_of(networks("SPACE_TO_BATCH_ND"))


def test_no_operator_has_two_writers():
    assert len(WRITERS) == sum(len(module.WRITERS) for module in table.MODULES)


UNARY = ("EXP", "ABS", "NEG", "FLOOR", "CEIL", "ROUND", "SIN", "COS", "ELU", "SQUARE", "LOG_SOFTMAX", "RELU_N1_TO_1")


@pytest.mark.parametrize("kind", UNARY)
def test_an_operator_of_one_input_computes_the_same(kind):
    net = FloatNet()
    assert_alike(net.finish(*net.add(kind, [net.conv(net.image, 4)], [(1, 8, 8, 4)])))


@pytest.mark.parametrize("approximate", [True, False])
def test_a_gelu_computes_the_same(approximate):
    net = FloatNet()
    x = net.conv(net.image, 4)
    (y,) = net.add("GELU", [x], [(1, 8, 8, 4)], "GeluOptions", approximate=approximate)
    assert_alike(net.finish(y))


@pytest.mark.parametrize("adj_x", [False, True])
@pytest.mark.parametrize("adj_y", [False, True])
def test_a_product_of_two_tensors_computes_the_same(adj_x, adj_y):
    net = FloatNet()
    one = net.reshape(net.conv(net.image, 4), (2, 4, 32) if adj_x else (2, 32, 4))
    other = net.reshape(net.conv(net.image, 4), (2, 32, 4) if adj_y else (2, 4, 32))
    (y,) = net.add("BATCH_MATMUL", [one, other], [(2, 32, 32)], "BatchMatMulOptions", adjX=adj_x, adjY=adj_y)
    assert_alike(net.finish(y))


@pytest.mark.parametrize("shape", [(1, 64, 4), (1, 8, 8, 4)])
def test_rows_of_length_1_compute_the_same(shape):
    net = FloatNet()
    x = net.reshape(net.conv(net.image, 4, activation=RELU), shape)  # some rows are zeros
    assert_alike(net.finish(*net.add("L2_NORMALIZATION", [x], [shape], "L2NormOptions")))


def test_roots_and_logarithms_of_positive_numbers_compute_the_same():
    for kind in ("LOG", "SQRT", "RSQRT"):
        net = FloatNet()
        x = net.conv(net.image, 4, activation=RELU)
        (positive,) = net.add("ADD", [x, net.constant(np.float32([1.0]))], [(1, 8, 8, 4)], "AddOptions")
        assert_alike(net.finish(*net.add(kind, [positive], [(1, 8, 8, 4)])))


@pytest.mark.parametrize("shape", [(1,), (4,), (8, 4), (8, 8, 4), (1, 8, 8, 4), (1, 1, 1, 4), (1, 8, 1, 1)])
@pytest.mark.parametrize("kind", ["ADD", "MUL"])
def test_a_constant_is_broadcast_as_in_tflite(kind, shape):
    net = FloatNet()
    value = net.chance.normal(size=shape).astype(np.float32)
    options = "AddOptions" if kind == "ADD" else "MulOptions"
    (y,) = net.add(kind, [net.conv(net.image, 4), net.constant(value)], [(1, 8, 8, 4)], options)
    assert_alike(net.finish(y))


def test_a_bias_of_the_channels_is_a_column():
    net = FloatNet()
    (y,) = net.add("MUL", [net.conv(net.image, 4), net.constant(np.ones(4, np.float32))], [(1, 8, 8, 4)], "MulOptions")
    shapes = [list(one.dims) for one in assert_alike(net.finish(y)).graph.initializer]
    assert [4, 1, 1] in shapes


@pytest.mark.parametrize(("half", "corners"), [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("size", [(16, 16), (13, 11), (5, 3)])
@pytest.mark.parametrize("kind", ["Bilinear", "NearestNeighbor"])
def test_a_resize_computes_the_same_by_each_rule(kind, size, half, corners):
    net = FloatNet()
    settings = {"halfPixelCenters": half, "alignCorners": corners}
    name = {"Bilinear": "RESIZE_BILINEAR", "NearestNeighbor": "RESIZE_NEAREST_NEIGHBOR"}[kind]
    inputs = [net.conv(net.image, 4), net.constant(np.array(size))]
    data = net.finish(*net.add(name, inputs, [(1, *size, 4)], f"Resize{kind}Options", **settings))
    assert_alike(data, 11)
    assert_alike(data, 13)


def test_a_grouped_convolution_computes_the_same():
    net = FloatNet((1, 8, 8, 4))
    weights = net.chance.normal(size=(6, 3, 3, 2)).astype(np.float32)
    data = net.finish(net.conv(net.image, 6, weights=weights))
    model = onnx_of(data)
    (image,) = images((1, 8, 8, 4), count=1)
    np.testing.assert_allclose(run_onnx(model, image)[0], run(data, image)[0], atol=2e-5)


def test_a_dilated_strided_convolution_computes_the_same():
    net = FloatNet((1, 9, 7, 3))
    weights = [net.constant(net.chance.normal(size=shape).astype(np.float32)) for shape in ((5, 3, 3, 3), (5,))]
    settings = {"strideH": 1, "strideW": 1, "dilationHFactor": 2, "dilationWFactor": 2, "padding": 0}
    (y,) = net.add("CONV_2D", [net.image, *weights], [(1, 9, 7, 5)], "Conv2DOptions", **settings)
    data = net.finish(y, net.conv(net.image, 4, stride=2, activation=RELU6))
    (image,) = images((1, 9, 7, 3), count=1)
    for want, got in zip(run(data, image), run_onnx(onnx_of(data), image), strict=True):
        np.testing.assert_allclose(got, want, atol=2e-5)


def test_a_slice_backwards_and_of_one_row_computes_the_same():
    net = FloatNet()
    x = net.conv(net.image, 4)
    limits = [net.constant(np.array(value)) for value in ((0, -1, 1, 0), (1, 0, 2, 4), (1, -2, 1, 1))]
    settings = {"beginMask": 1, "endMask": 1, "shrinkAxisMask": 4}
    (y,) = net.add("STRIDED_SLICE", [x, *limits], [(1, 4, 4)], "StridedSliceOptions", **settings)
    assert_alike(net.finish(y))


def test_a_mean_over_other_axes_computes_the_same():
    for axes, shape in (((3,), (1, 8, 8)), ((1,), (1, 8, 4))):
        net = FloatNet()
        inputs = [net.conv(net.image, 4), net.constant(np.array(axes))]
        data = net.finish(*net.add("MEAN", inputs, [shape], "ReducerOptions", keepDims=False))
        for opset in OPSETS:
            assert_alike(data, opset)


def test_the_best_channel_is_found():
    net = FloatNet()
    settings = {"outputType": 2}  # int32
    (y,) = net.add(
        "ARG_MAX", [net.conv(net.image, 4), net.constant(np.array(3))], [(1, 8, 8)], "ArgMaxOptions", **settings
    )
    net.subgraph.tensors[y].type = 2
    data = net.finish(y)
    (image,) = images(count=1)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, image)
    interpreter.invoke()
    got = run_onnx(onnx_of(data), image)[0]
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def head(net, x, cells):
    return net.reshape(net.conv(x, 8, window=1), (1, cells * 2, 4))


def test_a_map_is_transposed_only_where_rows_are_read_and_a_map_of_one_cell_never():
    net = FloatNet()
    fine = net.conv(net.image, 6, stride=2, activation=RELU6)
    (coarse,) = net.add("MEAN", [fine, net.constant(np.array((1, 2)))], [(1, 1, 1, 6)], "ReducerOptions", keepDims=True)
    heads = [head(net, fine, 16), head(net, coarse, 1)]
    (y,) = net.add("CONCATENATION", heads, [(1, 34, 4)], "ConcatenationOptions", axis=1)
    data = net.finish(y)
    assert counts(assert_alike(data))["Transpose"] == 2  # the image and the fine head
    assert counts(assert_alike(data, layout="nchw"))["Transpose"] == 1


def test_the_same_model_has_the_same_bytes():
    data = networks("CONCATENATION")
    first, second = (onnx_of(data).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_every_tensor_gets_a_static_shape():
    import onnx

    model = onnx.shape_inference.infer_shapes(onnx_of(networks("RESIZE_BILINEAR")), strict_mode=True)
    made = {name for node in model.graph.node for name in node.output}
    known = {info.name for info in [*model.graph.value_info, *model.graph.output]}
    assert made <= known
    for info in model.graph.value_info:
        assert all(side.HasField("dim_value") for side in info.type.tensor_type.shape.dim)


def test_a_tensor_called_like_an_output_gets_another_name():
    net = FloatNet()
    inner = net.conv(net.image, 4, name="a")
    data = net.finish(net.conv(inner, 4, name="image"))
    model = assert_alike(data)
    assert [one.name for one in model.graph.output] == ["a"]
    assert [node.output[0] for node in model.graph.node if node.op_type == "Conv"] == ["a_1", "image_1"]


def test_an_output_that_is_the_image_or_comes_twice_is_copied():
    net = FloatNet()
    x = net.conv(net.image, 4)
    net.subgraph.outputs = [x, x]
    data = net.finish(x, x)
    assert counts(assert_alike(data))["Identity"] == 1


def test_the_best_numbers_and_their_places_are_the_same():
    net = FloatNet()
    (row,) = net.add("RESHAPE", [net.conv(net.image, 4), net.constant(np.array((256,)))], [(256,)], "ReshapeOptions")
    values, places = net.add("TOPK_V2", [row, net.constant(np.array(5))], [(5,), (5,)], "TopKV2Options")
    net.subgraph.tensors[places].type = net.schema.TensorType.INT32
    assert_alike(net.finish(values, *net.add("GATHER", [row, places], [(5,)], "GatherOptions")))
