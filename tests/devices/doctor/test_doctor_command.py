"""`detlite doctor`: what it says and how it ends; no answer of a device makes it fail."""

import json
from dataclasses import replace

import pytest
from builders.examined import COMPILED, ONNX
from builders.scripted_device import MAKERS, entry, fake_ssh, jetson
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.cli import main
from detlite.devices.doctor.examine import diagnose, examine, questions_for, subject_of
from detlite.devices.doctor.finding import SPOILS
from detlite.devices.survey.questions import Answer, Answers

words = [
    "",
    "x",
    "@",
    "9" * 30,
    "-1",
    "RAM 1/2MB",
    "Thermal Status: 9",
    "[ro.product.model]: [a]",
    "usb a b c d e",
    "apex x",
]
facts = st.fixed_dictionaries(
    {
        "python": st.sampled_from(["3.9.0", "2.7.18", "x", 3]),
        "bits": st.sampled_from([32, 64, "x"]),
        "modules": st.just([]) | st.just(["numpy", "tflite_runtime", 5]) | st.just("numpy"),
        "versions": st.dictionaries(
            st.sampled_from(["numpy", "tflite-runtime"]), st.sampled_from(["", "x", "2", "1.9", 5])
        ),
        "libedgetpu": st.sampled_from([{}, {"version": "RuntimeVersion(9)"}, {"error": "no"}, {"version": 4}, []]),
    }
)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_doctor_survives_garbage_in_every_answer(data):
    device = entry(data.draw(st.sampled_from(sorted(MAKERS))), power_mode=data.draw(st.sampled_from([None, "MAXN"])))
    said = {
        one: Answer("\n".join(data.draw(st.lists(st.sampled_from(words), max_size=3))), 0)
        for one in questions_for(device)
    }
    said |= {"run uname -m": Answer("aarch64", 0), f"python {device.python}": Answer(json.dumps(data.draw(facts)), 0)}
    found = diagnose(
        subject_of(device, Answers(said), now_s=0, model=data.draw(st.sampled_from([None, COMPILED, ONNX])))
    )
    assert all(finding.text and finding.cure for _name, finding in found.findings)


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys):
    """Runs `detlite doctor` over ssh on a scripted device, and returns status and stdout."""

    def run(made, *arguments: str, more: str = ""):
        path = fake_ssh(tmp_path / "ssh", made)
        monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
        (tmp_path / "devices.toml").write_text(f'[orin]\nkind = "jetson"\naddress = "orin.lan"\n{more}')
        monkeypatch.setenv("DETLITE_DEVICES", str(tmp_path / "devices.toml"))
        status = main(["doctor", "--device", "orin", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_the_command_ends_with_0_where_nothing_spoils(tmp_path, doctor):
    status, out, _err = doctor(jetson(tmp_path / "it"), more='power_mode = "15W"\n')
    assert status == 0
    assert out.endswith("orin: nothing would spoil a measurement, 0 cautions\n")
    assert "orin (jetson): NVIDIA Jetson Orin Nano Developer Kit" in out


def test_the_command_ends_with_1_and_says_the_cure(tmp_path, doctor):
    status, out, _err = doctor(jetson(tmp_path / "it"), more='power_mode = "7W"\nemulated = true\n')
    assert status == 1
    assert "    cure: sudo nvpmodel -m 1\n" in out
    assert out.endswith("emulated orin: 1 that would spoil a measurement, 0 cautions\n")


def test_the_commands_json_has_findings_and_standing(tmp_path, doctor):
    status, out, _err = doctor(jetson(tmp_path / "it"), "--json", more='power_mode = "7W"\n')
    record = json.loads(out)
    assert (status, record["schema"], record["spoiled"]) == (1, "detlite.doctor", True)
    assert [(one["check"], one["level"]) for one in record["findings"]] == [("power_mode", SPOILS)]
    assert record["standing"]["power_mw"] == 5000


def test_a_device_that_is_gone_ends_with_4(tmp_path, doctor):
    made = jetson(tmp_path / "it")
    made.program("sh", "echo 'ssh: connect to host orin.lan port 22: Connection refused' >&2; exit 255")
    status, _out, err = doctor(made)
    assert status == 4
    assert "orin: nothing answers at its ssh port" in err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["nothing.tflite"], "there is nothing"), (["--inventory", "none.toml"], "cannot be read")],
)
def test_bad_input_ends_with_2(tmp_path, doctor, arguments, text):
    status, _out, err = doctor(jetson(tmp_path / "it"), *arguments)
    assert status == 2
    assert text in err


def test_a_damaged_model_ends_with_2(tmp_path, doctor):
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"\x1c\x00\x00\x00TFL3" + b"\xff" * 64)
    status, _out, err = doctor(jetson(tmp_path / "it"), str(bad))
    assert status == 2
    assert "bad.tflite" in err


def test_the_subject_of_this_machine_is_what_it_is_recognized_as(tmp_path):
    made = jetson(tmp_path)
    device = replace(entry("jetson"), name="host", kind="host", address=None, work=str(tmp_path))
    assert examine(made, replace(device, name="here")).subject.kind_name == "jetson"
