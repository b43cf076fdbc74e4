"""Answers of activities that nobody can read: Temporal lets anybody complete an activity by its id, with anything."""

from collections.abc import Callable, Generator
from types import NoneType
from typing import Any, cast, get_args

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from workflows import names

MOST_ASKS = 10  # then the workflow's task fails, until a worker can read the last one: with a key that was missing


class AnswerGuard(Interceptor):
    """Asks again for what an answer does not tell, instead of failing the task for ever.

    Every activity may be asked for again: a worker can die before its answer is heard.
    """

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def __init__(self, next: WorkflowOutboundInterceptor) -> None:
        super().__init__(next)
        self._looks = 0

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        wanted, input.ret_type = input.ret_type, RawValue
        answer = _Answer(lambda: self.next.start_activity(input), lambda raw: self._is_unreadable(raw, wanted), wanted)
        return cast("workflow.ActivityHandle[Any]", answer)

    def _is_unreadable(self, raw: RawValue | None, wanted: type | None) -> bool:
        """The history keeps what was found the first time: a later worker may read what this one could not."""
        self._looks += 1
        change = f"{names.Change.UNREADABLE_ANSWER}-{self._looks}"
        if workflow.unsafe.is_replaying():
            return workflow.patched(change)
        try:
            _read(raw, wanted)
        except Exception as error:
            workflow.logger.warning("asking again, as an answer cannot be read: %s", error)
            return workflow.patched(change)
        return False


class _Answer:
    """Stands for an activity until it was answered; not a task, which would change the order of events."""

    def __init__(
        self,
        ask: Callable[[], workflow.ActivityHandle[Any]],
        is_unreadable: Callable[[RawValue | None], bool],
        wanted: type | None,
    ) -> None:
        self._ask, self._is_unreadable, self._wanted = ask, is_unreadable, wanted
        self._asks = 0
        self._ask_again()

    def _ask_again(self) -> None:
        self._asks += 1
        self._handle, self._is_looked_at = self._ask(), False
        self._handle.add_done_callback(self._look)

    def _look(self, handle: Any) -> None:
        if handle is not self._handle or self._is_looked_at:
            return
        self._is_looked_at = True
        is_answered = not handle.cancelled() and handle.exception() is None
        if is_answered and self._asks < MOST_ASKS and self._is_unreadable(handle.result()):
            self._ask_again()

    def done(self) -> bool:
        return self._handle.done()

    def cancel(self, msg: Any | None = None) -> bool:
        return self._handle.cancel(msg)

    def __await__(self) -> Generator[Any, None, Any]:
        while True:
            handle = self._handle
            raw = yield from handle.__await__()
            self._look(handle)
            if handle is self._handle:
                return _read(raw, self._wanted)


def _read(raw: RawValue | None, wanted: type | None) -> Any:
    """Raises whatever the payload converter does, and ValueError for nothing where something is wanted."""
    value = None if raw is None else workflow.payload_converter().from_payload(raw.payload, cast(Any, wanted))
    if value is None and wanted is not None and NoneType not in (wanted, *get_args(wanted)):
        raise ValueError("the answer of an activity is empty")
    return value
