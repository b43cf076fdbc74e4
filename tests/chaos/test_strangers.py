"""A stranger on Temporal's port answers for an activity, in what nobody can read, while its worker is killed."""

import asyncio

import pytest
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.workflowservice.v1 import RespondActivityTaskCompletedByIdRequest

from tests.chaos.arena import Arena
from tests.chaos.batch import inject
from tests.chaos.test_hosts import HELD
from tests.chaos.test_network import reached
from tests.chaos.trial import Trial
from tests.chaos.verdict import Verdict
from tests.e2e.test_unreadable_answers import NO_JSON, STRANGE, TEXT, fail, last_asked
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.sshd, pytest.mark.timeout(3600)]
FAILED = "failed"
ANSWERS = {"other type": TEXT, "no JSON": NO_JSON, "strange encoding": STRANGE, "nothing": None, FAILED: STRANGE}
ORDERS = ["killed, then answered", "answered, then killed"]


async def test_a_stranger_answers_for_a_step_while_its_worker_is_killed(
    arena: Arena, is_full: bool, report: list[Verdict]
) -> None:
    """An answer is no answer: the step is followed on. A failure may be asked about; nothing runs twice."""
    faults = [(kind, step, order) for kind in ANSWERS for step in HELD.commands for order in ORDERS]

    async def answer(fault: tuple[str, str, str]) -> Verdict:
        kind, step, order = fault
        async with Trial(arena, HELD, "sqlite", "stranger's answer, worker killed") as trial:
            held = trial.host.home / f"hold-{step}"
            held.touch()
            trial.start_worker()
            await trial.file()
            await reached(trial, (step, 0))
            trial.count_fault()
            if order == ORDERS[0]:
                trial.kill_worker()
            await say(trial.stack, trial.ticket_ids[0], kind)
            if order == ORDERS[1]:
                trial.kill_worker()
            story = asyncio.create_task(trial.finish(is_value_kept=kind != FAILED))
            held.unlink()
            return await story

    await inject(faults if is_full else faults[25:26], answer, report)


async def say(stack: Stack, ticket_id: str, kind: str) -> None:
    """Complete or fail what was ordered last in one of the ways of ANSWERS."""
    said = ANSWERS[kind]
    if kind == FAILED:
        assert said is not None
        await fail(stack, ticket_id, said)
        return
    request = RespondActivityTaskCompletedByIdRequest(
        namespace=stack.client.namespace,
        workflow_id=stack.tickets.handle(stack.tenant, ticket_id).id,
        activity_id=await last_asked(stack, ticket_id),
        result=None if said is None else as_payloads(said),
    )
    await stack.client.workflow_service.respond_activity_task_completed_by_id(request)


def as_payloads(said: Payload) -> Payloads:
    return Payloads(payloads=[said])
