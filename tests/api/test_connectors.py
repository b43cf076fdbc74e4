"""What a connector says of itself is all that anybody asks: nothing asks for a kind by name."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from commands.api.describe import target_words
from domain.connections.connection import Connection, NewConnection
from domain.connectors import CONNECTORS
from domain.connectors.connector import COMMON, Connector, FieldKind
from domain.connectors.local import Local
from domain.plans.plan import LOCAL, Target
from domain.plans.policy import PolicyQuestion, decide
from domain.runbooks.text import parse_runbook
from domain.tenant import TenantSettings
from integrations.runner import SessionRunner
from integrations.runners import runner_class
from tests.api.caller import TENANT, Caller
from tests.api.test_problems import assert_problem
from tests.shell_connector import Shell

ROOT = Path(__file__).parents[2]
NOT_OURS = {"tests", ".venv", "var"}
NAMED = {FieldKind.CREDENTIAL, FieldKind.HOST_KEY}
LOOK = "id: look\ntitle: Look\nrisk: none\ntarget: local\nsteps:\n  - {name: Look, run: uptime}\n"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector of somebody's own."""
    monkeypatch.setitem(CONNECTORS, Shell.name, Shell())


@pytest.mark.parametrize("kind", [*CONNECTORS.values(), Shell()], ids=lambda kind: kind.name)
def test_every_kind_says_what_is_asked_of_it(kind: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONNECTORS, kind.name, kind)
    assert issubclass(runner_class(kind), SessionRunner)
    assert kind.called
    assert kind.test_words
    by_kind = {field.name: field.kind for field in kind.fields if field.kind in NAMED}
    assert by_kind == {name: name for name in by_kind}  # a secret or a key in another field would not be found
    assert not kind.own_fields.keys() & {*Connection.model_fields, *Target.model_fields}
    values: dict[str, Any] = {field.name: field.example or "ops" for field in kind.fields if field.is_needed}
    made = NewConnection(name="one", connector=kind.name, **values)
    for missing in kind.needs:
        with pytest.raises(ValidationError, match=f"{kind.called} needs {missing}"):
            NewConnection(name="one", connector=kind.name, **{name: values[name] for name in values if name != missing})
    target = Target.of(made)
    assert target.words
    assert target.lease
    assert target.is_recognisable is not kind.has_host_key
    words = f"one ({'' if kind.is_own_host else f'{kind.name} '}{target.words}"
    words += f" with credential {target.credential})" if kind.has_credential else ")"
    assert target_words(target.model_dump(mode="json")) == words


def test_every_kind_is_in_the_docs_with_its_fields() -> None:
    page = (ROOT / "docs" / "own-hosts.md").read_text(encoding="utf-8")
    table = page[page.index("## Which connector") : page.index("## What a host needs")]
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", table, re.MULTILINE)
    documented = {name: re.findall(r"`(\w+)`", fields) for name, fields in rows}
    assert documented == {name: [field.name for field in kind.fields] for name, kind in CONNECTORS.items()}


async def test_the_form_has_every_kind_with_its_fields(lone_caller: Caller, shell: None) -> None:
    for kind in CONNECTORS.values():
        page = (await lone_caller.client.get(f"/t/{TENANT}/new-connection?connector={kind.name}")).text
        assert re.findall(r"<option (?:selected)?>(\w+)</option>", page) == [*CONNECTORS]
        own = page[page.index('id="own"') : page.index('for="aliases"')]
        assert re.findall(r' name="(\w+)"', own) == [field.name for field in kind.fields]
        assert all(f">{field.label} <span" in own for field in kind.fields)


async def test_the_api_takes_the_fields_of_the_connector_and_no_others(lone_caller: Caller, shell: None) -> None:
    at, box = f"/connections/{TENANT}", {"name": "box", "connector": "shell", "directory": "/srv"}
    for change, field, words in (
        ({"level": 10}, "level", "less than or equal to 9"),
        ({"directory": "srv"}, "directory", "pattern"),
        ({"directory": ["/srv"]}, "directory", "valid string"),
        ({"colour": "red"}, "colour", "no field of this"),
        ({"colour": ["red"]}, "colour", "no field of this"),
        ({"connector": "local"}, "directory", "no field of this"),
    ):
        problem = assert_problem(await lone_caller.post(at, box | change), 422, words)
        assert [error["field"] for error in problem["errors"]] == [field]
    kept = (await lone_caller.post(at, box)).json()
    assert {name: kept[name] for name in Shell().own_fields} == {"directory": "/srv", "level": 1}
    assert (await lone_caller.get(f"{at}/box")).json() == kept
    schemas = (await lone_caller.client.get("/openapi.json")).json()["components"]["schemas"]
    for name in ("Connection", "NewConnection", "Target"):
        assert schemas[name]["additionalProperties"] is False
        assert schemas[name]["properties"]["connector"]["enum"] == [*CONNECTORS]
        assert schemas[name]["properties"]["directory"]["description"] == "Where commands start."


def test_a_connection_without_own_fields_is_written_as_ever() -> None:
    common = {"name", "connector", *COMMON}
    assert Connection(name="here", connector="local").model_dump().keys() == common | {"aliases", "tags"}
    assert LOCAL.model_dump().keys() == common


def test_what_cannot_supervise_gets_only_what_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Local, "supervises", False)

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
        if ast.unparse(node).endswith((".connector", "['connector']", ".kind.name"))
    ]


def test_nothing_asks_for_a_kind_by_name(tmp_path: Path) -> None:
    ours = [path for path in ROOT.rglob("*.py") if not NOT_OURS & set(path.relative_to(ROOT).parts)]
    assert not {str(path): lines for path in ours if (lines := compared_kinds(path))}
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "api" / "templates").rglob("*.html")]
    assert not [page for page in pages if re.search(r"(connector|kind\.name) == *[\"']", page)]
    seen = tmp_path / "seen.py"
    seen.write_text("a = x.connector is Ssh.name\nb = x['connector'] == 'ssh'\n")
    assert set(compared_kinds(seen)) == {1, 2}
