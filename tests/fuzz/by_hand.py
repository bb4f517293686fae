"""By hand: change valid input of every reader, and read it; only success and a clear error are right.

PYTHONPATH=tests python -m fuzz.by_hand COUNT [NAME...]

COUNT files are read by each target, or by each whose name contains a NAME. A table of outcomes is printed, and what
did not end well, each cause once with the number of its trial: `--trial NUMBER NAME` reads that one again, keeps its
input, and ends in its traceback.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from fuzz.registry import targets
from fuzz.target import Target
from fuzz.trial import GOOD, OUTCOMES, Ended, again, trials


def main() -> int:
    """Return 0 if every trial ended well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial")
    parser.add_argument("--trial", type=int, help="read this trial of the named targets again")
    asked = parser.parse_args()
    chosen = [one for name, one in targets().items() if not asked.names or any(word in name for word in asked.names)]
    if asked.trial is not None:
        for target in chosen:
            again(target, asked.trial)
        return 0
    return _all(chosen, range(asked.first, asked.first + asked.count))


def _all(chosen: Sequence[Target], numbers: range) -> int:
    total: Counter[str] = Counter()
    light = [target for target in chosen if not target.heavy]
    for group in (light, *([target] for target in chosen if target.heavy)):
        found: dict[str, list[Ended]] = {}
        for ended in trials(group, numbers):
            found.setdefault(ended.target, []).append(ended)
            if len(found[ended.target]) == len(numbers):
                total += _tell(ended.target, found.pop(ended.target))
    print(f"all {len(chosen)} targets: {total.total()} files: {_said(total)}")
    return 1 if any(total[outcome] for outcome in OUTCOMES if outcome not in GOOD) else 0


def _tell(name: str, found: Sequence[Ended]) -> Counter[str]:
    counts = Counter(one.outcome for one in found)
    print(f"{name}: {len(found)}: {_said(counts)}", flush=True)
    numbers: dict[str, list[int]] = {}
    for one in found:
        if one.outcome not in GOOD:
            numbers.setdefault(f"{one.outcome}: {one.text}", []).append(one.number)
    for text, trials_of_it in numbers.items():
        print(f"    {len(trials_of_it)} times, such as {trials_of_it[0]}: {text}", flush=True)
    return counts


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])


if __name__ == "__main__":
    sys.exit(main())
