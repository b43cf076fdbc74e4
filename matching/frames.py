"""Which words a library's own titles tell apart: two titles that are the same but for one word."""

from collections import Counter

Frame = tuple[tuple[str, ...], tuple[str, ...]]
_NOWHERE: Counter[Frame] = Counter()
REMEMBERED = 100_000  # pairs of words whose answer is kept between tickets


class TitleFrames:
    """The titles of a library, each with one of its words taken out in turn: the frames that this word stood in."""

    def __init__(self) -> None:
        self._frames: dict[str, Counter[Frame]] = {}
        self._told: dict[tuple[str, str], bool] = {}

    def add(self, title: tuple[str, ...]) -> None:
        """Add one title's terms."""
        self._told.clear()
        for word, frame in _frames(title):
            self._frames.setdefault(word, Counter())[frame] += 1

    def remove(self, title: tuple[str, ...]) -> None:
        """Take out one title's terms that were added before."""
        self._told.clear()
        for word, frame in _frames(title):
            frames = self._frames[word]
            frames[frame] -= 1
            if not frames[frame]:
                del frames[frame]
            if not frames:
                del self._frames[word]

    def tell_apart(self, one: str, other: str) -> bool:
        """Return whether two titles differ in these words only: `NoReadyVirtAPI` and `NoLeadingVirtAPI`."""
        known = self._told.get((one, other))
        if known is None:
            if len(self._told) >= REMEMBERED:
                self._told.clear()
            frames, others = self._frames.get(one, _NOWHERE), self._frames.get(other, _NOWHERE)
            few, many = (frames, others) if len(frames) < len(others) else (others, frames)
            known = self._told[one, other] = any(frame in many for frame in few)
        return known


def _frames(title: tuple[str, ...]) -> list[tuple[str, Frame]]:
    """Return each word with the rest of its title; a title of one word has no rest."""
    if len(title) < 2:
        return []
    return [(word, (title[:at], title[at + 1 :])) for at, word in enumerate(title)]
