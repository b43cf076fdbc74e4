"""Signals that no handler can take: Temporal lets anybody send them, and one must not stop a workflow for good."""

from temporalio import workflow
from temporalio.worker import HandleSignalInput, Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

with workflow.unsafe.imports_passed_through():
    from workflows import names


class SignalGuard(Interceptor):
    """Drops a signal whose arguments are not what its handler takes, instead of failing the task for ever."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _OfOneArgument


class _OfOneArgument(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:
        # Temporal's `binary/null` is read as None, whatever a handler takes.
        is_message = len(input.args) == 1 and input.args[0] is not None
        if is_message if input.signal not in names.BARE_SIGNALS else not input.args:
            await super().handle_signal(input)
        else:
            workflow.logger.warning("dropped a signal %r with %d arguments", input.signal, len(input.args))
