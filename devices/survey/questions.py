"""Asking a device for its identity and state: many questions in one call, nothing written on the device."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.devices.transport.run import run, shell_script
from detlite.devices.transport.transport import Transport
from detlite.runtime.counts import counted
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.strict_json import parse_json

HERE = Path(__file__).parent
ANSWER = re.compile(r"\x1eask ([^\n]*)\n(.*?)\n\x1eend (\d{1,3})\n", re.S)
LOOK_S = 150.0
MOST_CHARACTERS = 1 << 20
VERSION = re.compile(r"\d{1,3}\.\d{1,4}\.")


@dataclass(frozen=True)
class Answer:
    """The answer to one question: its text, and the exit status of what was run; 127 if the program is missing."""

    text: str
    status: int


@dataclass(frozen=True)
class Answers:
    """A device's answers by question. Reading one that was not asked is a programming error (`KeyError`)."""

    given: Mapping[str, Answer]

    def files(self, *patterns: str) -> dict[str, str]:
        """Return the first line of each file that matches *patterns*, by path."""
        lines = (line for pattern in patterns for line in self.given[f"file {pattern}"].text.splitlines())
        rows = (line.partition("\t") for line in lines)
        return {path: value.strip() for path, tab, value in rows if tab and path.startswith("/")}

    def text(self, path: str) -> str | None:
        """Return the content of a file; None if it does not exist."""
        answer = self.given[f"text {path}"]
        return answer.text.strip() if answer.status == 0 else None

    def said(self, command: str) -> str | None:
        """Return the output of a program; None if it is missing or failed."""
        answer = self.given[f"run {command}"]
        return answer.text.strip() if answer.status == 0 else None

    def lines(self, question: str) -> list[list[str]]:
        """Return the words of each line of the answer to *question*."""
        return [line.split() for line in self.given[question].text.splitlines() if line.strip()]


def look(transport: Transport, questions: Iterable[str], *, timeout_s: float = LOOK_S) -> Answers:
    """Ask *questions* of the device: see `look.sh` for what can be asked.

    Raises:
        DeviceError: the device was lost, or its shell did not answer every question.
    """
    asked = list(dict.fromkeys(questions))
    script, probe = shell_script(HERE / "look.sh"), (HERE / "probe.py").read_text(encoding="utf-8")
    stdin = "".join(f"{question}\n" for question in asked).encode()
    done = run(transport, ["sh", "-c", script, "sh", probe], timeout_s=timeout_s, stdin=stdin)
    answers = parse_answers(done.out.decode(errors="replace"))
    lacks = [question for question in asked if question not in answers.given]
    if lacks:
        raise DeviceError(
            f"{transport.name} answered {len(asked) - len(lacks)} of {counted(len(asked), 'question')}; first missing: "
            f"{lacks[0]}"
        )
    return answers


def parse_answers(text: str) -> Answers:
    """Return the answers in the output of `look.sh`; a truncated one is left out."""
    found = ANSWER.findall(text)
    return Answers({question.strip(): Answer(said[:MOST_CHARACTERS], int(status)) for question, said, status in found})


def python_facts(answer: Answer) -> dict[str, Any] | None:
    """Return what `probe.py` found; None if Python is missing or too old for it."""
    last = answer.text.strip().splitlines()[-1:] or [""]
    try:
        facts = parse_json(last[0])
    except InputError:
        return None
    return facts if answer.status == 0 and _is_whole(facts) else None


def _is_whole(facts: object) -> bool:
    if not isinstance(facts, dict) or facts.keys() != {"python", "bits", "modules", "versions", "libedgetpu"}:
        return False
    texts = (facts[name] for name in ("versions", "libedgetpu"))
    return (
        VERSION.match(str(facts["python"])) is not None
        and facts["bits"] in (32, 64)
        and isinstance(facts["modules"], list)
        and all(isinstance(one, dict) and all(isinstance(value, str) for value in one.values()) for one in texts)
    )
