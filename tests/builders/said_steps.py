"""The steps that a command announces on stderr."""

import re


def announces_every_step(stderr: str) -> bool:
    """Return whether *stderr* has `step 1 of m`, `step 2 of m` and so on up to m, in order."""
    found = [(int(n), int(m)) for n, m in re.findall(r"^step (\d+) of (\d+): \w", stderr, re.MULTILINE)]
    return bool(found) and found == [(number, found[0][1]) for number in range(1, found[0][1] + 1)]
