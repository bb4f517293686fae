"""A stand-in for edgetpu_compiler: it compiles nothing, and replays real logs and real compiled files.

    python replay_compiler.py SCRIPT.json [the compiler's own arguments]

SCRIPT.json: `mode` (below), `version`, and `files`: for each model that it knows, by the sha256 of the CPU model, the
`compiled` file that the real compiler once made of it, and the `log` that this printed. Every call is noted in
SCRIPT.json.calls, a line each.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

Play = dict[str, Any]


def main() -> int:
    """Note the call, and do as the mode says."""
    script = Path(sys.argv[1])
    arguments = sys.argv[2:]
    play = json.loads(script.read_text())
    calls = Path(f"{script}.calls")
    with calls.open("a") as file:
        file.write(json.dumps(arguments) + "\n")
    if "--version" in arguments:
        print(play.get("banner", f"Edge TPU Compiler version {play['version']}"))
        return 0
    mode = play["mode"]
    if isinstance(mode, list):  # one for each compile, the last for all that follow
        compiles = sum("--version" not in line for line in calls.read_text().splitlines())
        mode = mode[min(compiles, len(mode)) - 1]
    return MODES[mode](play, arguments)


def replay(play: Play, arguments: list[str]) -> int:
    """Write the compiled files and the log of a model that the script knows."""
    out = Path(arguments[arguments.index("--out_dir") + 1])
    for name in (item for item in arguments if item.endswith(".tflite")):
        known = play["files"][hashlib.sha256(Path(name).read_bytes()).hexdigest()]
        parts = known["compiled"]
        for number, compiled in enumerate(parts):
            stem = name.removesuffix(".tflite")
            part = "" if len(parts) == 1 else f"_segment_{number}_of_{len(parts)}"
            (out / f"{stem}{part}_edgetpu.tflite").write_bytes(Path(compiled).read_bytes())
        text = Path(known["log"]).read_text()
        print(text)
        (out / f"{stem}_edgetpu.log").write_text(text)
    return 0


def hang(_play: Play, _arguments: list[str]) -> int:
    """Never end, nor let a child end."""
    print("Started a compilation timeout timer of 180 seconds.", flush=True)
    if os.fork() == 0:  # and so does a child of it
        time.sleep(600)
    time.sleep(600)
    return 0


def crash(_play: Play, _arguments: list[str]) -> int:
    """Die of SIGSEGV."""
    print("Internal compiler error. Aborting!", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


def silent(_play: Play, _arguments: list[str]) -> int:
    """End well without a word or a file."""
    return 0


def talk(_play: Play, _arguments: list[str]) -> int:
    """Claim success without a file."""
    print("Model compiled successfully in 12 ms!")
    return 0


def placeholder(_play: Play, arguments: list[str]) -> int:
    """Write a file that is no model."""
    out = Path(arguments[arguments.index("--out_dir") + 1])
    stem = arguments[-1].removesuffix(".tflite")
    (out / f"{stem}_edgetpu.tflite").write_bytes(b"\xde\xad\xbe\xef" + bytes(60))
    return 0


def folder(_play: Play, arguments: list[str]) -> int:
    """Make a folder where a file belongs."""
    out = Path(arguments[arguments.index("--out_dir") + 1])
    (out / f"{arguments[-1].removesuffix('.tflite')}_edgetpu.tflite").mkdir()
    return 0


def link(_play: Play, arguments: list[str]) -> int:
    """Make a dangling link where a file belongs."""
    out = Path(arguments[arguments.index("--out_dir") + 1])
    (out / f"{arguments[-1].removesuffix('.tflite')}_edgetpu.tflite").symlink_to("nowhere")
    return 0


def internal(_play: Play, _arguments: list[str]) -> int:
    """Fail as on an internal error."""
    print("Edge TPU Compiler version 16.0.384591198\nInternal compiler error. Aborting! ")
    return 1


def refuse(_play: Play, arguments: list[str]) -> int:
    """Fail as on an operator version that is too new."""
    print(
        "Edge TPU Compiler version 16.0.384591198\n"
        "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'. An older version of this builtin might be "
        "supported. Are you using an old TFLite binary with a newer model?\n\nERROR: Registration failed.\n\n"
        f"Invalid model: {arguments[-1]}\nModel could not be parsed"
    )
    return 1


def flood(_play: Play, _arguments: list[str]) -> int:
    """Write without an end."""
    while True:
        print("Try to compile segment with 134 ops\n" * 1000)


MODES = {
    "crash": crash,
    "flood": flood,
    "folder": folder,
    "hang": hang,
    "internal": internal,
    "link": link,
    "placeholder": placeholder,
    "refuse": refuse,
    "replay": replay,
    "silent": silent,
    "talk": talk,
}

if __name__ == "__main__":
    sys.exit(main())
