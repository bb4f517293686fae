"""The machine's state during a measurement: clocks, governor, temperatures, power, battery, and their meaning."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.measure.machine import ROOT
from detlite.runtime.measure.rails import total_mw
from detlite.runtime.records import from_record
from detlite.runtime.strict_json import parse_json

EVERY_S = 0.5
SLOWER_CLOCK = 0.9  # of the first clock, at the end of a run: the device was throttled
BUSY_LOAD = 0.7  # of the cores: above this, other programs compete with the measured one
STEADY = ("performance", "schedutil", "sched_pixel")

Record = Dict[str, Any]
States = Sequence[Record]


@dataclass(frozen=True)
class _Battery:
    """The battery in a `_State`."""

    level_percent: Optional[int] = None
    status: Optional[str] = None
    temperature_c: Optional[float] = None
    power_mw: Optional[float] = None


@dataclass(frozen=True)
class _State:
    """What `read_state` and `StateLog` write, to check what is read back."""

    sitting: int
    at_s: float
    clocks_khz: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    governors: Tuple[str, ...] = ()
    temperatures_c: Mapping[str, float] = field(default_factory=dict)
    throttled: Mapping[str, int] = field(default_factory=dict)
    power_mw: Mapping[str, float] = field(default_factory=dict)
    energy_uj: Mapping[str, int] = field(default_factory=dict)
    battery: Optional[_Battery] = None
    power_mode: Optional[str] = None
    load: float = 0.0


def read_state(root: Path = ROOT) -> Record:
    """Return the state from the files under *root*; what has no file is left out.

    `clocks_khz` by policy (`cur`, `min`, `max`), `governors`, `temperatures_c` by zone, `throttled` (counts and
    flags from the kernel), `power_mw` by rail, `energy_uj` by counter, `battery`, `power_mode`, `load`.
    """
    cpu = root / "sys/devices/system/cpu"
    policies = sorted((cpu / "cpufreq").glob("policy*")) or [cpu / "cpu0/cpufreq"]
    state: Record = {
        "clocks_khz": {p.name: _clocks(p) for p in policies if _clocks(p)},
        "governors": sorted({text for p in policies if (text := _text(p / "scaling_governor"))}),
        "temperatures_c": _temperatures(root),
        "throttled": _throttled(root),
        "power_mw": _rails(root),
        "energy_uj": _counters(root / "sys/class/powercap", "*/energy_uj"),
        "battery": _battery(root / "sys/class/power_supply"),
        "power_mode": _text(root / "var/lib/nvpmodel/status"),
        "load": os.getloadavg()[0],
    }
    return {"at_s": time.monotonic(), **{key: value for key, value in state.items() if value not in (None, {}, [])}}


def _clocks(policy: Path) -> Dict[str, int]:
    names = {"cur": "scaling_cur_freq", "min": "scaling_min_freq", "max": "scaling_max_freq"}
    return {key: value for key, name in names.items() if (value := _number(policy / name)) is not None}


def _temperatures(root: Path) -> Dict[str, float]:
    found = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        value = _number(zone / "temp")
        if value is not None and value > -100_000:  # Jetson reports -256 C for a rail that is off
            found[f"{zone.name} {_text(zone / 'type') or ''}".strip()] = value / 1000
    for chip in sorted((root / "sys/class/apex").glob("apex_*")):
        value = _number(chip / "temp")
        if value is not None:
            found[f"edgetpu {chip.name}"] = value / 1000
    return found


def _throttled(root: Path) -> Dict[str, int]:
    """Return Intel's counts of throttling by core, and the flags of the Raspberry Pi's firmware."""
    found = _counters(root / "sys/devices/system/cpu", "cpu*/thermal_throttle/core_throttle_count")
    flags = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if flags is not None:
        with contextlib.suppress(ValueError):
            found["firmware"] = int(flags, 16)
    return found


def _rails(root: Path) -> Dict[str, float]:
    """Return the power of each rail of the INA sensors in mW: volts times amperes, or as the sensor reports it."""
    found = {}
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if not (_text(chip / "name") or "").startswith("ina"):
            continue
        for current in sorted(chip.glob("curr*_input")):
            number = current.name[len("curr") : -len("_input")]
            volts, amperes = _number(chip / f"in{number}_input"), _number(current)
            if volts is not None and amperes is not None:
                found[_text(chip / f"in{number}_label") or f"{chip.name} {number}"] = volts * amperes / 1000
        power = _number(chip / "power1_input")
        if power is not None:
            found[f"{chip.name} power"] = power / 1000
    return found


def _battery(folder: Path) -> Record:
    """Return the first battery's level in %, status, and power in mW, negative while discharging."""
    for supply in sorted(folder.glob("*")):
        if _text(supply / "type") != "Battery":
            continue
        known: Record = {"level_percent": _number(supply / "capacity"), "status": _text(supply / "status")}
        temperature = _number(supply / "temp")
        known["temperature_c"] = None if temperature is None else temperature / 10
        amperes, volts, watts = (_number(supply / name) for name in ("current_now", "voltage_now", "power_now"))
        if watts is not None:
            known["power_mw"] = watts / 1000
        elif amperes is not None and volts is not None:
            known["power_mw"] = amperes * volts / 1e9
        return {key: value for key, value in known.items() if value is not None}
    return {}


