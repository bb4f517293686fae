"""What a child must not do: import from the user's folder, leave processes behind, or fail without a word."""

import subprocess
import sys
from pathlib import Path

import pytest
from builders.ended_child import ended_in_time
from builders.waiting import is_alive, wait_until

from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DeviceError

TESTS = str(Path(__file__).parents[1])


@pytest.fixture(autouse=True)
def _tasks_importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", TESTS)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="older Pythons have no -P")
def test_a_file_in_the_users_folder_is_not_imported_for_a_library(tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('somebody else')")
    program = (
        "from detlite.runtime.child import run_in_child\n"
        "print(run_in_child('builders.more_child_tasks:numpy_version', {})['version'])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.count(".")) == (0, 2), done.stderr


def test_what_a_child_started_ends_with_it():
    pid = ended_in_time("builders.more_child_tasks:start_another", said="start another")
    wait_until(lambda: not is_alive(pid))


def test_a_child_without_memory_says_so():
    with pytest.raises(DeviceError, match="^exhaust memory ran out of memory$"):
        run_in_child("builders.more_child_tasks:exhaust_memory", {})


def test_the_last_words_are_neither_a_librarys_information_nor_a_stack_trace():
    with pytest.raises(DeviceError, match="died of SIGABRT .*; its last words: this is why$"):
        run_in_child("builders.more_child_tasks:abort_with_words", {})


def test_a_large_request_and_a_large_answer_pass():
    text = "x" * 1_000_000
    assert run_in_child("builders.child_tasks:double", {"value": text})["value"] == text * 2
