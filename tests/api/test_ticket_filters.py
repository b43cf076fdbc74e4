"""Every declared filter and column of tickets works through the route, the page and the command line."""

import re
from pathlib import Path
from typing import Any

import typer
from sqlalchemy import update
from typer.testing import CliRunner

from commands.api.describe import ticket_table
from commands.api.ticket_filters import takes_filters
from commands.api.tickets import app as ticket_commands
from db.tables import TicketRow
from domain.tickets.columns import ON_TERMINAL, TICKET_COLUMNS, Column, ColumnKind
from domain.tickets.filter import TICKET_FILTERS, Filter, FilterKind
from tests.api.caller import TENANT, Caller

PATH = f"/tickets/{TENANT}/tickets"
DESIGN = Path(__file__).parents[2] / "docs" / "design.md"


def value_of(one: Filter) -> str:
    """Return a value to filter by."""
    if one.kind is FilterKind.FLAG:
        return "true"
    return one.choices[-1] if one.choices else f"some-{one.name}"


async def file_for(caller: Caller, one: Filter) -> tuple[str, str]:
    """File a ticket that a filter takes and one that it does not; returns their ids."""
    fits, other = await caller.file(f"taken by {one.name}"), await caller.file("left out")
    async with caller.context.database.write() as session:
        for ticket_id, value in ((fits, value_of(one)), (other, one.choices[0] if one.choices else None)):
            if value is not None:
                values = {one.columns[0]: "escalated" if one.kind is FilterKind.FLAG else value}
                await session.execute(update(TicketRow).where(TicketRow.id == ticket_id).values(**values))
    return fits, other


def typed(*arguments: str) -> dict[str, Any]:
    """Return what `ticket list` would send for these options."""
    sent: list[dict[str, Any]] = []
    app = typer.Typer()

    @app.command()
    @takes_filters
    def list_(context: typer.Context, filters: dict[str, Any], limit: int = 30) -> None:
        sent.append({name: value for name, value in filters.items() if value not in (None, [])})

    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return sent[0]


async def test_every_filter_works_in_route_page_and_command(lone_caller: Caller) -> None:
    assert {one.name for one in TICKET_FILTERS} >= {"status", "service", "q", "waiting"}
    for one in TICKET_FILTERS:
        fits, other = await file_for(lone_caller, one)
        value = value_of(one)
        option = (one.about.options or (f"--{one.name}",))[0]
        sent = typed(option) if one.kind is FilterKind.FLAG else typed(option, value)
        assert sent == {one.name: [value] if one.kind is FilterKind.ANY_OF else value}

        found = {item["id"] for item in (await lone_caller.get(PATH, params=sent)).json()["items"]}
        assert fits in found, one.name
        assert other not in found, one.name

        page = (await lone_caller.client.get(f"/t/{TENANT}/tickets", params=sent)).text
        assert f'data-id="{fits}"' in page, one.name
        assert f'data-id="{other}"' not in page, one.name
        form = page[page.index('<form class="filters"') : page.index("</form>", page.index('<form class="filters"'))]
        assert f'name="{one.name}"' in form, one.name
        assert f'value="{value}"' in form, one.name  # what is asked next keeps it
        assert f"{one.name}={value}" in page[page.index("data-rows=") :], one.name  # and so does what is live
        assert one.about.heading in page, one.name


def test_every_filter_is_an_option_and_in_the_contract() -> None:
    group = typer.main.get_group(ticket_commands)
    options = {option for parameter in group.commands["list"].params for option in parameter.opts}
    described = DESIGN.read_text(encoding="utf-8")
    for one in TICKET_FILTERS:
        assert set(one.about.options or (f"--{one.name}",)) <= options
        assert f"`{one.name}`" in described or f"`{one.name}=true`" in described


async def test_page_and_terminal_show_the_columns_that_are_declared(lone_caller: Caller) -> None:
    await lone_caller.file("no room", service="spooler")
    page = (await lone_caller.client.get(f"/t/{TENANT}/tickets")).text
    items = (await lone_caller.get(f"/tickets/{TENANT}/tickets")).json()["items"]
    head, rows = page.split('<ol id="rows"')
    for one in TICKET_COLUMNS:
        assert (f'<span class="{one.style}">{one.page}</span>' in head) is bool(one.page)
        assert (re.search(rf'<span class="{one.style}[" ]', rows) is not None) is bool(one.page)
        assert one.name in items[0] or one.kind is ColumnKind.RUNBOOK
    printed = ticket_table(ON_TERMINAL, items)
    assert [column.header for column in printed.columns] == [one.terminal for one in ON_TERMINAL]
    assert [str(column._cells[0]) for column in printed.columns][-1] == "no room"
    assert "spooler" in rows
    a_new_one = Column("environment", ColumnKind.TEXT, terminal="environment")
    assert [str(column._cells[0]) for column in ticket_table([a_new_one], [{"environment": "lab"}]).columns] == ["lab"]
