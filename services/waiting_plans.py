"""Telling tickets whose plan waits that something the plan was made from has changed."""

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from db import executions, runbooks, tickets
from domain.plans.plan import Plan
from domain.runbooks.runbook import Runbook
from services.backends import Backends
from services.errors import Unavailable
from services.workflows import WorkflowEnded

log = logging.getLogger("handrail.api")

Later = Callable[..., Any]
"""Takes a function and its arguments, to be called once whoever asked has the answer."""

Concerns = Callable[[Plan, Runbook | None], bool]
"""Whether a change concerns a plan, made from a runbook of which this is the latest version."""


def uses_runbook(runbook_id: str) -> Concerns:
    return lambda plan, _: plan.runbook_id == runbook_id


def uses_connection(name: str, tags: set[str]) -> Concerns:
    """Also a plan whose runbook is for a tag that the connection has, or had."""
    means = tags | {name}
    return lambda plan, runbook: name in {t.name for t in plan.targets} or bool(runbook and runbook.target in means)


def uses_credential(name: str) -> Concerns:
    return lambda plan, _: name in {target.credential for target in plan.targets}


async def tell_waiting(backends: Backends, tenant: str, concerns: Concerns) -> None:
    """Signal the tickets concerned. Best effort: a plan is made again and compared before it runs in any case."""
    latest: dict[str, Runbook | None] = {}
    try:
        async with backends.database.read() as session:
            waiting = await tickets.tickets_waiting_with(session, tenant)
        for ticket_id, execution_id in waiting:
            if execution_id is None:
                continue
            async with backends.database.read() as session:
                plan = await executions.get_plan(session, tenant, ticket_id, execution_id)
                if plan.runbook_id not in latest:
                    stored = await runbooks.get_runbook(session, tenant, plan.runbook_id)
                    latest[plan.runbook_id] = stored.runbook if stored else None
            if concerns(plan, latest[plan.runbook_id]):
                await _signal(backends, tenant, ticket_id)
    except (Unavailable, SQLAlchemyError) as error:
        log.warning("waiting plans were not told of a change; they notice when they are approved: %s", error)


async def _signal(backends: Backends, tenant: str, ticket_id: str) -> None:
    try:
        await backends.workflows.plan_inputs_changed(tenant, ticket_id)
    except WorkflowEnded:
        log.info("ticket %s ended while its plan was looked at", ticket_id)
