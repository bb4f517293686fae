"""Which operators gain nothing from being left float."""

import pytest
from builders.float_models import FloatNet

from detlite.calibration.network import Network
from detlite.convert.tflite.open_file import TfliteFile
from detlite.studies.search.order import idle

FIRST, TOTAL, WIDER, LAST = ("first",), ("total",), ("wider",), ("last",)


@pytest.fixture(scope="module")
def network():
    """A convolution, two additions in a row, and a convolution."""
    net = FloatNet()
    x = net.conv(net.image, 3, name="first")
    (total,) = net.add("ADD", [x, x], [net.shape(x)], "AddOptions", name="total")
    (wider,) = net.add("ADD", [total, x], [net.shape(x)], "AddOptions", name="wider")
    return Network(TfliteFile(net.finish(net.conv(wider, 3, name="last"))))


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ([TOTAL], [TOTAL]),
        ([FIRST], []),  # its weights are no longer rounded
        ([TOTAL, WIDER], []),  # what is between them is no longer rounded
        ([TOTAL, LAST], [TOTAL]),
        ([WIDER, LAST], []),
        ([], []),
    ],
)
def test_an_operator_without_weights_and_without_a_float_neighbour_takes_nothing_off(network, chosen, found):
    assert idle(network, chosen) == found


def test_operators_that_only_read_the_same_tensor_are_no_neighbours():
    net = FloatNet()
    x = net.conv(net.image, 3, name="first")
    twice, thrice = (net.add("ADD", [x, x], [net.shape(x)], "AddOptions", name=name)[0] for name in ("twice", "thrice"))
    (both,) = net.add("ADD", [twice, thrice], [net.shape(x)], "AddOptions", name="both")
    network = Network(TfliteFile(net.finish(net.conv(both, 3, name="last"))))
    assert idle(network, [("twice",), ("thrice",)]) == [("twice",), ("thrice",)]
    assert idle(network, [("twice",), ("thrice",), ("both",)]) == []
