"""Words that a library's own titles tell apart."""

from domain.matching.match import MatchQuery, RunbookDocument
from matching import Matcher
from matching.frames import TitleFrames

READY, LEADING = ("no", "ready", "router"), ("no", "lead", "router")
BODIES = {
    "NoReadyBasketRouter": "No basket-router is ready. See whether one is leading, then look at its readiness probe.",
    "NoReadyLedger": "No ledger is ready. Look at its readiness probe.",
    "NoLeadingLedger": "No ledger is leading. Look at its lease.",
}
TICKET = MatchQuery(title="No leading basket-router was detected for the last 10 min.")


def test_titles_that_differ_in_one_word_tell_it_apart() -> None:
    frames = TitleFrames()
    frames.add(READY)
    assert not frames.tell_apart("ready", "lead")
    frames.add(LEADING)
    assert frames.tell_apart("ready", "lead")
    assert frames.tell_apart("lead", "ready")
    assert not frames.tell_apart("ready", "router")
    assert not frames.tell_apart("ready", "unheard")


def test_a_title_counts_until_its_last_runbook_is_gone() -> None:
    frames = TitleFrames()
    for title in (READY, LEADING, LEADING):
        frames.add(title)
    frames.remove(LEADING)
    assert frames.tell_apart("ready", "lead")
    frames.remove(LEADING)
    assert not frames.tell_apart("ready", "lead")
    frames.add(LEADING)
    assert frames.tell_apart("ready", "lead")


def test_a_title_of_one_word_tells_nothing_apart() -> None:
    frames = TitleFrames()
    for title in (("quota",), ("latenc",), ()):
        frames.add(title)
        frames.remove(title)
        frames.add(title)
    assert not frames.tell_apart("quota", "latenc")


def library(*titles: str) -> Matcher:
    matcher = Matcher()
    for title in titles:
        matcher.upsert(RunbookDocument(id=title, title=title, body=BODIES[title]))
    return matcher


def test_a_sibling_of_a_missing_runbook_is_believed_less_where_the_library_knows_the_difference() -> None:
    naive = library("NoReadyBasketRouter", "NoReadyLedger").match(TICKET)[0]
    matcher = library(*BODIES)
    knowing = matcher.match(TICKET)[0]
    told = "the ticket says 'leading' and the title 'NoReadyBasketRouter': other titles differ in just these words"
    assert naive.runbook_id == knowing.runbook_id == "NoReadyBasketRouter"
    assert knowing.confidence_score < naive.confidence_score
    assert told in [reason.text for reason in knowing.reasons if reason.weight < 0]
    assert told not in [reason.text for reason in naive.reasons]
