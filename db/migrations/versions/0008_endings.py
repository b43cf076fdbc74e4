"""why executions and tickets ended, as data

Until now only a sentence said so; this reads it a last time. Where it cannot tell, the end stays null: nobody knows.
"""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from db.types import Json

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

AT_ONCE = 1_000
STEP = r"(?:precheck|step|postcheck) (?P<step>\d+)/\d+ '"
WORDS = [  # in this order: a step's failure may quote anything that its host said
    ("failed", re.compile(rf"^{STEP}")),
    ("expired", re.compile(rf"^nobody answered in time: {STEP}")),
    ("expired", re.compile(r"^(?:no decision in time|the approval expired: |nobody picked a runbook in time)")),
    ("replaced", re.compile(r"^replaced: ")),
    ("passed_over", re.compile(r"^a person chose something else$")),
    ("lost", re.compile(r"^its workflow was (?:lost|ended from outside)")),
    ("not_borne_out", re.compile(r"^not (?:resolved|rolled back): ")),
    ("refused", re.compile(r"^refused: ")),
    ("false_positive", re.compile(r"^false positive: ")),
    ("false_positive", re.compile(r"^closed as a false positive by (?P<actor>.+?)(?:: |$)")),
    ("cancelled", re.compile(r"^cancelled by (?P<actor>.+?)(?:: |; | (?:while|before|during|as the last) |$)")),
    ("rejected", re.compile(r"^(?P<actor>[^:;]+?) rejected the plan(?:: |$)")),
    ("rejected", re.compile(rf"^(?P<actor>[^:;]+?) rejected {STEP}")),
    ("outcome_unknown", re.compile(rf"^(?P<actor>[^:;]+?) chose to roll back; outcome unknown: {STEP}")),
    ("undone_on_request", re.compile(r"^(?P<actor>[^:;]+?) asked for a rollback(?:: |; |$)")),
]
ENDED = {
    "executions": ("rolled_back", "rollback_failed", "rejected", "expired", "cancelled"),
    "tickets": ("closed", "rejected", "cancelled", "escalated"),
}
EVENT: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Integer(),
    "execution_id": sa.Text(),
    "text": sa.Text(),
    "data": Json,
}
FINAL = (*ENDED["executions"], "succeeded")


def upgrade() -> None:
    link = op.get_bind()
    for name, good in (("executions", "succeeded"), ("tickets", "resolved")):
        op.add_column(name, sa.Column("ending", Json, nullable=True))
        table = sa.table(name, sa.column("id"), sa.column("status"), sa.column("ending", Json))
        link.execute(table.update().where(table.c.status == good).values(ending=_ending("succeeded")))
        _derive(link, name)


def downgrade() -> None:
    op.drop_column("tickets", "ending")
    op.drop_column("executions", "ending")


def _derive(link: sa.Connection, name: str) -> None:
    asked = "approval_expires_at" if name == "executions" else "false_positive_by"
    columns: list[sa.ColumnClause[Any]] = [sa.column(one) for one in ("id", "status", "status_reason", asked)]
    table = sa.table(name, *columns, sa.column("ending", Json))
    change = table.update().where(table.c.id == sa.bindparam("of")).values(ending=sa.bindparam("found", type_=Json))
    last = ""
    while True:
        query = sa.select(*columns).where(table.c.status.in_(ENDED[name]), table.c.id > last)
        rows = link.execute(query.order_by(table.c.id).limit(AT_ONCE)).all()
        found = [(row.id, _ending_of(link, name, row)) for row in rows]
        known = [{"of": row_id, "found": ending} for row_id, ending in found if ending is not None]
        if known:
            link.execute(change, known)
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].id


def _ending_of(link: sa.Connection, name: str, row: Any) -> dict[str, Any] | None:
    if name == "tickets" and row.status == "closed" and row.false_positive_by:
        return _ending("false_positive", row.false_positive_by)
    ending = _read(row.status_reason)
    if name == "executions" and row.status == "rejected" and row.approval_expires_at is None:
        return _ending("refused")  # nobody had been asked
    if name == "executions" and ending is not None and ending["cause"] == "undone_on_request":
        ending["before"] = _before(link, row.id)
    return ending


def _before(link: sa.Connection, execution_id: str) -> str | None:
    """Return how an execution ended first, as its timeline tells."""
    columns = [sa.column(name, kind) for name, kind in EVENT.items()]
    events = sa.table("events", *columns)
    query = sa.select(events.c.text, events.c.data).where(events.c.execution_id == execution_id)
    for words, data in link.execute(query.order_by(events.c.id)):
        status = data.get("execution_status")
        if status in FINAL:
            ending = _ending("succeeded") if status == "succeeded" else _read(words)
            return ending["cause"] if ending else None
    return None


def _read(words: str) -> dict[str, Any] | None:
    for cause, pattern in WORDS:
        if (found := pattern.match(words)) is not None:
            said = found.groupdict()
            return _ending(cause, said.get("actor"), int(said["step"]) if said.get("step") else None)
    return None


def _ending(cause: str, actor: str | None = None, step: int | None = None) -> dict[str, Any]:
    return {"cause": cause, "actor": actor, "step": step, "before": None}
