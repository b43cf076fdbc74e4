"""Documents: bounded in bytes, depth and parts before they are read to the end, and at most 20 problems told."""

import json
from contextlib import suppress

import pytest

from domain.runbook_text import RunbookInvalid, parse_runbook
from domain.yaml_lines import MAX_BYTES, MAX_DEPTH, MAX_NODES
from tests.hostile import TOKENS, dearest

HEAD = "id: r\ntitle: A runbook\nrisk: low\n"
DOCUMENTS = {
    "bare": "",
    "steps": f"{HEAD}steps:\n",
    "inputs": f"{HEAD}inputs:\n",
    "a command": f"{HEAD}steps:\n  - name: a\n    no_rollback: none\n    run: |\n      ",
    "a flow": f"{HEAD}steps: [",
}
MORE_TOKENS = [
    *("[\n", "{\n", "{a: ", "a: [", "- - ", "? ", "&a ", "*a ", "!a ", "- a\n", "  - {name: a, run: b}\n", "  - [1]\n"),
    *(
        "  - x: y\n",
        "  a: {type: integer, enum: [x, x]}\n",
        "$a ",
        "| ",
        "> ",
        "|\n",
        "%a\n",
        "---\n",
        "...\n",
        "\\x41",
    ),
]


def problems(text: str) -> list[str]:
    with pytest.raises(RunbookInvalid) as caught:
        parse_runbook(text)
    return [f"{problem.field}: {problem.message}" for problem in caught.value.problems]


def read(text: str) -> None:
    with suppress(RunbookInvalid):
        parse_runbook(text)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("where", DOCUMENTS)
def test_work_grows_with_the_text(where: str) -> None:
    start = DOCUMENTS[where]
    assert dearest(lambda text: read(start + text), [*TOKENS, *MORE_TOKENS], ["", "]"]) == {}


def numbered(line: str, count: int) -> str:
    return "".join(line.replace("#", str(number)) for number in range(count))


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
    assert problems(f"a: {opening * 5_000}" if opening != "- " else "- " * 5_000) == [": is nested too deeply"]
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
    assert problems(text) == [f": has more than {MAX_NODES} parts, aliases counted"]


def test_json_has_the_same_limits() -> None:
    assert problems(json.dumps({"steps": [0] * MAX_NODES})) == [f": has more than {MAX_NODES} parts, aliases counted"]
    assert problems('{"a":' * 3_000 + "1" + "}" * 3_000) == [": is nested too deeply"]


def largest() -> str:
    """Return a runbook of nearly the most bytes and parts there may be, every command a different one."""
    step = "  - {name: s#, run: 'echo # $n PAD', rollback: 'true $n', when: n == '#', expect: {pattern: a}}\n"
    steps = numbered(step.replace("PAD", "x" * 1_000), 100)
    check = "  - {name: p#, run: 'echo # $n PAD', retry: {attempts: 3, every: 10s}}\n".replace("PAD", "y" * 550)
    text = f"{HEAD}inputs: {{n: {{type: string}}}}\nsteps:\n{steps}prechecks:\n{numbered(check, 100)}"
    return f"{text}postchecks:\n{numbered(check.replace('p#', 'q#'), 100)}"


def test_the_largest_there_may_be_is_read() -> None:
    assert MAX_BYTES * 0.9 < len(largest()) <= MAX_BYTES
    assert len(parse_runbook(largest()).steps) == 100
