"""DeepMAC: peaks and crops in the network, against numpy; and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from builders.asked_weights import AskedWeights

from detlite.convert.graph.runner import import_graph
from detlite.convert.graph.trim import INPUT
from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.convert.rebuild.architecture import RebuildPlan, architecture_of
from detlite.convert.rebuild.center_net_config import CenterNet, EmbeddedMasks
from detlite.convert.rebuild.network.center_net import HEADS
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.rebuild import rebuild
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.boxes.nms import Nms, peaks
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.instances import Instances

SIDES = (16, 16)
MASKS = EmbeddedMasks(depth=10, instance=4, pixel=3, size=8, width=2, line=7)
CONFIG = CenterNet(
    2,
    "hourglass_10",
    max_box_predictions=3,
    center_head_filters=(4,),
    center_head_kernels=(1,),
    box_head_filters=(4,),
    box_head_kernels=(1,),
    masks=MASKS,
)


def computed(make, image):
    """What *make* adds to a graph whose image is *image*."""
    with RegionBuilder(RandomWeights(0), image.shape[1:]) as net:
        names = [net.identity(part, f"out_{number}").name for number, part in enumerate(make(net))]
        graph_def = net.graph_def
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        import_graph(graph_def)
        return session.run([graph.get_tensor_by_name(name) for name in names], {f"{INPUT}:0": image})


def test_peaks_in_the_network_are_those_of_the_runtime():
    scores = np.random.default_rng(0).uniform(0.1, 0.9, (1, 6, 7, 3)).astype(np.float32)
    found, cells, classes = computed(lambda net: net.peaks(net.image, 5, 1e-6, "peaks"), scores)
    nms = Nms(kind="peaks", cells=(6, 7), max_detections=5, score_threshold=0.0)
    wanted = peaks(np.zeros((42, 4), np.float32), scores.reshape(42, 3), nms)
    assert cells.tolist() == wanted.rows.tolist()
    assert classes.tolist() == wanted.classes.tolist()
    assert found.tolist() == wanted.scores.tolist()


def test_more_scores_than_float32_counts_are_refused():
    with RegionBuilder(RandomWeights(0), (8, 8, 3)) as net:
        wide = net.image[..., :1] + np.zeros((1, 1, 1, 300_000), np.float32)
        with pytest.raises(InputError, match="8 x 8 cells of 300000 classes are over 16777216 scores"):
            net.peaks(wide, 5, 1e-6, "peaks")


def test_a_crop_beyond_the_map_fades_to_zero():
    image = np.ones((1, 5, 5, 3), np.float32)
    box = np.array([[-0.25, 0, 0.25, 1]], np.float32)  # from a cell above the map to the second row
    (crop,) = computed(lambda net: (net.crop_regions(net.image, box, (5, 2), "crop", beyond=True),), image)
    assert crop[0, :, 0, 0].tolist() == [0, 0.5, 1, 1, 1]


def test_the_cell_of_a_box_s_centre_is_counted_row_by_row():
    boxes = np.array([[0, 0, 0.5, 1], [0.9, 0.9, 1.5, 1.5], [-1, -1, 0, 0]], np.float32)
    (cells,) = computed(lambda net: (net.cell_of_centre(boxes, (4, 6), "centre"),), np.zeros((1, 4, 6, 3), np.float32))
    assert cells.tolist() == [6 + 3, 23, 0]


def test_the_outputs_are_boxes_and_their_masks():
    made = rebuild(RebuildPlan(CONFIG, "p.config", random_seed=0), RandomWeights(0), DetectorOptions(input_size=SIDES))
    contract = made.graph.contract
    assert isinstance(contract.task, Instances)
    assert contract.roles == ("boxes", "classes", "scores", "count", "masks")
    assert contract.output("masks").shape == (1, 3, 8, 8)
    assert (contract.task.detection.nms.kind, contract.task.detection.nms.place) == ("peaks", "model")


def test_fewer_boxes_may_be_asked_for():
    options = DetectorOptions(input_size=SIDES, nms=NmsOptions(max_detections=2))
    made = rebuild(RebuildPlan(CONFIG, "p.config", random_seed=0), RandomWeights(0), options)
    assert made.graph.contract.output("masks").shape == (1, 2, 8, 8)


def test_an_embedding_has_the_kernel_of_the_checkpoint():
    class Flat(AskedWeights):
        def shape_of(self, name):
            return (1, 3, 64, 256) if "EMBEDDING/0/layer_with_weights-0/kernel" in name else None

    for weights, kernel in ((Flat(), (1, 3)), (AskedWeights(), (3, 3))):
        architecture_of(CONFIG).build(RebuildPlan(CONFIG, "p.config"), weights, (16, 16))
        assert weights.shapes[f"{HEADS}/PIXEL_EMBEDDING/0/layer_with_weights-0/kernel"] == (*kernel, 64, 256)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            DetectorOptions(input_size=SIDES, logits=True),
            "needs its own scores to find its masks: leave out --scores logits",
        ),
        (
            DetectorOptions(nms=NmsOptions(kind="fast")),
            "finds its boxes as peaks, in the network: leave out --nms, --iou",
        ),
        (
            DetectorOptions(input_size=SIDES, nms=NmsOptions(max_detections=33)),
            "33 boxes from the 32 scores of 4 x 4 cells and 2 classes: give --max-detections 32 or less",
        ),
    ],
)
def test_options_that_its_network_cannot_follow_are_refused(options, error):
    with pytest.raises(InputError, match=error):
        rebuild(RebuildPlan(CONFIG, "p.config", random_seed=0), RandomWeights(0), options)


def test_crops_that_no_runtime_holds_are_refused():
    config = replace(CONFIG, max_box_predictions=32, masks=replace(MASKS, size=256, instance=512))
    with pytest.raises(InputError, match="crops of 32 regions are a tensor of 4.3 GB, .* give --max-detections 15 or"):
        rebuild(RebuildPlan(config, "p.config", random_seed=0), RandomWeights(0), DetectorOptions(input_size=SIDES))
