"""What differs between two texts, line by line, in bounded time."""

from difflib import SequenceMatcher, unified_diff

MOST_WORK = 20_000_000  # pairs of equal lines times lines; a second or two at worst
CONTEXT = 3


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """Return the lines with their signs (`+`, `-`, a space, `@` for a jump); empty where nothing differs.

    Texts that would take too long to compare are shown as a whole, from the first line that differs to the last.
    """
    return difference_of_lines(before.splitlines(), after.splitlines())


def difference_of_lines(old: list[str], new: list[str], context: int = CONTEXT) -> list[tuple[str, str]]:
    """Return the same for lines, with so many that stand around a difference."""
    if old == new:
        return []
    drawn = _whole(old, new) if _work(old, new) > MOST_WORK else unified_diff(old, new, lineterm="", n=context)
    lines = (line for at, line in enumerate(drawn) if at > 1)  # the names of the files
    return [(line[0], line[1:] if line[0] != "@" else line) for line in lines]


def _work(old: list[str], new: list[str]) -> int:
    """Return how much there is to compare; the matcher itself leaves out lines that are everywhere."""
    places: dict[str, list[int]] = SequenceMatcher(None, old, new).b2j  # type: ignore[attr-defined]
    return sum(len(places.get(line, ())) for line in old) * min(len(old), len(new))


def _whole(old: list[str], new: list[str]) -> list[str]:
    """Return a difference as `unified_diff` draws it, in one piece."""
    shorter = min(len(old), len(new))
    start = _alike(old, new, shorter)
    end = _alike(old[::-1], new[::-1], shorter - start)
    gone, came = old[start : len(old) - end], new[start : len(new) - end]
    return ["---", "+++", f"@@ line {start + 1} @@", *(f"-{line}" for line in gone), *(f"+{line}" for line in came)]


def _alike(old: list[str], new: list[str], most: int) -> int:
    """Return with how many equal lines two texts begin."""
    return next((at for at in range(most) if old[at] != new[at]), most)
