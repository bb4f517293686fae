"""Walking the graphs inside the nodes of an ONNX graph."""

import onnx
import pytest
from onnx import helper

from detlite.convert.onnx.inner_graphs import all_nodes, inner_graphs, read_by


def body(name, nodes):
    return helper.make_graph(nodes, name, [], [helper.make_empty_tensor_value_info(nodes[-1].output[0])])


@pytest.fixture
def nested():
    """A graph of an If whose first branch holds a Loop, and a Relu after it."""
    loop = helper.make_node("Loop", ["n", ""], ["l"], body=body("loop", [helper.make_node("Abs", ["deep"], ["a"])]))
    other = body("else", [helper.make_node("Neg", ["x"], ["e"])])
    made = helper.make_node("If", ["c"], ["i"], then_branch=body("then", [loop]), else_branch=other)
    return body("main", [made, helper.make_node("Relu", ["i"], ["y"])])


def test_nodes_are_listed_each_before_those_inside_it(nested):
    assert sorted(node.op_type for node in all_nodes(nested)) == ["Abs", "If", "Loop", "Neg", "Relu"]
    kinds = [node.op_type for node in all_nodes(nested)]
    assert (kinds[0], kinds[-1], kinds.index("Abs") - kinds.index("Loop")) == ("If", "Relu", 1)


def test_only_the_graphs_directly_in_a_node_are_its_inner_graphs(nested):
    assert {graph.name for graph in inner_graphs(nested.node[0])} == {"then", "else"}
    assert list(inner_graphs(nested.node[1])) == []


def test_a_list_of_graphs_in_an_attribute_is_walked_too():
    node = helper.make_node("Many", [], ["o"], domain="other")
    node.attribute.append(helper.make_attribute("parts", [body("one", [onnx.NodeProto(output=["a"])])] * 2))
    assert [graph.name for graph in inner_graphs(node)] == ["one", "one"]


def test_a_node_reads_what_its_inner_nodes_read_and_their_graphs_return(nested):
    names = list(read_by(nested.node[0]))
    assert (names[0], sorted(names)) == ("c", ["", "a", "c", "deep", "e", "l", "n", "x"])
