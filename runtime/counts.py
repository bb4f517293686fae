"""How many there are of something, in words."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """Return *number* with its noun: `1 image`, `0 images`, `2 queries`.

    Args:
        number: how many there are.
        one: the noun for one, or the noun with its verb: `image is`.
        several: the same for any other number; without it, *one* with its plural ending.
    """
    return f"{number} {agreed(number, one, several or plural(one))}"


def agreed(number: int, one: str, several: str) -> str:
    """Return the word that goes with *number* of something: *one* or *several*, such as `is` or `are`."""
    return one if number == 1 else several


def plural(noun: str) -> str:
    """Return the plural of *noun*: `images`, `queries`, `boxes`."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
