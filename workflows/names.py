"""Names that stand in histories and in other people's tools: never rename one."""

TASK_QUEUE = "handrail"
TICKET_WORKFLOW = "TicketWorkflow"
CONNECTION_CHECK_WORKFLOW = "ConnectionCheckWorkflow"
PLAN_PREVIEW_WORKFLOW = "PlanPreviewWorkflow"

TENANT = "HandrailTenant"
STATUS = "HandrailStatus"
SEVERITY = "HandrailSeverity"
RUNBOOK = "HandrailRunbook"
TARGET = "HandrailTarget"
SIGNED_MESSAGES = "signed-messages"  # a change of the workflow, marked in its history
PARKS_ON_CANCEL = "parks-on-cancel"
REQUEUE = "requeue"
BARE_SIGNALS = frozenset({"plan_inputs_changed", "lease_released"})  # without an argument; every other has one

SEARCH_ATTRIBUTES = (TENANT, STATUS, SEVERITY, RUNBOOK, TARGET)

# A sealed payload's encoding, and the metadata that names its key: as in Temporal's own samples.
SEALED_ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"

ENDS_FOR_SURE = "cancelled-steps-end-for-sure"
"""For `workflow.patched`: a cancelled step that nobody tells the end of is ended by an activity of its own."""

GIVES_ROOM_BACK = "room-for-rollbacks-is-given-back"
"""For `workflow.patched`: the room that hosts keep for rollbacks is given back by an activity of its own."""


def ticket_workflow_id(tenant: str, ticket_id: str) -> str:
    """Return the id of a ticket's workflow; the only place where it is built."""
    return f"ticket:{tenant}:{ticket_id}"
