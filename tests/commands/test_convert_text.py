"""What `detlite convert` says of the model that it wrote."""

import pytest
from builders.command_line import Detlite


@pytest.mark.data
def test_a_finished_model_with_int8_between_floats_is_called_mixed(tmp_path, shared_data):
    stream = shared_data / "tfvision" / "models" / "movinet_a0_stream_cow7_int8.tflite"
    ran = Detlite(tmp_path)("convert", stream, "-o", "out")
    assert ran.status == 0, ran.err
    assert ran.out == "out: mixed, 7 classes, 3.32 MB\n"
