"""Damaged and hostile .onnx files: one line each."""

import numpy as np
import onnx
import pytest
from builders.onnx_ssd import Written, pytorch_ssd
from onnx import TensorProto, helper

from detlite.convert.onnx_graph.detector import onnx_detector
from detlite.convert.onnx_graph.model_graph import normalized
from detlite.convert.onnx_graph.open_file import open_onnx
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.readers.onnx import PLUGIN
from detlite.runtime.errors import InputError

ASKED = DetectorOptions(stated=StatedFacts(mean=(127.5,), std=(127.5,)))


@pytest.fixture
def path(tmp_path):
    return pytorch_ssd(tmp_path / "ssd.onnx")


def changed(path, change):
    model = onnx.load_model(str(path), load_external_data=False)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def no_opset(model):
    del model.opset_import[:]


def other_opset(version):
    return lambda model: setattr(model.opset_import[0], "version", version)


def no_nodes(model):
    del model.graph.node[:]


def unknown_input(model):
    model.graph.node[0].input[0] = "nothing"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (no_opset, "is not an ONNX model: it has no nodes or no operator set"),
        (no_nodes, "is not an ONNX model: it has no nodes or no operator set"),
        (other_opset(6), "has the opset 6; want one from 7 to"),
        (other_opset(999), "has the opset 999; want one from 7 to"),
        (unknown_input, "is a damaged ONNX model: .*nothing"),
    ],
)
def test_a_damaged_model_is_a_one_line_error(change, error, path):
    with pytest.raises(InputError, match=error) as caught:
        open_onnx(changed(path, change))
    assert "\n" not in str(caught.value)


def test_a_file_of_over_2_gb_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2**31)  # takes no room on the disk
    with pytest.raises(InputError, match="large.onnx has 2147483648 bytes; the limit for an ONNX model is 2147483647"):
        open_onnx(tmp_path / "large.onnx")


def test_a_file_cut_short_anywhere_is_a_one_line_error(path):
    whole = path.read_bytes()
    for size in range(1, len(whole), 211):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"^[^\n]*ssd.onnx is [^\n]*$"):
            open_onnx(path)


def test_damaged_bytes_raise_no_other_error(path):
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for _trial in range(60):
        damaged = bytearray(whole)
        damaged[int(random.integers(len(damaged)))] = int(random.integers(256))
        path.write_bytes(damaged)
        try:
            open_onnx(path)
        except InputError as error:
            assert "\n" not in str(error)


# external data


@pytest.fixture
def external(tmp_path):
    return pytorch_ssd(tmp_path / "ssd.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)


def set_entry(key, value):
    def change(model):
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == key:
                    entry.value = value

    return change


def test_external_data_is_read_and_counts_for_the_digest(external, tmp_path):
    plain = pytorch_ssd(tmp_path / "plain.onnx")
    values = [[list(one.raw_data) for one in open_onnx(file).graph.initializer] for file in (external, plain)]
    assert values[0] == values[1]
    assert PLUGIN.files(external) == (external, tmp_path / "weights.bin")


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("location", "../weights.bin", r"is at '../weights.bin', outside the model's folder"),
        ("location", "/etc/passwd", r"is at '/etc/passwd', outside the model's folder"),
        ("location", "", "is at '', outside the model's folder"),
        ("location", "other.bin", "is missing: .*other.bin is not there; copy it from where the model came from"),
        ("offset", "-4", "has the offset '-4' and the length"),
        ("offset", "9" * 30, "has 0 bytes at 9+ of weights.bin; its shape needs"),
        ("offset", "9" * 5000, "has the offset '9+' and the length"),
        ("length", "7", "of weights.bin; its shape needs"),
        ("length", "9" * 5000, "and the length '9+'; want numbers of bytes"),
    ],
)
def test_external_data_elsewhere_or_missing_is_a_one_line_error(key, value, error, external):
    with pytest.raises(InputError, match=error) as caught:
        open_onnx(changed(external, set_entry(key, value)))
    assert "\n" not in str(caught.value)


def test_external_data_after_the_first_2_gb_of_its_file_is_read(external, tmp_path):
    before = len((tmp_path / "weights.bin").read_bytes())
    value = np.arange(8, dtype=np.float32)  # the bias of the first convolution

    def moved(model):
        (bias,) = [one for one in model.graph.initializer if one.name == "constant_1"]
        assert list(bias.dims) == [8]
        for entry in bias.external_data:
            if entry.key == "offset":
                entry.value = str(3 << 30)

    with (tmp_path / "weights.bin").open("r+b") as file:
        assert before < 3 << 30
        file.seek(3 << 30)  # the file is sparse
        file.write(value.tobytes())
    model = open_onnx(changed(external, moved))
    (bias,) = [one for one in model.graph.initializer if one.name == "constant_1"]
    assert bias.raw_data == value.tobytes()


