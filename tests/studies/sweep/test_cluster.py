"""What a cluster must be: workers of the same detlite that see the study."""

import pytest

from detlite.runtime.errors import InputError
from detlite.studies.sweep.cluster import check_workers, worker_facts

ADDRESS = "tcp://head:8786"


class FakeClient:
    """Answers for a scheduler and for workers, by name."""

    def __init__(self, workers, scheduler=None):
        self.workers = workers
        self.scheduler = worker_facts(None) if scheduler is None else scheduler

    def wait_for_workers(self, _count, timeout):
        if not self.workers:
            raise TimeoutError(f"{timeout} s")

    def run_on_scheduler(self, _function, _folder):
        if isinstance(self.scheduler, Exception):
            raise self.scheduler
        return self.scheduler

    def run(self, _function, _folder):
        return {name: {**worker_facts(None), "host": "far", **facts} for name, facts in self.workers.items()}


@pytest.mark.parametrize(
    ("client", "told"),
    [
        (FakeClient({}), "the scheduler tcp://head:8786 has no workers: start them with `dask worker"),
        (FakeClient({"w": {"detlite": "0.0.9"}}), r"the worker w runs detlite 0\.0\.9; this is .*: use the same"),
        (FakeClient({"w": {"python": "3.9"}}), r"the worker w runs python 3\.9; this is .*: use the same"),
        (
            FakeClient({"w": {}}, {**worker_facts(None), "detlite": "9.9"}),
            r"the scheduler tcp.* runs detlite 9\.9",
        ),
        (FakeClient({"w": {}}, ImportError("detlite")), r"the scheduler tcp.* has no detlite .*: install it there"),
        (FakeClient({"w": {"sees_folder": False}}), "the worker w on far does not see .*: use a shared file system"),
    ],
)
def test_a_cluster_that_cannot_run_the_sweep_is_told_in_a_line(client, told, tmp_path):
    with pytest.raises(InputError, match=told):
        check_workers(client, ADDRESS, tmp_path)


def test_a_cluster_of_the_same_detlite_is_taken(tmp_path):
    check_workers(FakeClient({"w": {"sees_folder": True}}), ADDRESS, tmp_path)
