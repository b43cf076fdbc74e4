"""The ticket of each of the lab's faults is matched to the runbook that mends it, also without its labels."""

import pytest

from domain.matching.match import MatchQuery
from lab.faults import FAULTS
from lab.tickets import FAILING_CHANGE, FAULT_TICKETS, FaultTicket
from matching import Matcher
from tests.runbooks.driver import RUNBOOKS, load


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    loaded = Matcher()
    for path in sorted(RUNBOOKS.glob("*.yaml")):
        loaded.upsert(load(path.stem).to_document())
    return loaded


def test_every_fault_has_a_ticket() -> None:
    assert {ticket.fault for ticket in FAULT_TICKETS} == set(FAULTS)


@pytest.mark.parametrize("with_labels", [True, False], ids=["labels", "bare"])
@pytest.mark.parametrize("ticket", [*FAULT_TICKETS, FAILING_CHANGE], ids=lambda ticket: ticket.runbook_id)
def test_a_faults_ticket_finds_its_runbook(matcher: Matcher, ticket: FaultTicket, with_labels: bool) -> None:
    query = MatchQuery(
        title=ticket.title,
        description=ticket.description,
        service=ticket.service,
        labels=ticket.labels if with_labels else {},
    )
    first, *others = matcher.match(query)
    assert first.runbook_id == ticket.runbook_id
    assert first.confidence_score >= 0.8
    assert all(other.confidence_score < 0.5 for other in others)


@pytest.mark.parametrize(
    "title", ["The printer on floor 3 has no paper", "Please reset my password", "Kafka lag grows"]
)
def test_a_ticket_that_no_sample_fits_gets_a_low_score(matcher: Matcher, title: str) -> None:
    assert all(match.confidence_score < 0.5 for match in matcher.match(MatchQuery(title=title)))
