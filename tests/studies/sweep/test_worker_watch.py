"""What a sweep says of the workers of the user's own cluster."""

from detlite.studies.sweep.worker_watch import WorkerWatch


def said(*events):
    """What is said of two workers, `a` and `b`, and these events."""
    lines = []
    watch = WorkerWatch("tcp://head:8786", lines.append)
    watch.workers.update("ab")
    for action, worker in events:
        watch.take((0.0, {"action": action, "worker": worker}))
    return lines


def test_while_one_of_two_workers_is_there_nothing_is_said():
    assert said(("remove-worker", "a"), ("add-worker", "c"), ("remove-worker", "b")) == []


def test_when_the_last_worker_is_gone_a_line_says_what_to_start_and_another_that_one_is_back():
    lines = said(("remove-worker", "a"), ("remove-worker", "b"), ("gather", "x"), ("add-worker", "c"))
    assert lines == [
        "no worker is left: the sweep waits for one; start it with `dask worker tcp://head:8786 --nthreads 1`",
        "a worker is back: the sweep goes on",
    ]
