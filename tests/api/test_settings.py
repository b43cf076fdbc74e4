"""The execution mode."""

from typing import Any

import typer

from cli import app
from commands.server.tenants import in_words
from db.tenants import get_settings, list_changes
from domain.tenant import MODE_SETTINGS, TENANT_SETTINGS, Setting, TenantSettings
from tests.api.caller import TENANT, Caller

PATH = f"/settings/execution-mode/{TENANT}"


async def test_the_default_is_auto_at_0_8(lone_caller: Caller) -> None:
    begun = (await lone_caller.get(PATH)).json()
    assert begun.items() >= {"mode": "auto", "confidence_threshold": 0.8, "unconfirmed": "run"}.items()


async def test_setting_it_keeps_what_is_not_named_and_says_who(lone_caller: Caller) -> None:
    begun = (await lone_caller.get(PATH)).json()
    first = await lone_caller.post(PATH, {"mode": "auto", "confidence_threshold": 0.95})
    assert first.json() == begun | {"confidence_threshold": 0.95}
    second = await lone_caller.post(PATH, {"mode": "hil", "unconfirmed": "ask"})
    assert second.json() == begun | {"mode": "hil", "confidence_threshold": 0.95, "unconfirmed": "ask"}
    assert (await lone_caller.get(PATH)).json() == second.json()
    async with lone_caller.context.database.read() as session:
        changes = await list_changes(session, TENANT)
    assert [(change.settings.mode.value, change.changed_by) for change in changes] == [("hil", "sam"), ("auto", "sam")]


async def test_wrong_modes(lone_caller: Caller) -> None:
    answer = await lone_caller.post(PATH, {"mode": "manual"})
    assert answer.status_code == 422
    assert "'hil' or 'auto'" in answer.json()["detail"]
    assert (await lone_caller.post(PATH, {"mode": "auto", "confidence_threshold": 1.1})).status_code == 422
    assert (await lone_caller.get(PATH)).json()["mode"] == "auto"


def another(one: Setting) -> Any:
    """A value of a setting that is not the usual one, as a program sends it."""
    usual = one.of(TenantSettings())
    others = [choice.value for choice in one.about.choices if choice.value != usual]
    return others[0] if others else not usual if isinstance(usual, bool) else type(usual)(usual / 2 or 3)


ONLY_ON_THE_PAGE = {"approval_timeout", "runbook_timeout"}


def test_programs_and_the_command_line_take_all_but_these() -> None:
    assert {one.name for one in TENANT_SETTINGS} - {one.name for one in MODE_SETTINGS} == ONLY_ON_THE_PAGE


async def test_every_door_shows_and_takes_every_setting(lone_caller: Caller) -> None:
    """A setting is declared in the domain alone."""
    mode: Any = typer.main.get_command(app)
    typed = {one.name for one in mode.commands["mode"].params}
    for one in MODE_SETTINGS:
        new = {"mode": "auto", one.name: another(one)}
        assert (await lone_caller.post(PATH, new)).json()[one.name] == another(one)
        assert (await lone_caller.get(PATH)).json()[one.name] == another(one)
        assert one.name in typed
        assert in_words("x", TenantSettings(**new)) != in_words("x", TenantSettings())

    address = f"/t/{TENANT}/settings"
    page = (await lone_caller.client.get(address)).text
    assert [one.name for one in TENANT_SETTINGS if f'name="{one.name}"' not in page] == []
    usual = {one.name: str(one.of(TenantSettings())) for one in TENANT_SETTINGS}
    for one in TENANT_SETTINGS:
        await lone_caller.client.post(address, data=usual)
        assert (await lone_caller.client.post(address, data={one.name: str(another(one))})).status_code == 303
        async with lone_caller.context.database.read() as session:
            stored = await get_settings(session, TENANT)
        assert stored == TenantSettings(**{one.name: another(one)})
        page = (await lone_caller.client.get(address)).text
        assert f"{one.about.label}: <b>{one.words(another(one))}</b>" in page
