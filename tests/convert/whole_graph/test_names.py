"""An .onnx from tf2onnx gets the same bytes in every run."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from detlite.convert.whole_graph.names import make_repeatable


def model_of(nodes, constants, side="unk__7"):
    ends = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, [2]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [side]),
    ]
    stored = [numpy_helper.from_array(np.full(2, value, np.float32), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def bytes_of(model):
    make_repeatable(model)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def test_other_names_and_another_order_give_the_same_bytes():
    one = model_of(
        [
            helper.make_node("Abs", ["image"], ["a__1"], name="a"),
            helper.make_node("Neg", ["image"], ["b__2"], name="b"),
            helper.make_node("Sum", ["a__1", "b__2", "c__3", "d__4"], ["scores"], name="sum"),
        ],
        {"c__3": 3, "d__4": 4},
    )
    other = model_of(
        [
            helper.make_node("Neg", ["image"], ["y"], name="b__22"),
            helper.make_node("Abs", ["image"], ["x"], name="a__21"),
            helper.make_node("Sum", ["x", "y", "p", "q"], ["scores"], name="sum__23"),
        ],
        {"q": 4, "p": 3},
        side="unk__8",
    )
    assert bytes_of(one) == bytes_of(other)


def test_other_numbers_give_other_bytes():
    nodes = [helper.make_node("Add", ["image", "c"], ["scores"], name="add")]
    assert bytes_of(model_of(nodes, {"c": 3})) != bytes_of(model_of(nodes, {"c": 4}))


def test_a_value_that_an_inner_graph_reads_is_made_before_it():
    def branch(name):
        end = helper.make_tensor_value_info(f"{name}_end", TensorProto.FLOAT, [2])
        return helper.make_graph([helper.make_node("Neg", ["outer__5"], [f"{name}_end"])], f"{name}__9", [], [end])

    model = model_of(
        [
            helper.make_node("Abs", ["image"], ["outer__5"], name="abs"),
            helper.make_node("If", ["yes"], ["scores"], then_branch=branch("then"), else_branch=branch("else")),
        ],
        {},
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    make_repeatable(model)
    onnx.checker.check_model(model, full_check=True)
    first, last = model.graph.node
    assert (first.op_type, list(first.output)) == ("Abs", ["Abs_0"])
    assert [list(attribute.g.node[0].input) for attribute in last.attribute] == [["Abs_0"], ["Abs_0"]]
    assert len({attribute.g.name for attribute in last.attribute} - {"then__9", "else__9"}) == 2


def test_the_names_of_inputs_and_outputs_stay():
    model = model_of([helper.make_node("Relu", ["image"], ["scores"], name="r__3")], {})
    make_repeatable(model)
    assert [model.graph.input[0].name, model.graph.output[0].name] == ["image", "scores"]
