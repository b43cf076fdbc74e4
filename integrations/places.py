"""Where on a host the records of attempts may lie: in the login user's home, or where everybody may keep something."""

import re

HOME = "home"
DEFAULT_PLACES = (HOME, "/var/tmp", "/tmp")  # an own directory in them, whose owner and mode are checked

_PLACE = re.compile(r"home|(?:/[A-Za-z0-9_.-]+)+")
_LONGEST = 120
_MOST = 8
_WITHOUT_PROOF = ".none"  # instead of a boot id


def parse_places(text: str) -> tuple[str, ...]:
    """Return the places named in `text`, comma separated, in the order in which they are tried. Raises ValueError."""
    places = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    wrong = [place for place in places if not _PLACE.fullmatch(place) or len(place) > _LONGEST or ".." in place]
    if wrong or not 1 <= len(places) <= _MOST:
        raise ValueError(
            f"takes up to {_MOST} of home and absolute paths of letters, digits, dots, dashes and "
            f"underscores, each at most {_LONGEST} characters: {', '.join(map(repr, wrong)) or text!r}"
        )
    return places


def place_of(record: str | None) -> str:
    """Return in which place the attempts lie that were sent under this record of claims."""
    return (record or "").partition(":")[2] or HOME


def is_proof(record: str | None) -> bool:
    """True if a host that still has this record can say for certain that it never saw an attempt."""
    return record is not None and not record.partition(":")[0].endswith(_WITHOUT_PROOF)
