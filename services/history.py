"""A runbook's history: how its executions ended, by environment, and starting it anew."""

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from db import outcomes, tenants
from domain.base import Model
from domain.matching.match import Outcomes
from domain.matching.outcomes import HistoryReset, moved, outcome_text
from domain.tenant import TenantSettings
from services.backends import Backends
from services.runbooks import see_that_it_exists

EXAMPLE_CONFIDENCE = 0.9


class EnvironmentHistory(Outcomes):
    """How a runbook ended in one environment, and what that does to its confidence there."""

    environment: str = Field(description="As the tickets name it; empty for tickets that name none.")
    text: str = Field(description="In words, as the reasons of a match have it.")
    moves_090_to: float = Field(description="What a confidence of 0.90 becomes here.")


class RunbookHistory(Model):
    """What counts of a runbook's history, and who let it begin anew."""

    runbook_id: str
    environments: list[EnvironmentHistory] = Field(description="By name; empty where nothing was run or rejected.")
    resets: list[HistoryReset] = Field(description="The latest 20, newest first.")


async def get_history(session: AsyncSession, tenant: str, runbook_id: str) -> RunbookHistory:
    """Collect what counts since the last reset. Raises NotFound."""
    await see_that_it_exists(session, tenant, runbook_id)
    settings = await tenants.get_settings(session, tenant) or TenantSettings()
    found = await outcomes.outcomes_everywhere(session, tenant, runbook_id)
    return RunbookHistory(
        runbook_id=runbook_id,
        environments=[
            EnvironmentHistory(
                **one.model_dump(),
                environment=environment,
                text=outcome_text(one, environment),
                moves_090_to=moved(EXAMPLE_CONFIDENCE, one, settings.confidence_threshold),
            )
            for environment, one in found.items()
        ],
        resets=await outcomes.list_resets(session, tenant, runbook_id),
    )


async def reset_history(backends: Backends, tenant: str, runbook_id: str, actor: str, comment: str) -> RunbookHistory:
    """Let what was before no longer count, in any environment; who did it, when and why is kept. Raises NotFound."""
    async with backends.database.write() as session:
        await see_that_it_exists(session, tenant, runbook_id)
        await outcomes.reset_history(session, tenant, runbook_id, actor, comment)
        return await get_history(session, tenant, runbook_id)
