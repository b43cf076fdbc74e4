"""What a list of tickets shows of each: declared here alone, for the page and for the terminal."""

from dataclasses import dataclass
from enum import StrEnum


class ColumnKind(StrEnum):
    """How a value is written: page and terminal know each of these, and a column of a new kind none."""

    ID = "id"
    TITLE = "title"
    STATUS = "status"
    SEVERITY = "severity"
    CLASSIFICATION = "classification"
    TEXT = "text"
    RUNBOOK = "runbook"
    TIME = "time"


@dataclass(frozen=True)
class Column:
    """`name`: the field of the ticket, on the wire, too. `page`, `terminal`: its heading there, if it is there.

    `style`: its class on the page, which says how wide it is.
    """

    name: str
    kind: ColumnKind
    page: str = ""
    terminal: str = ""
    style: str = ""


TICKET_COLUMNS = (
    Column("id", ColumnKind.ID, terminal="ticket"),
    Column("title", ColumnKind.TITLE, "Ticket", "title", "title"),
    Column("status", ColumnKind.STATUS, "Status", "status", "status"),
    Column("severity", ColumnKind.SEVERITY, "Severity", "severity", "severity"),
    Column("classification", ColumnKind.CLASSIFICATION, "Classification", style="kind"),
    Column("service", ColumnKind.TEXT, "Service", style="service"),
    Column("runbook", ColumnKind.RUNBOOK, "Runbook", style="book"),
    Column("created_at", ColumnKind.TIME, "Age", "created (UTC)", "age"),
)
ON_PAGE = tuple(one for one in TICKET_COLUMNS if one.page)
ON_TERMINAL = tuple(
    # The title is what folds, so it stands last.
    sorted((one for one in TICKET_COLUMNS if one.terminal), key=lambda one: one.kind is ColumnKind.TITLE)
)
