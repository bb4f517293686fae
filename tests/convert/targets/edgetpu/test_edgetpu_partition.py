"""The partition of a graph: laws that any graph must obey, and one that is known."""

from builders.edgetpu_models import Model
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.targets.edgetpu.graph import Graph, read_graph
from detlite.convert.targets.edgetpu.partition import partition


def chain(links: list[list[int]]) -> Graph:
    """A graph whose operator i reads the image, and the operators that links[i] names by how far back they are."""
    model = Model()
    image = model.tensor((1, 2), name="image")
    made: list[int] = []
    for back in links:
        inputs = [image, *(made[-step] for step in back if step <= len(made))]
        made.append(model.op("CONCATENATION", inputs, [model.tensor((1, 2))], axis=1))
    return read_graph(model.bytes([image], made[-1:]), "x")


def as_tflite_does(graph: Graph, supported: list[bool]) -> list[tuple[bool, list[int]]]:
    """TFLite's own loops, written down again: pass after pass over the operators that are left."""
    made = {t.index for op in graph.operators for t in op.outputs}
    ready = {t.index for t in graph.tensors} - made
    left, subsets = list(range(len(supported))), []
    while left:
        kind: bool | None = None
        taken: list[int] = []
        while True:
            now = [
                i
                for i in left
                if i not in taken
                and {t.index for t in graph.operators[i].inputs if t is not None} <= ready
                and (kind is None or supported[i] == kind)
            ]
            if not now:
                break
            kind = supported[now[0]]
            taken.append(now[0])
            ready |= {t.index for t in graph.operators[now[0]].outputs}
        subsets.append((bool(kind), sorted(taken)))
        left = [i for i in left if i not in taken]
    return subsets


@settings(max_examples=60, deadline=None)
@given(
    operators=st.lists(st.tuples(st.booleans(), st.lists(st.integers(1, 5), max_size=3)), min_size=1, max_size=12),
)
def test_the_subsets_are_those_of_tflites_own_loops(operators):
    graph, supported = chain([links for _kind, links in operators]), [kind for kind, _links in operators]
    got = [(subset.supported, list(subset.operators)) for subset in partition(graph, supported)]
    assert got == as_tflite_does(graph, supported)


def test_alternating_operators_of_a_long_chain_are_partitioned_at_once():
    graph = chain([[1]] * 3000)
    assert len(partition(graph, [i % 2 == 0 for i in range(3000)])) == 3000
