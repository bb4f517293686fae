"""What a sweep says of the workers of the user's own cluster."""

import pytest

from detlite.studies.sweep.worker_watch import WorkerWatch

pytest.importorskip("distributed")

START = "start it with `dask worker tcp://head:8786 --nthreads 1`"
A, B, C = "tcp://10.0.0.1:1111", "tcp://10.0.0.2:2222", "tcp://10.0.0.1:3333"


def said(*events, here=frozenset()):
    """What is said of the workers A and B, and these events."""
    lines = []
    watch = WorkerWatch("tcp://head:8786", lines.append, here)
    watch.workers.update((A, B))
    for action, worker in events:
        watch.take((0.0, {"action": action, "worker": worker}))
    return lines


def test_while_one_of_two_workers_is_there_nothing_is_said():
    assert said(("remove-worker", A), ("add-worker", C), ("remove-worker", B)) == []


def test_when_the_last_worker_is_gone_a_line_says_what_to_start_and_another_that_one_is_back():
    lines = said(("remove-worker", A), ("remove-worker", B), ("gather", "x"), ("add-worker", C))
    assert lines == [f"no worker is left: the sweep waits for one; {START}", "a worker is back: the sweep goes on"]


def test_when_the_last_worker_of_the_measuring_machine_is_gone_a_line_says_so_though_others_are_left():
    lines = said(("remove-worker", A), ("add-worker", C), ("remove-worker", C), here={"10.0.0.1"})
    gone = f"no worker is left on this machine: what it measures waits for one; {START}"
    assert lines == [gone, "a worker is back on this machine: its measurements go on", gone]
