"""The room of a machine: a measurement is alone in it, by monotonic stamps."""

import json
import subprocess
import sys
import threading
import time

import pytest

from detlite.studies.sweep.room import in_room

PROGRAM = """
import json, sys, time
from contextlib import nullcontext
from detlite.studies.sweep.room import in_room
for number in range(int(sys.argv[2])):
    alone = sys.argv[1] == "alone"
    with nullcontext() if sys.argv[3] == "control" else in_room(alone=alone):
        begin = time.monotonic()
        time.sleep(0.01)
        print(json.dumps([alone, begin, time.monotonic()]), flush=True)
"""


@pytest.fixture(autouse=True)
def room(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_ROOM", str(tmp_path / "room"))


def stays(how):
    kinds = ("alone", "beside", "beside", "beside")
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, kind, "12", how], stdout=subprocess.PIPE, text=True)
        for kind in kinds
    ]
    return [json.loads(line) for one in started for line in one.communicate()[0].splitlines()]


def overlaps(found):
    measured = [stay for stay in found if stay[0]]
    others = [stay for stay in found if not stay[0]]
    return sum(begin < end and start < stop for _a, start, end in measured for _b, begin, stop in others)


@pytest.mark.slow
def test_no_work_runs_beside_a_measurement_and_without_the_room_it_would():
    found = stays("room")
    assert len(found) == 48
    assert overlaps(found) == 0
    assert overlaps(stays("control")) > 0


def test_work_may_run_beside_work():
    with in_room(alone=False), in_room(alone=False):
        pass


def test_a_measurement_waits_for_work_and_says_so():
    order, notices = [], []

    def measure():
        with in_room(alone=True, notice=notices.append):
            order.append("measured")

    with in_room(alone=False):
        waiting = threading.Thread(target=measure)
        waiting.start()
        while not notices:
            time.sleep(0.005)
        order.append("worked")
    waiting.join()
    assert order == ["worked", "measured"]
    assert notices == ["waiting for other work of detlite on this machine to end: a measurement is made alone"]
