"""Float TFLite files: the way for frozen graphs, which needs less memory, writes what the other way does."""

import pytest
from builders.ranged_weights import RangedWeights
from builders.tiny_tasks import tiny_task

from detlite.convert.exporters import tflite
from detlite.convert.exporters.tflite import to_tflite
from detlite.convert.graph.trim import prune
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_SCORES
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style
from detlite.convert.tflite.heads import canonicalize, outputs_of
from detlite.convert.tflite.open_file import TfliteFile

HEADS = (BOX_ENCODINGS, CLASS_SCORES)


@pytest.fixture(scope="module")
def network():
    with GraphBuilder(RangedWeights(), (16, 16, 3)) as net:
        slim = Slim(net)
        x = slim.depthwise(slim.conv(net.image, "stem", 8, 3, style=Style(), stride=2), "depthwise", 3, style=Style())
        net.identity(net.reshape(slim.conv(x, "boxes", 8, 1, style=PLAIN), (1, 128, 4), "flat"), BOX_ENCODINGS)
        logits = net.reshape(slim.conv(x, "classes", 6, 3, style=PLAIN), (1, 128, 3), "columns")
        net.convert_scores(logits, "SIGMOID", 1.0, CLASS_SCORES)
        return prune(net.graph_def, HEADS)


@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic"])
def test_both_ways_write_the_same_file(network, kind):
    files = [TfliteFile(to_tflite(network, HEADS, kind, is_frozen=is_frozen)) for is_frozen in (False, True)]
    for file in files:
        canonicalize(file, HEADS, outputs=("box_encodings", "class_scores"))
    assert files[0].data == files[1].data


def test_a_large_graph_takes_the_way_that_needs_less_memory(network, monkeypatch):
    monkeypatch.setattr(tflite, "LARGE_GRAPH", network.ByteSize() - 1)
    monkeypatch.setattr(tflite, "converter_of", None)
    assert TfliteFile(to_tflite(network, HEADS)).data


def test_outputs_that_have_their_roles_as_names_keep_them_in_any_order():
    model = tiny_task("keypoints")
    file, roles = model.file.copy(), tuple(reversed(model.contract.roles))
    canonicalize(file, outputs=roles)
    found = {output.role: output.shape for output in outputs_of(file.model, roles)}
    assert found == {output.role: output.shape for output in model.contract.outputs}
