"""`detlite quantize --scheme`: each writes an artifact that can be scored, and takes what it has a use for."""

import json

import pytest
from builders.float_detector import detector, write_images

from detlite.calibration.numbers.scheme import DEFAULT_SCHEME, scheme_called, scheme_names
from detlite.cli import main
from detlite.convert.load import with_heads

SCHEMES = [name for name in scheme_names() if name != DEFAULT_SCHEME]


@pytest.fixture
def work(tmp_path):
    """A folder with a float artifact `float` and the images `images`."""
    (tmp_path / "images").mkdir()
    write_images(tmp_path / "images", count=6)
    made = detector(width=40)
    made.save(tmp_path / "float")
    return tmp_path


@pytest.fixture
def quantize(work, capsys):
    """Quantize `float` to `out`; returns the exit status, stdout and the last line of stderr."""

    def run(scheme, *options, source="float"):
        given = ["quantize", str(work / source), "-o", str(work / "out"), "--scheme", scheme]
        if not any(option == "--images" for option in options) and not _packs(scheme):
            given += ["--images", str(work / "images")]
        status = main([*given, *map(str, options)])
        said = capsys.readouterr()
        return status, said.out, (said.err.strip().splitlines() or [""])[-1]

    return run


def _packs(scheme):
    return scheme in scheme_names() and scheme_called(scheme).is_packing


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_scheme_writes_finds_what_the_float_model_finds(scheme, quantize, work, capsys):
    assert quantize(scheme)[0] == 0
    files = ["--images", str(work / "images"), "--against", str(work / "float")]
    assert main(["evaluate", str(work / "out"), *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fidelity"] > 65  # 8 bits around 0 have 70 here


def test_the_history_and_the_last_line_tell_the_scheme(quantize, work):
    status, out, _error = quantize("float16")
    assert (status, out.startswith(f"{work / 'out'}: float16, 0.0")) == (0, True)
    assert json.loads((work / "out" / "history.json").read_text())["steps"][-1]["scheme"] == "float16"


def test_a_scheme_with_int16_activations_has_float_input_and_heads(quantize, work):
    assert quantize("int16x8")[0] == 0
    contract = json.loads((work / "out" / "contract.json").read_text())
    assert {contract["image"]["dtype"], *(output["dtype"] for output in contract["outputs"])} == {"float32"}


def test_a_post_processing_op_can_be_had_behind_int16_heads(quantize, work):
    assert quantize("int16x8", "--heads", "postprocess")[0] == 0
    assert (
        main(["evaluate", str(work / "out"), "--images", str(work / "images"), "--against", str(work / "float")]) == 0
    )


def test_a_finished_model_without_a_signature_is_quantized_to_int8(quantize, work):
    from detlite.convert.tflite.flatbuffer import dump, load

    model = load(with_heads(detector(width=40), "postprocess").data, "a model")
    model.signatureDefs = []
    (work / "app.tflite").write_bytes(dump(model))
    status, out, _error = quantize("int8", "--heads", "raw", source="app.tflite")
    assert (status, out.startswith(f"{work / 'out'}: int8, 6 calibration images")) == (0, True)


@pytest.mark.parametrize(
    ("scheme", "options", "text"),
    [
        ("int4", (), "no quantization scheme is called 'int4'; "),
        ("int8-float-bais", (), "did you mean 'int8-float-bias'"),
        ("float16", ("--images", "photos", "--count", 3), "without calibration: remove --images, --count, or use"),
        ("dynamic", ("--method", "nearest", "--explain"), "without calibration: remove --method, --explain"),
        ("int16x8", ("--io", "int8"), "the scheme int16x8 has float32 input and heads: want --io float32 or no --io"),
        ("int16x8", ("--explain",), "--explain compare int8 with float: they need --scheme int8"),
        ("int16x8", ("--method", "converter"), "--method converter supports the scheme int8 only"),
    ],
)
def test_what_a_scheme_cannot_do_is_told_in_one_line_and_nothing_is_written(quantize, work, scheme, options, text):
    status, out, error = quantize(scheme, *options)
    assert (status, out) == (2, "")
    assert text in error
    assert not (work / "out").exists()


def test_a_scheme_that_packs_weights_can_be_quiet_and_saved_as_a_job(quantize, work):
    status, out, error = quantize("float16", "-q", "--save-job", work / "job.toml")
    assert (status, error) == (0, "")
    assert out.startswith(f"{work / 'out'}: float16")
    assert 'scheme = "float16"' in (work / "job.toml").read_text()


def test_images_are_asked_for_where_activations_are_quantized(work, capsys):
    assert main(["quantize", str(work / "float"), "-o", str(work / "out"), "--scheme", "int16x8"]) == 2
    assert "give the images to calibrate with" in capsys.readouterr().err
