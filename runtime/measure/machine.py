"""The identity of a machine: whether two measurements are comparable."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any, Dict, Optional

ROOT = Path("/")
IDENTITY = ("board", "processor", "cores", "architecture", "memory_gib", "release", "kernel")
"""What two runs must share to be comparable; names that identify a single device are never read."""

Record = Dict[str, Any]


def machine_facts(root: Path = ROOT) -> Record:
    """Return the machine's description from its files under *root*; missing facts are left out."""
    facts: Record = {
        "board": _text(root / "proc/device-tree/model") or _text(root / "sys/class/dmi/id/product_name"),
        "processor": processor_name(root / "proc/cpuinfo"),
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "memory_gib": _memory_gib(root / "proc/meminfo"),
        "release": _release(root),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    known = {key: value for key, value in facts.items() if value is not None}
    return {**known, "fingerprint": fingerprint(known)}


def fingerprint(facts: Record) -> str:
    """Return 16 hex digits, the same for the same kind of machine with the same system."""
    identity = {key: facts.get(key) for key in IDENTITY}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def processor_name(cpuinfo: Path = ROOT / "proc/cpuinfo") -> str:
    """Return the processor's name, from the system."""
    for line in (_text(cpuinfo) or "").splitlines():
        key, _colon, value = line.partition(":")
        if key.strip() in ("model name", "Model", "Hardware"):
            return value.strip()
    return platform.processor() or platform.machine()


def _release(root: Path) -> Optional[str]:
    """Return the first line of a Jetson's release file, or the distribution's name."""
    tegra = _text(root / "etc/nv_tegra_release")
    if tegra:
        return tegra.splitlines()[0][:120]
    for line in (_text(root / "etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None


def _memory_gib(meminfo: Path) -> Optional[float]:
    for line in (_text(meminfo) or "").splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) / (1 << 20), 1)
    return None


def _text(path: Path) -> Optional[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\0\n ") or None
    except OSError:
        return None
