"""Tasks in a process of their own."""

import errno
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from builders.ended_child import ended_in_time
from builders.waiting import is_alive, wait_until

from detlite.runtime.child import Child, ChildError, blaming_the_model, run_in_child
from detlite.runtime.errors import ContractError, DeviceError, InputError

TESTS = str(Path(__file__).parents[1])


@pytest.fixture(autouse=True)
def _tasks_importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", TESTS)


def test_a_child_answers_and_tells_how_far_it_is():
    seen = []
    answer = run_in_child("builders.child_tasks:double", {"value": 21}, progress=lambda *step: seen.append(step))
    assert (answer, seen) == ({"value": 42}, [("doubling", 1, 2)])


def test_a_child_may_start_before_it_is_known_what_is_asked():
    with Child("builders.child_tasks:double") as child:
        assert child.answer({"value": 4}) == {"value": 8}


def test_a_child_that_is_asked_nothing_ends_with_the_block():
    with Child("builders.child_tasks:double") as child:
        pid = child.pid
    wait_until(lambda: not is_alive(pid), patience_s=30)  # what was started sleeps for a minute


def test_progress_is_told_at_most_twenty_times_a_second_and_at_the_end():
    seen = []
    run_in_child("builders.child_tasks:count", {"total": 2000}, progress=lambda *step: seen.append(step))
    assert seen[0] == ("counting", 1, 2000)
    assert seen[-1] == ("counting", 2000, 2000)
    assert len(seen) < 200


def test_an_error_of_the_child_is_raised_as_it_was():
    with pytest.raises(ContractError, match="^no such thing$"):
        run_in_child("builders.child_tasks:refuse", {})


def test_a_crash_names_its_signal():
    with pytest.raises(DeviceError, match=r"the process for crash died of SIGSEGV \(likely: a damaged model"):
        run_in_child("builders.child_tasks:crash", {})


def test_a_child_that_takes_too_long_is_ended():
    pid = ended_in_time("builders.child_tasks:stall", said="stall")
    wait_until(lambda: not is_alive(pid), patience_s=30)  # what was started sleeps for a minute


@pytest.mark.parametrize(("names", "text"), [(["x"], "[Errno 28] No space left on device: 'x'"), ([], None)])
def test_a_full_disk_in_the_child_is_a_full_disk_in_the_parent(names, text):
    with pytest.raises(OSError, match="No space left") as caught:
        run_in_child("builders.child_tasks:fill_disk", {"names": names})
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value) == (text or "[Errno 28] No space left on device")


def test_a_bug_in_the_child_keeps_its_traceback():
    with pytest.raises(ChildError, match=r"(?s)Traceback.*ZeroDivisionError: a bug"):
        run_in_child("builders.child_tasks:fail", {})


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("task", ["child_tasks:stall", "more_child_tasks:start_another"])
def test_neither_a_child_nor_what_it_started_outlives_its_parent(ending, task):
    program = (
        "from detlite.runtime.child import run_in_child\n"
        f"run_in_child('builders.{task}', {{}}, progress=lambda what, *_: print(what, flush=True))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(ending)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_alive(pid), patience_s=30)  # what was started sleeps for a minute


def test_a_child_has_a_folder_for_temporary_files_that_goes_with_it():
    left = Path(run_in_child("builders.child_tasks:leave_file", {"hang": False})["path"])
    assert left.name.startswith("__autograph_generated_file")
    assert not left.parent.exists()


def test_a_child_that_cannot_be_started_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(OSError, match="Argument list too long"):
        Child("x" * 200_000)
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_killed_leaves_no_temporary_file_of_its_child():
    program = (
        "from detlite.runtime.child import run_in_child\n"
        "tell = lambda path, *_: print(path, flush=True)\n"
        "run_in_child('builders.child_tasks:leave_file', {'hang': True}, progress=tell)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    left = Path(parent.stdout.readline().decode().strip())
    assert left.is_file()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not left.parent.exists())


def test_a_child_that_crashes_on_a_model_is_an_error_of_the_model():
    with pytest.raises(InputError, match="^the model is damaged, or .* died of SIGSEGV"), blaming_the_model():
        run_in_child("builders.child_tasks:crash", {})
