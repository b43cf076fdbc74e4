"""What Handrail would make of any text, and why; nothing is stored."""

from pydantic import Field

from domain.base import Model
from domain.matching.explanation import Explanation
from domain.tickets.ticket import MAX_DESCRIPTION, MAX_TITLE, Labels, Metadata, NewTicket, Severity
from services.backends import Backends


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


async def explain(backends: Backends, tenant: str, question: Question) -> Explanation:
    """Return the analysis, matches and verdict that a ticket of this text would get now."""
    ticket = NewTicket(**question.model_dump(exclude={"limit"}))
    return await backends.library.explain(tenant, ticket, backends.rules, question.limit)
