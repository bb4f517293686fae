"""Whatever the file holds: typed values, or one clear line."""

import pytest
from builders.written_configs import CENTER_NET, RETINA, SSD
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.detector_config import Pipeline
from detlite.convert.rebuild.odapi.config.read import parse_pipeline, read_pipeline
from detlite.runtime.errors import InputError

VALUES = ("0", "-1", "nan", "1e999", "true", "'x'", "{ }", "[ ]", "[1, 'a']", "99999999999999999999", "RELU", "<>")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "^p.config has no model: it is empty; want model { center_net { ... } } or model { faster_rcnn"),
        ("# nothing\n", "^p.config has no model: it is empty"),
        ("train_config { } train_input_reader { }", "has no model: it has train_config, train_input_reader; want"),
        ("item { id: 1 name: 'x' }", "has no model: it has item; want"),
        ("ssd { num_classes: 3 }", "has no model: it has ssd; want model { center_net"),
        ("\nmodel { }", "line 2: model has none of center_net, faster_rcnn, ssd: it is empty; want"),
        ("model { detr { } }", "model has none of center_net, faster_rcnn, ssd: it has detr; want"),
        ("model {\n faster_rcnn { } }", "line 2: faster_rcnn has no feature_extractor"),
        (
            "model { experimental_model { } }",
            "line 1: experimental_model { ... }; detlite does not build it; want model",
        ),
        ("model { ssd { }\n center_net { } }", "line 2: center_net, and ssd on line 1; want one of them in model"),
        ("model: 5", "line 1: model is 5; want model { ... }"),
        ("model { ssd", "want a colon or a brace after ssd, got the end of the file"),
    ],
)
def test_a_file_that_describes_no_detector_says_what_was_found(text, error):
    with pytest.raises(InputError) as caught:
        parse_pipeline(text, "p.config")
    assert error.lstrip("^") in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="none.config is not a file; want protobuf text format"):
        read_pipeline(tmp_path / "none.config")


def test_a_file_is_read_and_named(tmp_path):
    path = tmp_path / "p.config"
    path.write_text(SSD)
    assert read_pipeline(path) == parse_pipeline(SSD, str(path))


def reads_or_one_line(text: str) -> bool:
    try:
        return isinstance(parse_pipeline(text, "p.config"), Pipeline)
    except InputError as error:
        return str(error).startswith("p.config") and "\n" not in str(error) and len(str(error)) < 400


@given(st.sampled_from((SSD, RETINA, CENTER_NET)), st.data())
def test_a_config_with_any_other_value_reads_or_is_one_clear_line(config, data):
    places = [at for at, mark in enumerate(config) if mark == ":"]
    at = data.draw(st.sampled_from(places))
    value = data.draw(st.sampled_from(VALUES) | st.floats().map(repr) | st.integers().map(str))
    rest = config[at + 1 :].lstrip()
    assert reads_or_one_line(f"{config[:at]}: {value} {rest[len(rest.split()[0]) :]}")


@given(st.sampled_from((SSD, RETINA, CENTER_NET)), st.data())
def test_a_config_with_any_part_cut_out_or_changed_reads_or_is_one_clear_line(config, data):
    begin = data.draw(st.integers(0, len(config)))
    end = data.draw(st.integers(begin, min(len(config), begin + 60)))
    assert reads_or_one_line(config[:begin] + data.draw(st.text(max_size=12)) + config[end:])


@given(st.sampled_from((SSD, RETINA, CENTER_NET)), st.data())
def test_a_config_with_any_name_misspelt_reads_or_is_one_clear_line(config, data):
    words = sorted({word.rstrip(":") for word in config.split() if word[0].isalpha()})
    assert reads_or_one_line(config.replace(data.draw(st.sampled_from(words)), data.draw(st.sampled_from(words))))


@pytest.mark.data
def test_every_public_config_reads_and_no_field_of_it_is_skipped(shared_data):
    configs = shared_data / "configs"
    files = [
        *(file for folder in ("tf1", "tf1_samples", "tf2", "zoo_pipelines") for file in (configs / folder).iterdir()),
        *shared_data.glob("odapi_goldens/*/pipeline.config"),
        *shared_data.glob("models/*/pipeline.config"),
    ]
    assert len(files) >= 77
    assert [file.name for file in files if read_pipeline(file).skipped] == []


@pytest.mark.data
@pytest.mark.parametrize(
    ("golden", "facts"),
    [
        ("ssd_mobilenet_v1_quantized", (90, 91, (300, 300), "ssd_mobilenet_v1", True)),
        ("ssd_spaghettinet_edgetpu_s", (90, 91, (320, 320), "ssd_spaghettinet", True)),
        ("ssdlite_mobiledet_cpu", (90, 91, (320, 320), "ssd_mobiledet_cpu", False)),
        ("tf2_efficientdet_d0", (90, 90, (512, 512), "ssd_efficientnet-b0_bifpn_keras", False)),
    ],
)
def test_a_golden_models_config_says_what_its_network_is(shared_data, golden, facts):
    read = read_pipeline(shared_data / "odapi_goldens" / golden / "pipeline.config")
    model = read.model
    size = (model.resizer.height, model.resizer.width)
    assert (model.classes, model.columns, size, model.extractor.type, read.quantization_aware) == facts


@pytest.mark.data
def test_the_golden_center_net_reads_as_one(shared_data):
    path = shared_data / "odapi_goldens" / "tf2_centernet_mobilenetv2_fpn" / "pipeline.config"
    assert isinstance(read_pipeline(path).model, CenterNet)
