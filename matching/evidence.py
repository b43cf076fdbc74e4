"""The list of everything that is learnt from: its name, what it is told with, which way it may speak, where it counts.

`signs`: evidence for a match never counts against it, and the other way round. `uses`: the order of the candidates, the
trust in the best one, or both. What is stated instead of learnt stands in declared.py.
"""

from dataclasses import dataclass

ORDER, TRUST, BOTH = "order", "trust", "order and trust"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number on one candidate, 0..1 unless features.py says otherwise."""

    name: str
    group: str
    sign: int
    use: str


EVIDENCE = (
    Evidence("word score", "words", 1, ORDER),
    Evidence("ticket anywhere", "words", 1, BOTH),
    Evidence("runbook title in ticket", "title", 1, TRUST),
    Evidence("title letters", "title", 1, ORDER),
    Evidence("unsaid prefix", "title", -1, ORDER),
    Evidence("unsaid title subjects", "title", -1, ORDER),
    Evidence("rarest title word unsaid", "title", -1, TRUST),
    Evidence("sentence told", "sentence", 1, ORDER),
    Evidence("nearest sentence said", "sentence", 1, TRUST),
    Evidence("telling words", "telling", 1, TRUST),
    Evidence("telling title words", "telling", 1, BOTH),
    Evidence("unsaid sibling word", "telling", -1, TRUST),
    Evidence("unmet, a rival's", "missed", -1, TRUST),
    Evidence("unmet half name", "names", -1, ORDER),
    Evidence("swapped word", "swapped", -1, TRUST),
    Evidence("told apart by library", "told apart", -1, BOTH),
    Evidence("code met", "codes", 1, ORDER),
    Evidence("other code", "codes", -1, BOTH),
    Evidence("conflicts", "facts", -1, BOTH),
    Evidence("same failure", "facts", 1, BOTH),
    Evidence("same resource", "facts", 1, ORDER),
    Evidence("about an alert", "kind", 1, ORDER),
    Evidence("margin", "standing", 1, TRUST),
    Evidence("share of the best", "standing", 1, TRUST),
)
GROUP = {one.name: one.group for one in EVIDENCE}
STANDING = tuple(one.name for one in EVIDENCE if one.group == "standing")
RANKING = tuple(one.name for one in EVIDENCE if one.use in (ORDER, BOTH))
TRUSTING = tuple(one.name for one in EVIDENCE if one.use in (TRUST, BOTH) and one.group != "standing")
AGAINST = frozenset(one.name for one in EVIDENCE if one.sign < 0)

# What each group says when it speaks for a match, and when it speaks against it.
PLAIN: dict[str, tuple[str, str]] = {
    "words": ("the ticket's words stand in the runbook", "few of the ticket's words stand in the runbook"),
    "sentence": ("a sentence of the runbook says what the ticket says", "no sentence of the runbook says it"),
    "telling": (
        "the words that set it apart from its siblings are the ticket's",
        "the words that set it apart from its siblings are not the ticket's",
    ),
    "title": ("the runbook's title stands in the ticket", "little of the runbook's title stands in the ticket"),
    "missed": (
        "speaks of everything that the ticket's title says",
        "does not speak of all that the ticket's title says",
    ),
    "names": ("gives no other half of a name", "gives half of a name of the ticket with another half"),
    "swapped": (
        "nothing in the ticket stands in the place of a title word",
        "another word stands in a title word's place",
    ),
    "told apart": (
        "no title word that other runbooks tell apart is another one in the ticket",
        "a title word that other runbooks tell apart is another one in the ticket",
    ),
    "codes": ("gives a code of the ticket", "gives none of the ticket's codes"),
    "kind": ("written for an alert", "written as a procedure, not for an alert"),
    "standing": ("well ahead of every different runbook", "another runbook fits as well or better"),
}
