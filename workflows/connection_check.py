"""Try out a connection from where the workers are: that is where the commands would run."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.connections import ConnectionActivities
    from domain.workflows.orders import ConnectionCheck
    from domain.workflows.outlines import ConnectionReport
    from workflows import names, options


@workflow.defn(name=names.CONNECTION_CHECK_WORKFLOW)
class ConnectionCheckWorkflow:
    @workflow.run
    async def run(self, check: ConnectionCheck) -> ConnectionReport:
        return await workflow.execute_activity_method(
            ConnectionActivities.check_connection, check, summary=f"try {check.name}", **options.CONNECTION_CHECK
        )
