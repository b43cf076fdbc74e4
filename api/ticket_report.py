"""The body of a report: anything that JSON can say is taken, and its document says what is best sent."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from domain.sources.reports import MAX_NAME, MAX_SOURCE
from domain.tickets.ticket import MAX_DESCRIPTION, MAX_KEY, MAX_TITLE, Severity


def _best(words: str, **schema: Any) -> Any:
    """A field that takes anything. `schema`: how it is best sent, as an example."""
    return Field(default=None, description=words, **schema)


class TicketReport(BaseModel):
    """A report from outside. What is longer is cut, what is no text is written as one, other fields are kept."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [{"title": "/var is 97 % full on web-01", "severity": "high", "source": "monitoring"}]
        },
    )

    title: Any = _best(f"At most {MAX_TITLE} characters; made from the labels where there is none.")
    description: Any = _best(f"At most {MAX_DESCRIPTION} characters.")
    severity: Annotated[
        Any,
        WithJsonSchema({"description": "Any word or number for it; unknown ones are medium.", "examples": [*Severity]}),
    ] = None
    source: Any = _best(f"Who reports, at most {MAX_SOURCE} characters; `api` where it is missing.")
    external_id: Any = _best(f"The source's own name of the problem, at most {MAX_KEY} characters; text or number.")
    environment: Any = _best(f"At most {MAX_NAME} characters.", examples=["production"])
    service: Any = _best(f"At most {MAX_KEY} characters.", examples=["nginx"])
    labels: Any = _best("The alert's labels: an object, or a list of `name:value`.")
    metadata: Any = _best("Anything else the source sent.", examples=[{"ci_name": "web-01"}])
    starts_at: Any = _best("When it began, RFC 3339: tells a report sent again from one of a new firing.")
    ends_at: Any = _best("When it was over, RFC 3339.")

    def sent(self) -> dict[str, Any]:
        """Return the fields that were sent."""
        return self.model_dump(exclude_unset=True)
