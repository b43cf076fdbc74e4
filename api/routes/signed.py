"""Signed inputs for who works in Temporal's own UI or CLI: what is sent there counts only with our signature."""

import json
import shlex
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import Acting, OnTicket, requires_json
from api.problems import problem_responses
from domain.base import Model
from domain.signature import Signed
from services import cancel as stopping
from services import decisions
from services.cancel import Cancellation
from services.decisions import NewDecision
from workflows.names import ticket_workflow_id

router = APIRouter(
    prefix="/api/v1/tickets/{tenant}/tickets/{ticket_id}",
    tags=["decisions"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 409, 413, 415, 422, 503),
)

WHERE_THE_CLI_LOOKS = ("127.0.0.1:7233", "localhost:7233")


class SignedInput(Model):
    """A signal to be sent by hand. It counts once, for this ticket, in the name of whoever asked for it."""

    workflow_id: str
    signal: str = Field(examples=["approval"])
    input: dict[str, Any] = Field(description="What to paste as the signal's input.")
    command: str = Field(description="The same as a command line of Temporal's CLI.")


@router.post("/decision/signed", summary="Sign a decision that you send through Temporal yourself")
async def sign_decision(new: NewDecision, on: Acting) -> SignedInput:
    """Nothing is decided by this. The decision counts when the workflow gets it, for the execution that waits now."""
    signed = await decisions.sign_decision(*on.ticket, new, on.actor, on.key("decision"))
    return _input(on, "approval", signed)


@router.post("/cancel/signed", summary="Sign a cancel that you send through Temporal yourself")
async def sign_cancel(
    on: Acting,
    body: Cancellation | None = None,
) -> SignedInput:
    """Nothing is cancelled by this. It is good for a week, while the ticket's workflow runs."""
    signed = await stopping.sign_cancel(*on.ticket, body or Cancellation(), on.actor, on.key("cancel"))
    return _input(on, "cancel", signed)


def _input(on: OnTicket, signal: str, message: Signed) -> SignedInput:
    workflow_id = ticket_workflow_id(on.tenant, on.ticket_id)
    words = ["temporal", "workflow", "signal", "--namespace", on.context.temporal_namespace]
    if on.context.temporal_address not in WHERE_THE_CLI_LOOKS:
        words += ["--address", on.context.temporal_address]
    document = message.model_dump(mode="json")
    words += ["--workflow-id", workflow_id, "--name", signal, "--input", json.dumps(document)]
    return SignedInput(workflow_id=workflow_id, signal=signal, input=document, command=shlex.join(words))
