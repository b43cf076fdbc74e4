"""Runbooks as text: what is refused, where, and with which mend."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.duration import format_duration, parse_duration
from domain.runbooks.runbook import Approval, Risk, Runbook, runbook_json_schema
from domain.runbooks.text import RunbookInvalid, parse_runbook
from tests.domain.runbooks.runbook_documents import GOOD, minimal, only_problem, problems, problems_if_any


def test_the_design_s_example_is_read_whole() -> None:
    runbook = parse_runbook(GOOD)
    compress, restart = runbook.steps
    assert (runbook.id, runbook.version, runbook.risk, runbook.target) == ("nginx-disk-full", 3, Risk.MEDIUM, "ci")
    assert compress.register_as == "compressed"
    assert compress.timeout_seconds == 600
    assert compress.rollback is not None
    assert compress.rollback.run.startswith("printf '%s\\n' \"$compressed\"")
    assert restart.approval is Approval.REQUIRED
    assert restart.rollback is not None
    assert (restart.rollback.timeout, restart.rollback.retries.attempts) == (5400, 3)
    assert (runbook.postchecks[0].tries.attempts, runbook.postchecks[0].tries.every) == (5, 10)
    assert runbook.match.labels == {"alertname": "NodeFilesystemAlmostOutOfSpace"}


def test_json_is_read_too_tabs_and_escapes_included() -> None:
    document = minimal(title="Tab \N{PILE OF POO} / end")
    text = json.dumps(document, indent="\t").replace(" / ", " \\/ ")
    assert "\\ud83d\\udca9" in text
    assert parse_runbook(text.encode()).title == "Tab \N{PILE OF POO} / end"


def test_every_serialised_form_gives_the_same_runbook_back() -> None:
    runbook = parse_runbook(GOOD)
    assert Runbook.model_validate_json(runbook.model_dump_json()) == runbook
    assert '"register":"compressed"' in runbook.model_dump_json()
    assert parse_runbook(runbook.model_dump_json()) == runbook


def test_the_digest_is_of_the_content_not_of_the_version_or_the_writing() -> None:
    runbook = parse_runbook(GOOD)
    assert parse_runbook(GOOD.replace("version: 3", "version: 4")).content_digest() == runbook.content_digest()
    assert parse_runbook(GOOD.replace("10m", "600s")).content_digest() == runbook.content_digest()
    assert parse_runbook(GOOD.replace("-ge 85", "-ge 86")).content_digest() != runbook.content_digest()
    assert re.fullmatch("[0-9a-f]{64}", runbook.content_digest())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("- a\n- b", "not a mapping"),
        ("id: [", "is not YAML"),
        ("id: a\n\ttitle: b", "is not YAML"),
        ("id: a: b", "in quotes"),
        ("id: *nothing", "anchor"),
        (b"id: a\ntitle: \xff", "not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ("id: " + "x" * 300_000, "bytes long"),
        ("a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [" + ", ".join([f"*{chr(97 + n)}"] * 9) + "]" for n in range(9)
        ), "more than 10000 parts"),
        ("a: &a [*a]", "is nested too deeply"),
        ("id: a\n---\nid: b", "single document"),
    ],
)  # fmt: skip
def test_texts_that_are_no_document(text: str | bytes, words: str) -> None:
    problem = only_problem(text)
    assert words in f"{problem.message} {problem.mend}"


def test_a_line_is_named_where_the_text_breaks() -> None:
    assert only_problem(b"id: a\ntitle: \xff").line == 2
    assert only_problem("id: a\n\ttitle: b").line == 2


def test_tags_make_nothing_happen() -> None:
    found = problems("id: !!python/object/apply:os.system ['touch /nowhere']\n" + GOOD.split("\n", 1)[1])
    assert [problem.field for problem in found] == ["id"]
    assert "!env" in only_problem(GOOD.replace("target: ci", "target: !env X")).message


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)))
@settings(max_examples=300, deadline=None)
def test_arbitrary_text_raises_nothing_else(text: str | bytes) -> None:
    with pytest.raises(RunbookInvalid):
        parse_runbook(text)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_runbook_raises_nothing_else(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = (
            text[:at]
            + data.draw(st.text(alphabet="{}[]:&*!|>'\"-,#%@`$ \n\tab0\ud83d\u2028", max_size=6))
            + text[at + length :]
        )
    found = problems_if_any(text)
    assert all(problem.message and problem.mend and problem.line >= 1 for problem in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*"ab", "name", "run", "type", "ask"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(sorted(Runbook.model_fields)), json_values),
    st.sampled_from(["", "steps", "inputs"]),
)
@settings(max_examples=200, deadline=None)
def test_any_value_in_any_field_raises_nothing_else(fields: dict[str, Any], nested: str) -> None:
    document: dict[str, Any] = minimal(**fields)
    if nested == "steps":
        document["steps"] = [fields, {**minimal()["steps"][0], **fields}]
    if nested == "inputs":
        document["inputs"] = {"a": fields, "name": fields}
    found = problems_if_any(json.dumps(document))
    assert all(problem.message and problem.mend and problem.line >= 1 for problem in found)


def test_the_json_schema_describes_every_field_and_takes_the_short_forms() -> None:
    import jsonschema_rs

    schema = runbook_json_schema()
    for name, definition in {**schema["$defs"], "Runbook": schema}.items():
        for field, value in definition.get("properties", {}).items():
            assert value.get("description"), f"{name}.{field} has no description"
    validator = jsonschema_rs.validator_for(schema)
    document = minimal(
        step={"timeout": "10m", "idempotent": True, "retries": 2, "rollback": {"run": "x", "retries": 1}}
    )
    assert validator.is_valid(document)
    assert not validator.is_valid(minimal(step={"rollbak": "x"}))
    assert not validator.is_valid(minimal(step={"timeout": "soon"}))


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", 600), ("30s", 30), ("2h", 7200), ("1h30m", 5400), ("1.5s", 1.5), ("90", 90), (5, 5)]
)
def test_durations_as_people_write_them(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@given(st.integers(1, 2_592_000_000))
def test_durations_round_trip(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-6)