def _counters(folder: Path, pattern: str) -> Dict[str, int]:
    found = {str(path.relative_to(folder).parent): _number(path) for path in sorted(folder.glob(pattern))}
    return {name: value for name, value in found.items() if value is not None}


def _text(path: Path) -> Optional[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def _number(path: Path) -> Optional[int]:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None


def read_sittings(path: Path) -> List[States]:
    """Return the states in the file that `StateLog` wrote, by sitting; truncated lines are ignored.

    Raises:
        InputError: the file cannot be read, or contains something else.
    """
    found: Dict[int, List[Record]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        lines = []
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    for line in lines:
        if line.endswith("\n"):
            try:
                state = parse_json(line)
                found.setdefault(from_record(_State, state).sitting, []).append(state)
            except InputError as error:
                raise InputError(f"{path} is damaged: {error}; pass --force to measure again") from error
    return [found[number] for number in sorted(found)]


class StateLog:
    """Writes the state before, during and after the work inside its `with`, one line of JSON each.

    A sitting is one such period: an interrupted run that is resumed has two.
    """

    def __init__(self, path: Path, *, sitting: int = 1, root: Path = ROOT, every_s: float = EVERY_S) -> None:
        """Write to the file at *path*."""
        self._path, self._sitting, self._root, self._every_s = path, sitting, root, every_s
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self.states: List[Record] = []

    def __enter__(self) -> StateLog:
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._end.set()
        self._thread.join()
        self._write()

    def _go_on(self) -> None:
        while not self._end.wait(self._every_s):
            self._write()

    def _write(self) -> None:
        state = {"sitting": self._sitting, **read_state(self._root)}
        self.states.append(state)
        # the samples' own file reports a full disk; the states are kept in memory
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(state) + "\n")


def energy_mj(sittings: Sequence[States]) -> Optional[Record]:
    """Return the energy of all *sittings*: `energy_mj`, `mean_power_mw`, and its `source`.

    The source is the first available of: processor counters, rail sensors (VDD_IN, if present, is
    the total; others are added), the discharging battery. None without a source for the whole time.
    """
    spans_s = [states[-1]["at_s"] - states[0]["at_s"] for states in sittings]
    parts = [_energy_of(states, span_s) for states, span_s in zip(sittings, spans_s)]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts) or len({source for source, _mj in known}) > 1 or sum(spans_s) <= 0:
        return None
    total = sum(mj for _source, mj in known)
    return {"source": known[0][0], "energy_mj": total, "mean_power_mw": total / sum(spans_s)}


def _energy_of(states: States, span_s: float) -> Optional[Tuple[str, float]]:
    counters = states[0].get("energy_uj", {})
    packages = [name for name in counters if name.count(":") == 1]  # a package's energy includes its parts
    if packages:
        used = [states[-1].get("energy_uj", {}).get(name, 0) - counters[name] for name in packages]
        if min(used) >= 0:  # a counter that restarted is useless
            return "powercap", sum(used) / 1e3
    powers, source = [_power(state) for state in states], "sensors"
    if None in powers:
        powers, source = [_discharge(state) for state in states], "battery"
    known = [power for power in powers if power is not None]
    if len(known) < len(states):
        return None
    return source, sum(known) / len(known) * span_s


def _power(state: Record) -> Optional[float]:
    rails: Dict[str, float] = state.get("power_mw", {})
    total = total_mw(rails)
    return sum(rails.values()) if total is None and rails else total


def _discharge(state: Record) -> Optional[float]:
    battery = state.get("battery", {})
    if battery.get("status") != "Discharging" or "power_mw" not in battery:
        return None
    return abs(float(battery["power_mw"]))


def throttling(sittings: Sequence[States]) -> List[str]:
    """Return the signs in the states of all *sittings* that the device was slowed down."""
    found = [text for states in sittings for text in _throttling(states[0], states[-1])]
    modes = {state.get("power_mode") for states in sittings for state in states}
    if len(modes) > 1:
        found.append(f"power mode: it changed during the measurement ({sorted(map(str, modes))})")
    return found


def _throttling(first: Record, last: Record) -> List[str]:
    found: List[str] = []
    for name, count in last.get("throttled", {}).items():
        before = first.get("throttled", {}).get(name, 0)
        flagged = count & 0xF or (count & ~before) >> 16  # current flags; flags set since the start
        if flagged if name == "firmware" else count > before:
            found.append(f"throttling: the kernel reports it for {name} ({before} before, {count} after)")
    for name, clocks in last.get("clocks_khz", {}).items():
        most_before, most = (s.get("clocks_khz", {}).get(name, {}).get("max", 0) for s in (first, last))
        if most < SLOWER_CLOCK * most_before:
            found.append(f"throttling: the highest clock of {name} fell from {most_before} to {clocks['max']} kHz")
    return found


def cautions(state: Record) -> List[str]:
    """Return the reasons in *state* not to trust a measurement that starts now, one sentence each."""
    found, cores = [], os.cpu_count() or 1
    if state.get("load", 0) > BUSY_LOAD * cores:
        found.append(f"the machine is busy: load {state['load']:.2f} on {counted(cores, 'core')}")
    unsteady = (governor for governor in state.get("governors", []) if governor not in STEADY)
    found += [f"the processor's governor is {governor}: its clock may vary" for governor in unsteady]
    if state.get("battery", {}).get("status") == "Charging":
        found.append("the battery is charging: that warms the device")
    return found
