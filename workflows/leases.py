"""Taking turns on a host: wait for its lease, and wake the next in line when it is given back."""

from temporalio import workflow
from temporalio.exceptions import TemporalError

with workflow.unsafe.imports_passed_through():
    from activities.leases import LeaseActivities
    from domain.executions.lease import LeaseHolder
    from domain.plans.decision import Decision, DecisionOutcome
    from domain.workflows.orders import LeaseRequest, RequeueRequest
    from workflows import names, options
    from workflows.execution_context import ExecutionContext, Requeued, until
    from workflows.lifecycle import Notice


async def take_leases(context: ExecutionContext, leases: list[str], *, can_cancel: bool = True) -> bool:
    """Wait until every lease is held; False if a cancel came first, or it cleared."""
    recheck = options.LEASE_RECHECK_FIRST
    while leases:
        context.lifecycle.notices.discard(Notice.LEASE_RELEASED)
        answer = await workflow.execute_activity_method(
            LeaseActivities.take_leases,
            _request(context, leases),
            summary=f"lease {', '.join(leases)}",
            **options.BOOKKEEPING,
        )
        if not answer.holders:
            break
        hosts = ", ".join(sorted({holder.lease for holder in answer.holders}))
        context.reporter.wait(f"{hosts}, leased to ticket {answer.holders[0].ticket_id}")
        is_woken = await until(
            lambda: Notice.LEASE_RELEASED in context.lifecycle.notices or (can_cancel and context.lifecycle.is_to_stop),
            recheck.total_seconds(),
        )
        recheck = options.LEASE_RECHECK_FIRST if is_woken else min(recheck * 2, options.LEASE_RECHECK_LONGEST)
        if can_cancel and context.lifecycle.is_to_stop:
            context.reporter.wait("")
            return False
    context.reporter.wait("")
    return True


async def release_leases(context: ExecutionContext, leases: list[str]) -> None:
    """Give the leases back and wake whose turn it is then."""
    answer = await workflow.execute_activity_method(
        LeaseActivities.release_leases, _request(context, leases), summary="release leases", **options.BOOKKEEPING
    )
    await wake(answer.holders)


async def requeue(context: ExecutionContext, decision: Decision) -> None:
    """Give the hosts to those who wait behind, and raise Requeued; return if that is refused, which is recorded."""
    answer = await workflow.execute_activity_method(
        LeaseActivities.requeue,
        RequeueRequest(
            tenant=context.start.tenant,
            ticket_id=context.start.ticket_id,
            execution_id=context.execution_id,
            turn=context.turn,
        ),
        summary=f"{decision.actor} gives the hosts to those who wait",
        **options.BOOKKEEPING,
    )
    if answer.problem is not None:
        await context.record_decision(decision, DecisionOutcome.NOT_AWAITED, answer.problem)
        return
    context.turn = answer.turn
    await context.record_decision(decision, DecisionOutcome.ACCEPTED)
    await wake(answer.holders)
    raise Requeued(f"{decision.actor} let the others go first; it queues again, and begins with its prechecks")


async def wake(holders: list[LeaseHolder]) -> None:
    """Tell those whose turn it is."""
    for tenant, ticket_id in sorted({(holder.tenant, holder.ticket_id) for holder in holders}):
        handle = workflow.get_external_workflow_handle(names.ticket_workflow_id(tenant, ticket_id))
        try:
            await handle.signal(names.SignalName.LEASE_RELEASED)
        except TemporalError:
            workflow.logger.warning("nobody to wake behind a lease", extra={"ticket_id": ticket_id})


def _request(context: ExecutionContext, leases: list[str]) -> LeaseRequest:
    return LeaseRequest(
        tenant=context.start.tenant, ticket_id=context.start.ticket_id, execution_id=context.execution_id, leases=leases
    )
