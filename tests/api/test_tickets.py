"""Filing and finding tickets; no Temporal needed."""

from tests.api.caller import TENANT, Caller

PATH = f"/tickets/{TENANT}/tickets"
WIRE = {
    *("title", "description", "status", "severity", "classification", "classification_confidence", "environment"),
    *("service", "created_at", "analyzed_at", "resolved_at", "id", "source", "external_id", "occurrences"),
    "status_reason",
}


async def test_a_ticket_is_taken_while_temporal_is_down(lone_caller: Caller) -> None:
    body = {
        "title": "/var is full",
        "description": "No space left on device.",
        "severity": "high",
        "source": "alertmanager",
        "external_id": "abc",
        "environment": "production",
        "service": "nginx",
        "metadata": {"ci_name": "web-01"},
    }
    answer = await lone_caller.post(PATH, body)
    assert answer.status_code == 202
    ticket = answer.json()
    assert ticket.items() >= body.items()
    assert ticket["status"] == "open"
    assert ticket["created_at"].endswith("Z")
    assert ticket["workflow_id"] == f"ticket:demo:{ticket['id']}"
    assert ticket["temporal_url"].endswith(f"/namespaces/test-0/workflows/ticket%3Ademo%3A{ticket['id']}")
    assert answer.headers["location"] == f"/api/v1/tickets/demo/tickets/{ticket['id']}"

    detail = await lone_caller.ticket(ticket["id"])
    assert detail.items() >= ticket.items()
    empty: dict[str, object] = {
        "matched_runbooks": [],
        "plan": None,
        "executions": [],
        "decisions": [],
        "analysis": None,
    }
    assert detail.items() >= {**empty, "waits_for_step": None}.items()


async def test_the_same_open_ticket_is_one_more_occurrence(lone_caller: Caller) -> None:
    body = {"title": "disk", "source": "nagios", "external_id": "7"}
    first = await lone_caller.post(PATH, body)
    second = await lone_caller.post(PATH, body)
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["occurrences"] == 2
    events = (await lone_caller.get(f"{PATH}/{first.json()['id']}/timeline")).json()
    assert [(event["kind"], event["actor"]) for event in events["items"]] == [
        ("ticket_filed", "sam"),
        ("ticket_occurred", "sam"),
    ]


async def test_pages_follow_each_other_without_gap_or_repeat(lone_caller: Caller) -> None:
    filed = [await lone_caller.file(f"ticket {number}") for number in range(7)]
    found: list[str] = []
    cursor = None
    while True:
        page = (await lone_caller.get(PATH, params={"limit": 3} | ({"cursor": cursor} if cursor else {}))).json()
        assert len(page["items"]) <= 3
        assert all(item.keys() >= WIRE for item in page["items"])
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await lone_caller.file("filed in between; newer than every page to come")
    assert found == filed[::-1]


async def test_filters_and_search(lone_caller: Caller) -> None:
    await lone_caller.file("disk full", severity="high", source="zabbix", service="nginx")
    await lone_caller.file("100% CPU", severity="low", source="nagios", description="load of the Database")
    await lone_caller.file("memory", severity="info", source="nagios", service="redis")

    async def titles(query: str) -> list[str]:
        answer = await lone_caller.get(f"{PATH}?{query}")
        assert answer.status_code == 200, answer.text
        return sorted(item["title"] for item in answer.json()["items"])

    assert await titles("severity=high&severity=low") == ["100% CPU", "disk full"]
    assert await titles("source=nagios") == ["100% CPU", "memory"]
    assert await titles("source=nagios&service=redis") == ["memory"]
    assert await titles("status=open&q=DISK") == ["disk full"]
    assert await titles("q=database") == ["100% CPU"]
    assert await titles("q=%25") == ["100% CPU"]
    assert await titles("status=resolved") == []
    assert await titles("classification=true_positive") == []
