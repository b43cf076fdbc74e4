"""Names that stand in histories and in other people's tools: never rename one, and drop none that a history has."""

from enum import StrEnum

TASK_QUEUE = "handrail"
TICKET_WORKFLOW = "TicketWorkflow"
CONNECTION_CHECK_WORKFLOW = "ConnectionCheckWorkflow"

TENANT = "HandrailTenant"
STATUS = "HandrailStatus"
SEVERITY = "HandrailSeverity"
RUNBOOK = "HandrailRunbook"
TARGET = "HandrailTarget"
SEARCH_ATTRIBUTES = (TENANT, STATUS, SEVERITY, RUNBOOK, TARGET)


class ActivityName(StrEnum):
    """What workflows have done, as histories call it; a function may be renamed, its activity may not."""

    ANALYSE = "analyse"
    MATCH = "match"
    RECORD = "record"
    REOPEN = "reopen"
    MAKE_PLAN = "make_plan"
    RECORD_DECISION = "record_decision"
    TAKE_ANSWERS = "take_answers"
    ROLLBACK_OUTLINE = "rollback_outline"
    TAKE_LEASES = "take_leases"
    RELEASE_LEASES = "release_leases"
    REQUEUE = "requeue"
    READ_MAIL = "read_mail"
    RUN_STEP = "run_step"
    END_STEP = "end_step"
    DROP_ROOMS = "drop_rooms"
    IS_WANTED = "is_wanted"
    CHECK_CONNECTION = "check_connection"


class SignalName(StrEnum):
    """What is said to a ticket's workflow."""

    APPROVAL = "approval"
    CANCEL = "cancel"
    EXECUTE = "execute"
    ROLLBACK = "rollback"
    REOPEN = "reopen"
    CLEARED = "cleared"
    PLAN_INPUTS_CHANGED = "plan_inputs_changed"
    LEASE_RELEASED = "lease_released"


BARE_SIGNALS = frozenset({SignalName.PLAN_INPUTS_CHANGED, SignalName.LEASE_RELEASED})
"""Those without an argument; every other has one."""


class QueryName(StrEnum):
    """What a ticket's workflow is asked."""

    STATE = "state"


class Change(StrEnum):
    """Changes of the order of events, for `workflow.patched`: a history that began before one has no mark of it."""

    SIGNED_MESSAGES = "signed-messages"
    PARKS_ON_CANCEL = "parks-on-cancel"
    REQUEUE = "requeue"
    ENDS_FOR_SURE = "cancelled-steps-end-for-sure"
    """A cancelled step that nobody tells the end of is ended by an activity of its own."""
    GIVES_ROOM_BACK = "room-for-rollbacks-is-given-back"
    """The room that hosts keep for rollbacks is given back by an activity of its own."""
    ROOM_BEFORE_THE_FIRST_STEP = "room-on-all-hosts-before-the-first-step"
    """It is given back also where a step without a rollback was the first and the last."""
    LOOKS_TWICE = "a-denied-problem-is-looked-for-twice"
    """A check that says that the problem is not there is asked again, and then the ticket is closed as not found."""
    GOES_ON_AFTER_A_DIAGNOSIS = "a-ticket-goes-on-after-a-diagnosis"
    """What only looked ends its execution, and its ticket goes on with a fix that also matches, or a person."""
    ASKS_AGAIN_WHAT_TO_UNDO = "what-to-undo-is-asked-again"
    """Once an undo holds its hosts, it asks again whether others changed them meanwhile."""
    UNREADABLE_ANSWER = "unreadable-answer"
    """What an activity answered cannot be read, so it is asked again; with the number of the answer behind it."""


# A sealed payload's encoding, and the metadata that names its key: as in Temporal's own samples.
SEALED_ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"


def ticket_workflow_id(tenant: str, ticket_id: str) -> str:
    """Return the id of a ticket's workflow; the only place where it is built."""
    return f"ticket:{tenant}:{ticket_id}"
