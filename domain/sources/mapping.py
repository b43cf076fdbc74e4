"""Where the fields of a report are in what a sender sends: JMESPath, as far as its cost is bounded.

Whoever writes a mapping is known; still, it is read for each report, so nothing in it may grow what it is given.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import jmespath  # type: ignore[import-untyped]  # it has no types
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]
from pydantic import AfterValidator, Field, StringConstraints

from domain.base import Model
from domain.text.signs import one_line

MOST_CHARACTERS = 500
MOST_PARTS = 100
MOST_TEXTS = 2  # JSON within JSON within JSON doubles its quotes each time
MOST_COPIES = 64  # how many times an expression may put what it finds beside itself
PLAIN = frozenset(
    [
        "field",
        "subexpression",
        "index",
        "index_expression",
        "slice",
        "literal",
        "identity",
        "current",
        "or_expression",
        "and_expression",
        "not_expression",
        "comparator",
        "filter_projection",
        "projection",
        "value_projection",
        "flatten",
        "multi_select_list",
        "multi_select_dict",
        "key_val_pair",
        "pipe",
        "function_expression",
    ]
)
FUNCTIONS = frozenset(
    [
        "contains",
        "ends_with",
        "join",
        "keys",
        "length",
        "merge",
        "not_null",
        "starts_with",
        "to_string",
        "to_number",
        "type",
        "values",
    ]
)


def check(text: str) -> str:
    """Return the expression. Raises ValueError for what is none, or could grow without bounds."""
    try:
        parts = list(_parts(jmespath.compile(text).parsed))
    except JMESPathError as error:
        raise ValueError(f"is no JMESPath expression: {one_line(str(error))[:200]}") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
    if len(parts) > MOST_PARTS:
        raise ValueError(f"has more than {MOST_PARTS} parts")
    if sum(part["value"] == "to_string" for part in parts if part["type"] == "function_expression") > MOST_TEXTS:
        raise ValueError(f"uses to_string() more than {MOST_TEXTS} times")
    copies = 1
    for part in parts:
        if part["type"] not in PLAIN:
            raise ValueError(f"uses {part['type']}, which is not taken here")
        if part["type"] == "function_expression" and part["value"] not in FUNCTIONS:
            raise ValueError(f"uses {part['value']}(); those taken here are {', '.join(sorted(FUNCTIONS))}")
        if part["type"].startswith("multi_select"):
            copies *= max(1, len(part["children"]))
    if copies > MOST_COPIES:
        raise ValueError("puts together too much: use fewer lists and objects within one another")
    return text


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _parts(child)


def find(text: str, value: Any) -> Any:
    """Return what an expression finds, None where it finds nothing. Raises ValueError."""
    try:
        return jmespath.search(text, value)
    except JMESPathError as error:
        raise ValueError(one_line(str(error))[:200]) from None
    except (RecursionError, TypeError) as error:
        raise ValueError(str(error)[:200]) from None


Expression = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS, strip_whitespace=True), AfterValidator(check)]


class FieldMapping(Model):
    """An expression a field. `reports` is applied to what was sent, the others to each report that it finds."""

    reports: Expression = Field(default="@", description="One object, or a list of them.")
    key: Expression = Field(default="not_null(key, id, fingerprint, alert_id, incident_id)")
    state: Expression = Field(
        default="not_null(state, status)", description="Words like resolved, ok and closed clear; others fire."
    )
    title: Expression = Field(default="not_null(title, summary, name, subject, message)")
    description: Expression = Field(default="not_null(description, details, body, text)")
    severity: Expression = Field(default="not_null(severity, priority, level)")
    service: Expression = Field(default="service")
    environment: Expression = Field(default="not_null(environment, env)")
    hosts: Expression = Field(
        default="[host, hostname, instance, node, server]", description="One name, or several, best first."
    )
    labels: Expression = Field(default="not_null(labels, tags)")
    metadata: Expression = Field(default="metadata")
    starts_at: Expression = Field(default="not_null(starts_at, started_at, timestamp)")
    link: Expression = Field(default="not_null(url, link)")
