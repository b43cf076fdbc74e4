"""Channels: their addresses go in and never come out."""

from tests.api.caller import Caller

CHANNELS = "/notification-channels/demo"
SECRET = "T0KEN-that-nobody-sees"


async def test_a_channel_is_stored_tried_changed_and_removed_and_its_address_is_never_said(lone_caller: Caller) -> None:
    without = await lone_caller.ask("PUT", f"{CHANNELS}/on-call", {"routes": []})
    assert (without.status_code, "url" in without.json()["detail"]) == (422, True)
    url = f"jsons://user:{SECRET}@hooks.example.com/{SECRET}"
    for refused in (f"file:///{SECRET}", f"{url}?template=/{SECRET}"):
        answer = await lone_caller.ask("PUT", f"{CHANNELS}/on-call", {"url": refused})
        assert (answer.status_code, SECRET in answer.text) == (422, False)
    added = await lone_caller.ask("PUT", f"{CHANNELS}/on-call", {"url": url})
    assert (added.status_code, added.json()["service"]) == (201, "jsons")
    again = await lone_caller.ask("PUT", f"{CHANNELS}/on-call", {"routes": [{"kinds": ["resolved"]}]})
    assert (again.status_code, again.json()["service"]) == (200, "jsons")
    tried = await lone_caller.post(f"{CHANNELS}/on-call/test", None)
    assert (tried.status_code, tried.json()["waiting"]) == (202, 1)
    shown = [await lone_caller.get(path) for path in (CHANNELS, f"{CHANNELS}/on-call")]
    assert [one.status_code for one in shown] == [200, 200]
    assert not any(SECRET in one.text for one in (added, again, tried, *shown))
    assert (await lone_caller.ask("DELETE", f"{CHANNELS}/on-call")).status_code == 204
    assert (await lone_caller.post(f"{CHANNELS}/on-call/test", None)).status_code == 404
