"""Sensitive inputs, sealed where they arrive: from here on nothing keeps or shows them in the clear."""

from collections.abc import Mapping
from typing import Any

from db.cipher import Cipher
from db.sealed_values import seal_value
from domain.runbooks.runbook import Runbook
from domain.sealed import NO_VALUE, SealedValue, ValuePlace
from domain.tickets.ticket import Ticket

Inputs = tuple[dict[str, Any], dict[str, SealedValue]]


def left_out(runbook: Runbook, given: Mapping[str, Any]) -> set[str]:
    """Return the sensitive inputs that have to be given and were not."""
    return {name for name, spec in runbook.inputs.items() if spec.sensitive and spec.required and not given.get(name)}


def split_inputs(runbook: Runbook, given: Mapping[str, Any], ticket: Ticket, actor: str, cipher: Cipher) -> Inputs:
    """Return what may be read, and what was sealed; `given` is known to fit the runbook.

    What had to be given and was not, in a preview, is there without a value.
    """
    sensitive = {name for name, spec in runbook.inputs.items() if spec.sensitive}
    sealed = dict.fromkeys(left_out(runbook, given), NO_VALUE)
    for name in sensitive & given.keys():
        if given[name]:
            place = ValuePlace(tenant=ticket.tenant, ticket_id=ticket.id, runbook_id=runbook.id, name=name)
            sealed[name] = seal_value(cipher, given[name], place, actor)
    return {name: value for name, value in given.items() if name not in sensitive}, sealed
