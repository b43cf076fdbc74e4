"""Which run of a ticket's workflow may act: the one that a signed message began. Temporal lets anybody start others."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from db import events, signed
from db.engine import Database
from domain.event import EventKind
from workflows.names import ActivityName

NOT_ADMITTED = "NotAdmitted"
STRANGER = "this run was started or reset outside Handrail, so it does nothing"


def not_admitted(why: str = STRANGER) -> ApplicationError:
    """Return the failure that ends a run which may not act; it is not tried again."""
    return ApplicationError(why, type=NOT_ADMITTED, non_retryable=True)


async def take_run(session: AsyncSession, tenant: str, ticket_id: str, run_id: str) -> bool:
    """Return whether a run may act for a ticket; the one from before there were signatures may."""
    acting = await signed.acting_run(session, tenant, ticket_id)
    if acting == signed.EARLIER_RUN:
        await signed.let_act(session, tenant, ticket_id, run_id)
        return True
    return acting == run_id


class RunGuard(Interceptor):
    """Lets activities be done for runs that may act, and for nobody else.

    `ticket_workflow`: the type of tickets' workflows; `id_of`: the id of a ticket's one; `others`: what workflows of
    other types may have done.
    """

    def __init__(
        self,
        database: Database,
        ticket_workflow: str,
        id_of: Callable[[str, str], str],
        others: Mapping[str, frozenset[str]],
    ) -> None:
        self._database, self._id_of, self._others = database, id_of, others
        self.ticket_workflow = ticket_workflow

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Guarded(next, self)

    async def check(self, order: Any) -> None:
        """Raises ApplicationError for an activity that nobody admitted asked for."""
        info = activity.info()
        if info.workflow_type != self.ticket_workflow:
            if info.activity_type not in self._others.get(info.workflow_type or "", frozenset()):
                raise not_admitted("no workflow of Handrail asked for this")
            return
        if info.workflow_id != self._id_of(order.tenant, order.ticket_id):
            raise not_admitted("a ticket's workflow asked for this on behalf of another ticket")
        if info.activity_type == ActivityName.READ_MAIL:  # by which a run is admitted
            return
        run_id = info.workflow_run_id or ""
        async with self._database.read() as session:
            acting = await signed.acting_run(session, order.tenant, order.ticket_id)
        if acting == signed.EARLIER_RUN:
            async with self._database.write() as session:
                is_admitted = await take_run(session, order.tenant, order.ticket_id, run_id)
        else:
            is_admitted = acting == run_id or acting is None  # without a row the activity says so itself
        if not is_admitted:
            raise not_admitted()

    async def tell(self, order: Any, why: str) -> None:
        """Say in the timeline, once a run, that it was refused."""
        info = activity.info()
        if info.workflow_id != self._id_of(order.tenant, order.ticket_id):
            return
        text = f"{why}: workflow run {info.workflow_run_id}"
        async with self._database.write() as session:
            await events.add_event(
                session, order.ticket_id, f"{info.workflow_run_id}/refused", EventKind.REQUEST_REFUSED, text
            )


class _Guarded(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, guard: RunGuard) -> None:
        super().__init__(next)
        self._guard = guard

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        order = input.args[0]
        try:
            await self._guard.check(order)
            return await super().execute_activity(input)
        except ApplicationError as error:
            if error.type == NOT_ADMITTED and activity.info().workflow_type == self._guard.ticket_workflow:
                await self._guard.tell(order, error.message)
            raise
