"""Explain: what Handrail would make of any text, and why, without filing a ticket."""

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import Serving, Tenant, requires_json
from api.problems import problem_responses
from domain.base import Model
from domain.explanation import Explanation
from domain.ticket import MAX_DESCRIPTION, MAX_TITLE, Labels, Metadata, NewTicket, Severity

router = APIRouter(
    prefix="/api/v1/match",
    tags=["tickets"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 404, 413, 415, 422, 503),
)


class Question(Model):
    """A text as a ticket would bring it; the title alone is enough."""

    title: str = Field(min_length=1, max_length=MAX_TITLE, examples=["/var is 97 % full on web-01"])
    description: str = Field(default="", max_length=MAX_DESCRIPTION, examples=["No space left on device."])
    severity: Severity = Severity.MEDIUM
    source: str = Field(default="api", min_length=1, max_length=100)
    environment: str | None = Field(default=None, max_length=100, examples=["production"])
    service: str | None = Field(default=None, max_length=200, examples=["nginx"])
    labels: Labels
    metadata: Metadata
    limit: int = Field(default=5, ge=1, le=50, description="How many runbooks at most.")


@router.post("/{tenant}", summary="Explain how a text would be analysed and matched")
async def explain(question: Question, tenant: Tenant, services: Serving) -> Explanation:
    """The same analysis, matches, confidence and reasons that a ticket of this text would get now. Nothing is filed,
    stored or run."""
    ticket = NewTicket(**question.model_dump(exclude={"limit"}))
    return await services.explainer.explain(tenant, ticket, question.limit)
