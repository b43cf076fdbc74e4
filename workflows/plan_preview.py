"""Draft a plan for somebody to look at, where the plans that run are made; nothing comes of it."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import PlanPreview, PlanRequest
    from activities.plans import PlanActivities
    from workflows import names, options


@workflow.defn(name=names.PLAN_PREVIEW_WORKFLOW)
class PlanPreviewWorkflow:
    @workflow.run
    async def run(self, request: PlanRequest) -> PlanPreview:
        return await workflow.execute_activity_method(
            PlanActivities.preview_plan, request, summary=f"preview {request.runbook_id}", **options.PLAN_PREVIEW
        )
