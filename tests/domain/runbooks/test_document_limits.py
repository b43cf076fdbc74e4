"""Documents: bounded in bytes, depth and parts before they are read to the end, and at most 20 problems told."""

import json
from contextlib import suppress

import pytest

from domain.runbooks.text import RunbookInvalid, parse_runbook
from domain.text.yaml_lines import MAX_BYTES, MAX_DEPTH, MAX_NODES, TOO_MANY
from tests.documents import HEAD, largest, numbered
from tests.hostile import dear

HOSTILE = {  # where a text begins -> what is repeated behind it
    "": ("[", "{a: ", "&a *a "),
    "steps:\n": ("- a\n", "  - {name: a, run: b}\n"),
    "inputs:\n": ("  a: {type: integer, enum: [x, x]}\n",),
    "steps:\n  - run: |\n      ": ("$a ",),
}


def problems(text: str) -> list[str]:
    with pytest.raises(RunbookInvalid) as caught:
        parse_runbook(text)
    return [f"{problem.field}: {problem.message}" for problem in caught.value.problems]


def read(text: str) -> None:
    with suppress(RunbookInvalid):
        parse_runbook(text)


@pytest.mark.parametrize("start", HOSTILE)
def test_work_grows_with_the_text(start: str) -> None:
    assert dear(lambda text: read(f"{HEAD}{start}{text}"), HOSTILE[start]) == {}


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}steps:\n" + numbered("  - {name: a, run: b}\n", 1_500),
        f"{HEAD}steps:\n" + numbered("  - [#]\n", 2_000),
        f"{HEAD}steps:\n" + numbered("  - {name: [], run: {}, retries: x, ask: 4, when: 3}\n", 90),
        f"{HEAD}" + numbered("k#: v\n", 4_000),
        f"{HEAD}inputs:\n" + numbered("  a#: {type: integer, enum: [x, y]}\n", 50),
        f"{HEAD}steps:\n" + numbered("  - {name: a, run: $x# $y#, register: b#}\n", 99),
        f"{HEAD}steps:\n  - name: a\n    run: |\n      {numbered('$x# ', 4_000)}\n",
        numbered("id: a#\n", 2_000),
    ],
    ids=lambda text: text[-40:],
)
def test_nobody_is_told_more_than_20_problems(text: str) -> None:
    assert 1 <= len(problems(text)) <= 20


def test_bytes() -> None:
    assert problems(f"{HEAD}# {'x' * MAX_BYTES}")[0].endswith(f"at most {MAX_BYTES} are read")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[\n"])
def test_depth(opening: str) -> None:
    assert problems(opening * 5_000) == [": is nested too deeply"]
    assert "nested too deeply" not in problems("x: " + "[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2))[0]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}steps: [{'1,' * MAX_NODES}]",
        f"{HEAD}steps:\n" + "- a\n" * MAX_NODES,
        "a: &a [x,x]\nb0: &b0 [*a,*a]\n" + "".join(f"b{n + 1}: &b{n + 1} [*b{n},*b{n}]\n" for n in range(30)),
    ],
    ids=["flow", "list", "aliases"],
)
def test_parts_aliases_counted(text: str) -> None:
    assert [problem.partition(": ")[2] for problem in problems(text)] == [TOO_MANY]


def test_json_has_the_same_limits() -> None:
    assert problems(json.dumps({"steps": [0] * MAX_NODES})) == [f": {TOO_MANY}"]
    assert problems('{"a":' * 3_000 + "1" + "}" * 3_000) == [": is nested too deeply"]


def test_the_largest_there_may_be_is_read() -> None:
    assert MAX_BYTES * 0.9 < len(largest()) <= MAX_BYTES
    assert len(parse_runbook(largest()).steps) == 100


@pytest.mark.parametrize("number", ["0x" + "f" * 5_000, "-0b" + "1" * 20_000, "0o" + "7" * 6_000, "9" * 5_000])
def test_a_number_that_is_longer_than_numbers_are_written_is_told_like_any_other(number: str) -> None:
    for field in ("id", "approval_timeout", "version"):
        told = problems(f"{field}: {number}\ntitle: x\nsteps: [{{name: a, run: 'true', retries: {number}}}]\n")
        assert any(problem.startswith((field, f"line 1: {field}")) or field in problem for problem in told), told
