"""Names that stand in histories: the worker still knows every one of them, and none is there by chance."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio import activity, workflow

from db.engine import Database
from tests.temporal_server import CIPHER
from worker import WORKFLOWS, activities_of
from workflows.names import ActivityName, QueryName, SignalName
from workflows.ticket import TicketWorkflow

HISTORIES = sorted((Path(__file__).parent.parent / "histories").glob("*.json"))


@pytest.fixture(scope="module")
def registered() -> dict[str, set[str]]:
    """By what they are, the names that a worker registers."""
    activities = activities_of(Database("sqlite+aiosqlite://"), CIPHER, {})
    ticket = workflow._Definition.must_from_class(TicketWorkflow)
    return {
        "activityType": {str(activity._Definition.must_from_callable(one).name) for one in activities},
        "workflowType": {str(workflow._Definition.must_from_class(one).name) for one in WORKFLOWS},
        "signalName": {str(name) for name in ticket.signals},
        "queryType": {str(name) for name in ticket.queries},
    }


def names_in(event: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Yield what an event names, and how."""
    for value in event.values():
        if isinstance(value, dict):
            for key in ("activityType", "workflowType", "signalName", "queryType"):
                if key in value:
                    yield key, value[key]["name"] if isinstance(value[key], dict) else value[key]


def test_every_name_in_a_committed_history_is_registered(registered: dict[str, set[str]]) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for path in HISTORIES:
        for event in json.loads(path.read_text(encoding="utf-8"))["events"]:
            for kind, name in names_in(event):
                found[kind].add(name)
    assert found["activityType"]
    assert found["signalName"]
    assert {kind: names - registered[kind] for kind, names in found.items() if names - registered[kind]} == {}


def test_every_registered_name_is_written_down_and_only_those(registered: dict[str, set[str]]) -> None:
    """A name that follows from a function's would change with it, and a waiting ticket would wait for ever."""
    assert registered["activityType"] == set(ActivityName)
    assert registered["signalName"] == set(SignalName)
    assert registered["queryType"] == set(QueryName)


def test_every_name_is_given_where_it_is_registered() -> None:
    """Not taken from the function, where a rename would change it unseen."""
    root = Path(__file__).parent.parent.parent
    for path in [*root.glob("activities/*.py"), *root.glob("workflows/*.py")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith(("@activity.defn", "@workflow.signal", "@workflow.query", "@workflow.defn")):
                assert "name=" in line, f"{path.name}: {line.strip()}"
