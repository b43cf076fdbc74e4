"""The execution mode."""

from db.tenants import list_changes
from tests.api.caller import TENANT, Caller

PATH = f"/settings/execution-mode/{TENANT}"


async def test_the_default_is_auto_at_0_8(lone_caller: Caller) -> None:
    assert (await lone_caller.get(PATH)).json() == {
        "mode": "auto",
        "confidence_threshold": 0.8,
        "unconfirmed": "run",
    }


async def test_setting_it_keeps_what_is_not_named_and_says_who(lone_caller: Caller) -> None:
    first = await lone_caller.post(PATH, {"mode": "auto", "confidence_threshold": 0.95})
    assert first.json() == {"mode": "auto", "confidence_threshold": 0.95, "unconfirmed": "run"}
    second = await lone_caller.post(PATH, {"mode": "hil", "unconfirmed": "ask"})
    assert second.json() == {"mode": "hil", "confidence_threshold": 0.95, "unconfirmed": "ask"}
    assert (await lone_caller.get(PATH)).json() == second.json()
    async with lone_caller.services.database.read() as session:
        changes = await list_changes(session, TENANT)
    assert [(change.settings.mode.value, change.changed_by) for change in changes] == [("hil", "sam"), ("auto", "sam")]


async def test_wrong_modes(lone_caller: Caller) -> None:
    answer = await lone_caller.post(PATH, {"mode": "manual"})
    assert answer.status_code == 422
    assert "'hil' or 'auto'" in answer.json()["detail"]
    assert (await lone_caller.post(PATH, {"mode": "auto", "confidence_threshold": 1.1})).status_code == 422
    assert (await lone_caller.get(PATH)).json()["mode"] == "auto"
