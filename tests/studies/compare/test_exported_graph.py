"""A rebuilt two-stage detector against a stand-in of its exported graph: no archive of the zoo is at hand."""

import pytest
from builders.exported_two_stage import exported_graph, write_frozen, write_saved_model
from builders.written_configs import FASTER_RCNN, MASK_RCNN

from detlite.convert.artifact import step
from detlite.convert.exporters.tflite import from_graph
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.odapi.config.read import parse_pipeline
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.runtime.errors import InputError
from detlite.studies.compare.file_comparison import CompareOptions, compare, read_side

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("exported_graph")]

SIZE = (96, 128)
KINDS = {"boxes": FASTER_RCNN, "masks": MASK_RCNN}


def config(kind):
    return parse_pipeline(KINDS[kind], "p.config").model


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """A function that returns the folder of a rebuilt model of a kind."""
    made = {}

    def folder(kind):
        if kind not in made:
            plan = RebuildPlan(config(kind), "p.config", random_seed=0)
            graph = rebuild(plan, RandomWeights(0), DetectorOptions(input_size=SIZE)).graph
            model = from_graph(graph, "float32").after(step("convert", input_sha256=""))
            made[kind] = model.save(tmp_path_factory.mktemp(kind) / "rebuilt").model.parent
        return made[kind]

    return folder


def compared(model, graph):
    return compare(read_side(model), read_side(graph), CompareOptions())


def test_a_detector_and_its_frozen_graph_agree_in_every_stage(rebuilt, tmp_path):
    graph = write_frozen(exported_graph(config("boxes"), RandomWeights(0), SIZE), tmp_path)
    found = compared(rebuilt("boxes"), graph)
    assert found.findings == ()
    assert found.facts["images"] == 4
    assert found.facts["matched"] == {"proposals": [48, 48], "detections": [40, 40]}
    apart = found.facts["max_differences"]
    assert max(apart[name] for name in ("box_encodings", "class_scores", "boxes", "scores")) <= 1e-4
    assert compared(graph, rebuilt("boxes")).findings == ()


def test_a_detector_and_a_saved_model_of_tf2_agree(rebuilt, tmp_path):
    graph = exported_graph(config("boxes"), RandomWeights(0), SIZE, is_tf2=True)
    found = compared(rebuilt("boxes"), write_saved_model(graph, tmp_path))
    assert found.findings == ()
    assert found.facts["matched"] == {"proposals": [48, 48], "detections": [40, 40]}


def test_masks_agree(rebuilt, tmp_path):
    found = compared(rebuilt("masks"), write_frozen(exported_graph(config("masks"), RandomWeights(0), SIZE), tmp_path))
    assert found.findings == ()
    assert found.facts["matched"] == {"detections": [40, 40]}
    assert found.facts["max_differences"]["masks"] <= 1e-3


def test_a_graph_of_another_training_is_found_out(rebuilt, tmp_path):
    graph = write_frozen(exported_graph(config("boxes"), RandomWeights(1), SIZE), tmp_path)
    found = compared(rebuilt("boxes"), graph)
    assert any(text.startswith("proposals: ") for text in found.findings)


def test_a_graph_that_resizes_to_another_size_is_refused_with_the_size(rebuilt, tmp_path):
    graph = write_frozen(exported_graph(config("boxes"), RandomWeights(0), (96, 96)), tmp_path)
    text = "resizes an image of 96x128 to 96x96, and the model takes 96x128: .* convert it with --input 96x96"
    with pytest.raises(InputError, match=text):
        compared(rebuilt("boxes"), graph)