def test_external_data_behind_a_link_out_of_the_folder_is_refused(external, tmp_path):
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").rename(outside / "weights.bin")
    external.rename(folder / "ssd.onnx")
    (folder / "weights.bin").symlink_to(outside / "weights.bin")
    with pytest.raises(InputError, match="is at 'weights.bin', outside the model's folder"):
        open_onnx(folder / "ssd.onnx")


# operators


def with_operator(tmp_path, kind, **given):
    """An SSD whose image goes through one more operator first."""
    graph = Written()
    domains = [helper.make_opsetid(given.pop("domain"), 1)] if "domain" in given else []
    node = {"domain": domains[0].domain} if domains else {}
    x = graph.op(kind, "image", **node, **given)
    boxes = graph.op("Reshape", graph.conv(x, (8, 3, 1, 1)), graph.constant(np.array([1, -1, 4])), outputs=["boxes"])
    scores = graph.op(
        "Softmax", graph.op("Reshape", boxes, graph.constant(np.array([1, -1, 4]))), outputs=["s"], axis=2
    )
    return graph.save(
        tmp_path / "one.onnx",
        ("image", TensorProto.FLOAT, [1, 3, 4, 4]),
        {boxes: 3, scores: 3},
        domains=domains,
    )


def named(tmp_path):
    np.save(tmp_path / "a.npy", np.full((32, 4), 0.5, np.float32))
    return StatedFacts(("boxes", "s"), (0.0,), (1.0,), None, tmp_path / "a.npy", "yxhw")


def test_an_operator_that_is_not_translated_is_named(tmp_path):
    path = with_operator(tmp_path, "Sinh")
    with pytest.raises(InputError, match="one.onnx: the Sinh that makes Sinh_0 is unsupported: detlite translates Abs"):
        onnx_detector(path, DetectorOptions(stated=named(tmp_path)))


def test_an_operator_of_another_domain_is_named(tmp_path):
    path = with_operator(tmp_path, "EfficientNMS_TRT", domain="nvidia")
    with pytest.raises(InputError, match="one.onnx: ONNX Runtime cannot open the model: .*EfficientNMS_TRT"):
        onnx_detector(path, DetectorOptions(stated=named(tmp_path)))


def branch(kind):
    end = helper.make_tensor_value_info(f"{kind}_end", TensorProto.FLOAT, None)
    return helper.make_graph([helper.make_node(kind, ["maps"], [f"{kind}_end"])], kind, [], [end])


def test_a_loop_inside_the_network_is_named(tmp_path):
    graph = Written()
    maps = graph.conv("image", (4, 3, 1, 1))
    ends = {
        name: helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("n", TensorProto.INT64, []),
            ("go", TensorProto.BOOL, []),
            ("x", TensorProto.FLOAT, None),
            ("went", TensorProto.BOOL, []),
            ("y", TensorProto.FLOAT, None),
        )
    }
    nodes = [helper.make_node("Identity", ["go"], ["went"]), helper.make_node("Neg", ["x"], ["y"])]
    body = helper.make_graph(nodes, "body", [ends["n"], ends["go"], ends["x"]], [ends["went"], ends["y"]])
    looped = graph.op("Loop", graph.constant(np.array(3)), "", maps, body=body)
    rows = graph.constant(np.array([1, 32, 4]))
    outputs = {graph.op("Reshape", looped, rows, outputs=[name]): 3 for name in ("boxes", "s")}
    path = graph.save(tmp_path / "loop.onnx", ("image", TensorProto.FLOAT, [1, 3, 8, 4]), outputs)
    with pytest.raises(
        InputError, match="loop.onnx: the Loop that makes Loop_1 is unsupported: detlite translates Abs"
    ):
        onnx_detector(path, DetectorOptions(stated=named(tmp_path)))


def test_a_part_has_what_only_a_branch_in_it_reads(tmp_path):
    graph = Written()
    graph.op("Relu", "image", outputs=["maps"])
    yes = graph.op("Greater", graph.op("ReduceMax", "image", keepdims=0), graph.constant(np.float32(0)))
    chosen = graph.op("If", yes, then_branch=branch("Neg"), else_branch=branch("Abs"), outputs=["boxes"])
    path = graph.save(tmp_path / "if.onnx", ("image", TensorProto.FLOAT, [1, 2]), {chosen: 2})
    (value,) = normalized(open_onnx(path), "if.onnx").run(["boxes"], {"image": np.array([[1, 2]], np.float32)})
    np.testing.assert_array_equal(value, [[-1, -2]])


def test_a_model_without_heads_says_how_to_name_them(tmp_path):
    graph = Written()
    end = graph.op("GlobalAveragePool", graph.conv("image", (10, 3, 1, 1)), outputs=["logits"])
    path = graph.save(tmp_path / "c.onnx", ("image", TensorProto.FLOAT, [1, 3, 4, 4]), {end: 4})
    with pytest.raises(
        InputError,
        match=r"c.onnx: cannot find box encodings, .* only SSDs are converted; if it is one, name them: --heads",
    ):
        onnx_detector(path, ASKED)
