"""Every kind of connector has its facts, runner, form and docs, and nothing asks for a kind by name."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from commands.describe import target_words
from domain import connectors
from domain.connection import Connection, NewConnection
from domain.connectors import FACTS, Connector
from domain.plan import LOCAL, Target
from domain.policy import PolicyQuestion, decide
from domain.runbooks.text import parse_runbook
from domain.tenant import TenantSettings
from integrations.runner import SessionRunner
from integrations.runners import make_runners
from tests.api.caller import TENANT, Caller

ROOT = Path(__file__).parents[2]
NOT_OURS = {"tests", ".venv", "var"}
GIVEN: dict[str, Any] = {"host": "10.0.3.17", "username": "handrail", "credential": "ops-key", "host_key": "ssh-rsa AA"}
LOOK = "id: look\ntitle: Look\nrisk: none\ntarget: local\nsteps:\n  - {name: Look, run: uptime}\n"


@pytest.mark.parametrize("kind", Connector)
def test_every_kind_has_facts_a_runner_and_docs(kind: Connector) -> None:
    facts = kind.facts
    assert set(facts.needs) <= GIVEN.keys() & Connection.model_fields.keys()
    NewConnection(name="one", connector=kind, **{name: GIVEN[name] for name in facts.needs})
    for missing in facts.needs:
        with pytest.raises(ValidationError, match=f"{facts.called} needs {missing}"):
            NewConnection(name="one", connector=kind, **{name: GIVEN[name] for name in facts.needs if name != missing})
    assert isinstance(make_runners(["home"])[kind], SessionRunner)
    assert f"`{kind.value}`" in (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    target = Target(name="one", connector=kind, **{name: GIVEN[name] for name in GIVEN if name != "host_key"})
    assert target.is_recognisable is not facts.has_host_key
    assert ("own host" in target_words(target.model_dump(mode="json"))) is facts.is_own_host


async def test_the_form_has_every_kind_and_every_field(lone_caller: Caller) -> None:
    page = (await lone_caller.client.get(f"/t/{TENANT}/new-connection")).text
    for kind in Connector:
        assert f">{kind.value}</option>" in page
    for name in Connection.model_fields:
        assert f' name="{name}"' in page


def test_what_cannot_supervise_gets_only_what_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connectors.FACTS, Connector.LOCAL, replace(FACTS[Connector.LOCAL], supervises=False))

    def verdict(text: str) -> str:
        question = PolicyQuestion(
            settings=TenantSettings(), runbook=parse_runbook(text), targets=[LOCAL], confidence_score=0.9
        )
        return str(decide(question).decision)

    assert verdict(LOOK) == "refuse"
    assert verdict(LOOK.replace("run: uptime", "run: uptime, supervise: false")) != "refuse"


def compared_kinds(path: Path) -> list[int]:
    """Return the lines that compare with a kind of connector."""
    return [
        node.lineno
        for compare in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(compare, ast.Compare)
        for node in [compare.left, *compare.comparators]
        if ast.unparse(node).startswith("Connector.") or ast.unparse(node).endswith((".connector", "['connector']"))
    ]


def test_nothing_asks_for_a_kind_by_name(tmp_path: Path) -> None:
    ours = [path for path in ROOT.rglob("*.py") if not NOT_OURS & set(path.relative_to(ROOT).parts)]
    assert not {str(path): lines for path in ours if (lines := compared_kinds(path))}
    pages = (ROOT / "api" / "templates").rglob("*.html")
    assert not [path for path in pages if "connector.value ==" in path.read_text(encoding="utf-8")]
    seen = tmp_path / "seen.py"
    seen.write_text("a = x.connector is Connector.SSH\nb = x['connector'] == 'ssh'\n")
    assert set(compared_kinds(seen)) == {1, 2}
