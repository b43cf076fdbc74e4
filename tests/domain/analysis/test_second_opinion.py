"""Whatever a language model says, it only ever takes certainty away."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis.analysis import Analysis, analyse, default_rules
from domain.analysis.second_opinion import RunbookOpinion, RunbooksOpinion, TicketOpinion, doubt_analysis, doubt_matches
from domain.connections.connection import Connection
from domain.matching.match import Match
from domain.plans.policy import FALSE_POSITIVE_THRESHOLD
from domain.tickets.ticket import Classification, NewTicket, Severity

REAL = NewTicket(title="nginx is down on the mail box", severity=Severity.CRITICAL, labels={"alertname": "NginxDown"})
FALSE = NewTicket(title="[TEST] nginx is down")
FAINT = NewTicket(title="hello")
CONNECTIONS = [Connection(name=name, connector="local") for name in ("mail", "web-01", "web-02", "db")]
CERTAIN = default_rules().certain_from

probabilities = st.floats(0, 1)
opinions = st.builds(
    TicketOpinion,
    classification=st.sampled_from(Classification),
    confidence=probabilities,
    why=st.text(max_size=300),
    ci_names=st.lists(st.sampled_from(["mail", "web-01", "box", "ma", "", "nginx", "db"]), max_size=5),
)


def doubted(ticket: NewTicket, opinion: TicketOpinion) -> tuple[Analysis, Analysis]:
    before = analyse(ticket, CONNECTIONS)
    return before, doubt_analysis(before, opinion, ticket, CONNECTIONS, CERTAIN)


@given(ticket=st.sampled_from([REAL, FALSE, FAINT]), opinion=opinions)
def test_no_opinion_makes_a_classification_more_certain(ticket: NewTicket, opinion: TicketOpinion) -> None:
    before, after = doubted(ticket, opinion)
    assert 0.5 <= after.classification_confidence <= before.classification_confidence
    assert after.classification in (before.classification, Classification.UNCERTAIN)
    closes = [one.classification is Classification.FALSE_POSITIVE for one in (before, after)]
    sure = [one.classification_confidence >= FALSE_POSITIVE_THRESHOLD for one in (before, after)]
    if closes[0] and sure[0] and not (closes[1] and sure[1]):
        assert after.needs_person, "what would have been closed must not run unasked instead"
    assert after.reasons[:-1] == before.reasons
    assert all(reason.text.isprintable() and math.isfinite(reason.weight) for reason in after.reasons)


@given(
    scores=st.lists(probabilities, min_size=1, max_size=5),
    said=st.dictionaries(st.integers(0, 4), probabilities, max_size=5),
)
def test_no_opinion_makes_a_match_more_certain(scores: list[float], said: dict[int, float]) -> None:
    before = [
        Match(runbook_id=f"r{n}", version=1, title="t", confidence_score=score)
        for n, score in enumerate(sorted(scores, reverse=True))
    ]
    opinion = RunbooksOpinion(
        runbooks=[
            RunbookOpinion(runbook_id=f"r{n}", confidence=one, why="") for n, one in said.items() if n < len(before)
        ]
    )
    after = doubt_matches(before, opinion)
    was = {match.runbook_id: match.confidence_score for match in before}
    assert {match.runbook_id for match in after} == set(was)
    assert all(match.confidence_score <= min(was[match.runbook_id], match.at_most) for match in after)
    shown = [match.confidence_score for match in after]
    assert shown == sorted(shown, reverse=True)
    if after[0].runbook_id != before[0].runbook_id:
        assert after[0].needs_person, "one that is first only because of the model must not run unasked"
    else:
        assert after[0].needs_person == ""


def matches(*scores: float) -> list[Match]:
    return [
        Match(runbook_id=name, version=1, title=name, confidence_score=score)
        for name, score in zip("abcde", scores, strict=False)
    ]


def opinion_of(**said: float) -> RunbooksOpinion:
    return RunbooksOpinion(
        runbooks=[RunbookOpinion(runbook_id=name, confidence=one, why="w") for name, one in said.items()]
    )


def test_the_next_one_comes_forward_and_needs_a_person() -> None:
    first, second = doubt_matches(matches(0.95, 0.9), opinion_of(a=0.1, b=1.0))
    assert (first.runbook_id, first.confidence_score) == ("b", 0.9)
    assert first.needs_person == "only the language model puts it before a"
    assert (second.runbook_id, second.confidence_score, second.needs_person) == ("a", 0.1, "")
    assert second.reasons[0].text == "the language model gives it 0.10: \u201cw\u201d"
    assert second.reasons[0].weight == pytest.approx(-5.14, abs=0.01)


def test_agreement_changes_nothing_but_is_shown() -> None:
    (match,) = doubt_matches(matches(0.9), opinion_of(a=1.0))
    assert match.confidence_score == 0.9
    assert [reason.weight for reason in match.reasons] == [0]


def test_the_lower_of_two_opinions_on_one_runbook_counts() -> None:
    two = [RunbookOpinion(runbook_id="a", confidence=one, why="") for one in (1.0, 0.2, 0.9)]
    assert doubt_matches(matches(0.9), RunbooksOpinion(runbooks=two))[0].confidence_score == 0.2


def test_a_runbook_that_was_not_asked_about() -> None:
    with pytest.raises(ValueError, match="not asked about") as raised:
        doubt_matches(matches(0.9), opinion_of(a=0.9, evil=1.0))
    assert "evil" not in str(raised.value)


def test_what_it_says_is_quoted_short_and_on_one_line() -> None:
    hostile = "fine\n\x1b[31m</li><script>alert(1)</script>\u202e" + "x" * 1_000
    opinion = TicketOpinion(classification=Classification.TRUE_POSITIVE, confidence=1.0, why=hostile, ci_names=[])
    text = doubted(REAL, opinion)[1].reasons[-1].text
    assert text.startswith("the language model calls it true_positive (1.00): \u201cfine [31m</li>")
    assert text.isprintable()
    assert len(text) < 300


def names(ticket: NewTicket, *said: str) -> Analysis:
    opinion = TicketOpinion(classification=Classification.TRUE_POSITIVE, confidence=1.0, why="", ci_names=list(said))
    return doubted(ticket, opinion)[1]


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("the db is slow", "db"),
        ("the db, again", "DB"),
        ("db", "db"),
    ],
)
def test_a_word_of_the_ticket_that_is_a_known_connection(title: str, said: str) -> None:
    ticket = NewTicket(title=title)
    assert analyse(ticket, CONNECTIONS).ci.connection is None
    ci = names(ticket, said).ci
    assert (ci.connection, ci.is_proposed) == ("db", True)
    assert "a person has to agree" in ci.reason


@pytest.mark.parametrize(
    ("ticket", "said"),
    [
        (NewTicket(title="something is slow"), ["db"]),
        (NewTicket(title="the dbpool is slow"), ["db"]),
        (NewTicket(title="db.other.example is slow"), ["db"]),
        (NewTicket(title="x-db is slow"), ["db"]),
        (NewTicket(title="the printer is slow"), ["printer", "", " ", "10.0.0.1"]),
        (NewTicket(title="the db and the mail"), ["db", "mail"]),
        (NewTicket(title="the db is slow", labels={"host": "app-07.example"}), ["db"]),
    ],
    ids=["absent", "inside-a-word", "other-domain", "part", "unknown", "several", "a-field-says-another"],
)
def test_a_name_that_does_not_count(ticket: NewTicket, said: list[str]) -> None:
    assert names(ticket, *said).ci == analyse(ticket, CONNECTIONS).ci


def test_what_the_rules_found_is_never_overruled() -> None:
    ticket = NewTicket(title="web-01 cannot reach the db")
    assert names(ticket, "db").ci.connection == "web-01"
    assert not names(ticket, "db").ci.is_proposed


def test_doubt_about_a_false_positive_prevents_the_closing_and_asks() -> None:
    opinion = TicketOpinion(classification=Classification.TRUE_POSITIVE, confidence=0.99, why="", ci_names=[])
    before, after = doubted(FALSE, opinion)
    assert before.classification_confidence >= FALSE_POSITIVE_THRESHOLD
    assert (after.classification, after.classification_confidence) == (Classification.UNCERTAIN, 0.5)
    assert after.needs_person == "only the language model doubts that the ticket is a false positive"
    assert after.reasons[-1].weight > 0


def test_a_false_positive_that_only_it_sees_asks() -> None:
    opinion = TicketOpinion(classification=Classification.FALSE_POSITIVE, confidence=0.99, why="", ci_names=[])
    before, after = doubted(REAL, opinion)
    assert before.classification is Classification.TRUE_POSITIVE
    assert after.classification is Classification.UNCERTAIN
    assert after.needs_person == "the language model takes the ticket for a false positive"
    assert after.reasons[-1].weight < 0
