"""Which run of a ticket's workflow may act: the one that a signed message began. Temporal lets anybody start others."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from db.engine import Database
from services import mail
from services.mail import STRANGER, NotAdmitted
from workflows.names import ActivityName

NOT_ADMITTED = "NotAdmitted"


def not_admitted(why: str = STRANGER) -> ApplicationError:
    """Return the failure that ends a run which may not act; it is not tried again."""
    return ApplicationError(why, type=NOT_ADMITTED, non_retryable=True)


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
        """Raises NotAdmitted for an activity that nobody admitted asked for."""
        info = activity.info()
        if info.workflow_type != self.ticket_workflow:
            if info.activity_type not in self._others.get(info.workflow_type or "", frozenset()):
                raise NotAdmitted("no workflow of Handrail asked for this")
            return
        if not self._is_own(order):
            raise NotAdmitted("a ticket's workflow asked for this on behalf of another ticket")
        if info.activity_type == ActivityName.READ_MAIL:  # by which a run is admitted
            return
        if not await mail.is_admitted(self._database, order.tenant, order.ticket_id, info.workflow_run_id or ""):
            raise NotAdmitted

    async def tell(self, order: Any, why: str) -> None:
        """Say to people that a run of this ticket's workflow was refused."""
        info = activity.info()
        if info.workflow_type == self.ticket_workflow and self._is_own(order):
            await mail.tell_refused(self._database, order.ticket_id, info.workflow_run_id or "", why)

    def _is_own(self, order: Any) -> bool:
        return activity.info().workflow_id == self._id_of(order.tenant, order.ticket_id)


class _Guarded(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, guard: RunGuard) -> None:
        super().__init__(next)
        self._guard = guard

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        order = input.args[0]
        try:
            await self._guard.check(order)
            return await super().execute_activity(input)
        except NotAdmitted as error:
            await self._guard.tell(order, str(error))
            raise not_admitted(str(error)) from error
