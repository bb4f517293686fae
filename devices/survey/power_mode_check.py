"""The power mode that the inventory requires: a measurement in another one is refused."""

from __future__ import annotations

from detlite.devices.survey.power_mode import PowerModes


def power_mode_problem(wanted: str | None, modes: PowerModes | None) -> tuple[str, str] | None:
    """Return what is wrong with the power mode, and its cure; None if it is *wanted*, or nothing is required."""
    if wanted is None or (modes is not None and modes.is_in(wanted)):
        return None
    if modes is None:
        return f"the inventory requires the power mode {wanted}, and the device has no power modes", "remove power_mode"
    number = modes.number(wanted)
    if number is None and modes.names:
        known = ", ".join(modes.names.values())
        return (
            f"the inventory requires the power mode {wanted}, and the device has {known}",
            f'set power_mode = "{modes.current or next(iter(modes.names.values()))}"',
        )
    set_it = f"sudo nvpmodel -m {'NUMBER' if number is None else number}"
    if modes.current is None:
        return f"its power mode is unknown ({modes.problem}), and the inventory requires {wanted}", set_it
    return f"it is in the power mode {modes.current}, and the inventory requires {wanted}", set_it
