"""What intake bears, printed: `make bench-intake`. Answers under load, and what kill -9 of the API costs. Nothing is
judged by the clock."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import pytest

from tests.e2e.running import CLI, Running, environment_for, processes_of, running
from tests.patience import PATIENCE

MINUTES = float(os.environ.get("HANDRAIL_MEASURE_MINUTES", "10"))
ALERTS_A_MINUTE = int(os.environ.get("HANDRAIL_MEASURE_ALERTS", "1000"))
KILLS = int(os.environ.get("HANDRAIL_MEASURE_KILLS", "100"))
IN_ONE = 10
NEW = 0.1  # of the alerts under load are of a problem that nobody has told yet; the others remind of one
IN_ONE_KILLED = 20
PARTS = (50, 95, 99, 100)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]


def delivery(names: list[str], at: int) -> dict[str, Any]:
    """Return what Alertmanager sends of these alerts, firing since second `at` of the day."""
    start = f"2026-11-30T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z"
    labels = {"severity": "warning", "job": "shop"}
    alerts = [
        {
            "status": "firing",
            "labels": {**labels, "alertname": name, "instance": f"{name}.example"},
            "annotations": {"summary": f"{name} is slow", "description": f"told in second {at}"},
            "fingerprint": name,
            "startsAt": start,
        }
        for name in names
    ]
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "handrail", "alerts": alerts}


@asynccontextmanager
async def client_of(handrail: Running) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client that delivers as a new source, and asks with a person's token."""
    token = (handrail.home / "token").read_text().strip()
    async with httpx.AsyncClient(base_url=f"{handrail.url}/api/v1", timeout=PATIENCE) as client:
        person = {"Authorization": f"Bearer {token}"}
        made = await client.post("/sources/demo", json={"name": "am", "kind": "alertmanager"}, headers=person)
        client.headers["Authorization"] = f"Bearer {made.json()['secret']}"
        yield client


async def occurrences(handrail: Running, client: httpx.AsyncClient) -> dict[str, int]:
    """Return how often each problem was told, by title."""
    token = (handrail.home / "token").read_text().strip()
    person = {"Authorization": f"Bearer {token}"}
    found: Counter[str] = Counter()
    query: dict[str, str] = {"limit": "200", "source": "am"}
    while True:
        page = (await client.get("/tickets/demo/tickets", params=query, headers=person)).json()
        for one in page["items"]:
            found[one["title"]] += one["occurrences"]
        if not page.get("next_cursor"):
            return found
        query["cursor"] = page["next_cursor"]


def test_load(tmp_path: Path) -> None:
    """Alerts come at their times, whether or not the ones before are answered; the lab's story is played meanwhile."""
    with running(tmp_path / "state") as handrail:
        asyncio.run(load(handrail))


async def load(handrail: Running) -> None:
    deliveries = round(MINUTES * ALERTS_A_MINUTE / IN_ONE)
    every = 60 * IN_ONE / ALERTS_A_MINUTE
    taken: list[float] = []
    told: Counter[int] = Counter()
    async with client_of(handrail) as client:
        rounds: list[None] = []
        playing = asyncio.create_task(play(handrail, rounds))
        began = perf_counter()
        names: list[str] = []
        sending: list[asyncio.Task[None]] = []

        async def send(due: float, some: list[str], at: int) -> None:
            answer = await client.post("/sources/demo/am", json=delivery(some, at))
            taken.append(perf_counter() - due)
            told[answer.status_code] += 1

        for number in range(deliveries):
            due = began + number * every
            await asyncio.sleep(max(due - perf_counter(), 0))
            new = [f"alert-{len(names) + at}" for at in range(max(round(IN_ONE * NEW), 1))]
            names += new
            old = [names[(number * 7 + at) % len(names)] for at in range(IN_ONE - len(new))]
            sending.append(asyncio.create_task(send(due, list(dict.fromkeys(new + old)), number % 86400)))
        await asyncio.gather(*sending)
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        taken.sort()
        found = await occurrences(handrail, client)
    told_at = [f"p{part} {taken[min(len(taken) * part // 100, len(taken) - 1)] * 1000:.0f} ms" for part in PARTS]
    missing = [name for name in names if f"{name} is slow" not in found]
    tell(f"{deliveries} deliveries of {IN_ONE} alerts, {ALERTS_A_MINUTE} alerts a minute: {dict(told)}")
    tell(f"answered after {', '.join(told_at)}; meanwhile the story was played {len(rounds)} times on the lab hosts")
    tell(f"{len(names)} problems, {len(found)} tickets, {len(missing)} lost")
    assert (missing, len(found)) == ([], len(names))


def tell(line: str) -> None:
    print(f"\n{line}", end="")  # noqa: T201 - this is what it is for


async def play(handrail: Running, rounds: list[None]) -> None:
    while True:
        await asyncio.to_thread(handrail.cli, "demo", "--approve")
        rounds.append(None)


def test_kills(tmp_path: Path) -> None:
    """At each point of a delivery in turn, spread over the time that one takes; what had no answer is sent again."""
    handrail = Running(tmp_path / "state", environment_for(tmp_path / "state"))
    handrail.home.mkdir()
    try:
        assert handrail.cli("migrate").returncode == 0
        asyncio.run(kill_at_each(handrail))
    finally:
        for process in processes_of(handrail.home):
            process.kill()


async def kill_at_each(handrail: Running) -> None:
    api = await started(handrail)
    unanswered = 0
    async with client_of(handrail) as client:
        takes = 0.0
        for number in range(5):
            began = perf_counter()
            await client.post("/sources/demo/am", json=delivery(names_of(f"before-{number}"), number))
            takes = max(takes, perf_counter() - began)
        for number in range(KILLS):
            body = delivery(names_of(f"kill-{number}"), number)
            sending = asyncio.create_task(client.post("/sources/demo/am", json=body))
            await asyncio.sleep(takes * 1.2 * number / KILLS)
            api.send_signal(signal.SIGKILL)
            (answer,) = await asyncio.gather(sending, return_exceptions=True)
            await api.wait()
            api = await started(handrail)
            if isinstance(answer, BaseException):
                unanswered += 1
                answer = await client.post("/sources/demo/am", json=body)
            assert answer.status_code == 202, answer.text
        found = await occurrences(handrail, client)
    api.send_signal(signal.SIGTERM)
    await api.wait()
    due = (KILLS + 5) * IN_ONE_KILLED
    doubled = sum(count - 1 for count in found.values())
    tell(f"{KILLS} kills within {takes * 1200:.0f} ms, {unanswered} deliveries without an answer, sent again")
    tell(f"{due} alerts: {due - len(found)} lost, {doubled} doubled")
    assert (len(found), doubled) == (due, 0)


def names_of(group: str) -> list[str]:
    return [f"{group}-{at}" for at in range(IN_ONE_KILLED)]


async def started(handrail: Running) -> asyncio.subprocess.Process:
    """Start the API alone, and wait until it answers."""
    with (handrail.home / "api.out").open("ab") as output:
        api = await asyncio.create_subprocess_exec(*CLI, "api", env=handrail.environment, stdout=output, stderr=output)
    async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE):
        while True:
            with suppress(httpx.TransportError):
                await client.get(f"{handrail.url}/healthz")
                return api
            await asyncio.sleep(0.02)
