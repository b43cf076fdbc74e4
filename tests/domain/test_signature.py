"""A signature covers everything that matters, and nothing that a later release adds."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from db.cipher import Cipher
from domain.base import utc_now
from domain.plans.decision import Decision, DecisionKind, SignedDecision, UnknownOutcome
from domain.signature import GOOD_FOR, Letter, MessageKind, Signed, letter_of
from workflows.messages import CancelRequest, ExecuteRequest

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SIGNER = Cipher([NEW, OLD]).signer()
DECISION = SignedDecision(
    decision=DecisionKind.APPROVE, plan_digest="d" * 64, actor="sam", comment="go", decision_id="1", step=2
)


def problem(kind: MessageKind, message: Signed, tenant: str = "demo", ticket_id: str = "t1") -> str | None:
    return SIGNER.problem_with(letter_of(kind, tenant, ticket_id, message), tenant, ticket_id)


def signed(message: SignedDecision = DECISION) -> SignedDecision:
    return SIGNER.sign(MessageKind.APPROVAL, "demo", "t1", message, message_id="1", execution_id="e1")


def test_what_was_signed_is_believed_also_after_its_journey() -> None:
    arrived = SignedDecision.model_validate_json(signed().model_dump_json())
    assert problem(MessageKind.APPROVAL, arrived) is None


def test_an_older_key_is_believed_and_no_longer_signs() -> None:
    old = Cipher([OLD]).signer()
    message = old.sign(MessageKind.APPROVAL, "demo", "t1", DECISION, message_id="1")
    assert problem(MessageKind.APPROVAL, message) is None
    assert old.problem_with(letter_of(MessageKind.APPROVAL, "demo", "t1", signed()), "demo", "t1") is not None


def test_a_key_is_of_its_own() -> None:
    """Whoever learns another key that is derived from the ring signs nothing."""
    cipher = Cipher([NEW])
    assert len({*cipher.derived_keys("signed message"), *cipher.derived_keys("web session"), NEW.encode()}) == 3


OTHER = {
    "decision": DecisionKind.REJECT,
    "plan_digest": "e" * 64,
    "actor": "kim",
    "comment": "no",
    "decision_id": "2",
    "step": 3,
    "answers": {"count": "3"},
    "outcome": UnknownOutcome.RAN,
    "turn": 2,
}


@pytest.mark.parametrize("name", Decision.model_fields)
def test_no_field_of_a_decision_can_be_changed(name: str) -> None:
    assert problem(MessageKind.APPROVAL, signed().model_copy(update={name: OTHER[name]})) == "not signed by Handrail"


@pytest.mark.parametrize(
    "changed", [{"id": "2"}, {"execution_id": "e2"}, {"execution_id": None}, {"signed_at": utc_now() + GOOD_FOR}]
)
def test_neither_its_id_nor_its_time_nor_its_execution_can_be_changed(changed: dict[str, object]) -> None:
    message = signed()
    assert message.signature is not None
    other = message.model_copy(update={"signature": message.signature.model_copy(update=changed)})
    assert problem(MessageKind.APPROVAL, other) == "not signed by Handrail"


@pytest.mark.parametrize(("tenant", "ticket_id"), [("other", "t1"), ("demo", "t2")])
def test_it_is_for_one_ticket(tenant: str, ticket_id: str) -> None:
    assert problem(MessageKind.APPROVAL, signed(), tenant, ticket_id) == "not signed by Handrail"
    letter = letter_of(MessageKind.APPROVAL, "demo", "t1", signed())
    assert SIGNER.problem_with(letter, tenant, ticket_id) == "meant for somebody else"


def test_a_signature_on_one_kind_is_none_on_another() -> None:
    cancel = CancelRequest(actor="sam")
    message = SIGNER.sign(MessageKind.REOPEN, "demo", "t1", cancel, message_id="1")
    assert problem(MessageKind.CANCEL, message) == "not signed by Handrail"
    letter = letter_of(MessageKind.REOPEN, "demo", "t1", message)
    other = Letter(kind=MessageKind.CANCEL, text=letter.text, value=letter.value)
    assert SIGNER.problem_with(other, "demo", "t1") == "meant for somebody else"


def test_a_field_that_a_later_release_adds_voids_no_signature() -> None:
    class Later(SignedDecision):
        colour: str | None = None

    arrived = Later.model_validate_json(signed().model_dump_json())
    assert problem(MessageKind.APPROVAL, arrived) is None
    assert problem(MessageKind.APPROVAL, arrived.model_copy(update={"colour": "red"})) == "not signed by Handrail"


def test_all_but_an_approval_is_good_for_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    request = ExecuteRequest(request_id="1", runbook_id="r", actor="sam", inputs={"a": 1, "b": [1.5, "x"]})
    execute = SIGNER.sign(MessageKind.EXECUTE, "demo", "t1", request, message_id="1")
    approval = signed()
    assert problem(MessageKind.EXECUTE, execute) is None
    now = utc_now() + GOOD_FOR + timedelta(minutes=1)
    monkeypatch.setattr("domain.signature.utc_now", lambda: now)
    assert problem(MessageKind.EXECUTE, execute) == "signed more than 7 days ago"
    assert problem(MessageKind.APPROVAL, approval) is None
