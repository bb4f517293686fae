"""Logs of every version of the compiler."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.targets.edgetpu.log import Row, parse_log

OLD = """Edge TPU Compiler version 2.0.291256449
Input: a.tflite
Output: a_edgetpu.tflite

Operator                       Count      Status

CONV_2D                        34         Mapped to Edge TPU
CUSTOM                         1          Operation is working on an unsupported data type
"""
TOGETHER = """Edge TPU Compiler version 2.1.302470888

Models compiled successfully in 123 ms.

Input model: a.tflite
Input size: 2.88MiB
On-chip memory available for caching model parameters: 512.50KiB
Off-chip memory used for streaming uncached model parameters: 12.00B
Operator                       Count      Status

ADD                            2          Mapped to Edge TPU

Input model: b.tflite
Number of Edge TPU subgraphs: 2
"""


def test_rows_of_an_old_log_are_read():
    log = parse_log(OLD)
    assert log.version == "2.0.291256449"
    assert log.models[0].rows == (
        Row("CONV_2D", 34, "Mapped to Edge TPU"),
        Row("CUSTOM", 1, "Operation is working on an unsupported data type"),
    )


def test_models_that_were_compiled_together_are_kept_apart():
    log = parse_log(TOGETHER)
    assert log.compile_ms == 123
    first, second = log.models
    assert (first.input_model, first.remaining_bytes, first.streamed_bytes) == ("a.tflite", 524_800, 12)
    assert first.rows == (Row("ADD", 2, "Mapped to Edge TPU"),)
    assert (second.input_model, second.subgraphs, second.rows) == ("b.tflite", 2, ())


def test_a_size_of_400_digits_is_none():
    size, far = "9" * 400 + "MiB", f"Models compiled successfully in {'9' * 5000} ms."
    log = parse_log(f"{far}\nInput model: a.tflite\nInput size: {size}\nOutput size: 1.{size}\nOff-chip memory: 1MiB\n")
    assert (log.compile_ms, log.models[0].input_bytes, log.models[0].output_bytes) == (None, None, None)


def test_lines_with_carriage_returns_are_read():
    assert parse_log(OLD.replace("\n", "\r\n")) == parse_log(OLD)


def test_a_refusal_is_about_the_model_and_a_crash_is_not():
    assert parse_log("Model not quantized\n").is_about_the_model
    assert parse_log("ERROR: Encountered unresolved custom op: Atan.").is_about_the_model
    assert not parse_log("Internal compiler error. Aborting! ").is_about_the_model
    assert parse_log("F :344 no_integer_overflow_from_quantization was not true.").errors


@given(st.text())
def test_any_text_is_read(text):
    parse_log(text)


@pytest.mark.data
def test_the_search_that_gave_up_16_times_is_read(shared_data):
    log = parse_log((shared_data / "edgetpu" / "logs" / "padded_edgetpucompiler_output.log").read_text())
    assert (log.attempts[0], log.attempts[-1], len(log.attempts), log.failures) == (135, 119, 17, 16)
    (model,) = log.models
    assert (model.subgraphs, model.operator_count, model.mapped_count, model.cpu_count) == (3, 135, 132, 3)
    assert sum(row.count for row in model.rows) == 135
    assert Row("CONCATENATION", 2, "More than one subgraph is not supported") in model.rows


@pytest.mark.data
def test_every_real_log_is_read(shared_data):
    logs = [*(shared_data / "edgetpu" / "logs").glob("*.log"), *(shared_data / "models").glob("*/*.log")]
    assert len(logs) == 11
    for path in logs:
        log = parse_log(path.read_text())
        assert log.version is not None, path.name
        assert log.models[0].rows, path.name
