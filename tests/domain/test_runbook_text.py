"""Runbooks as text: what is refused, where, and with which mend."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.duration import format_duration, parse_duration
from domain.runbooks.runbook import Approval, Risk, Runbook, runbook_json_schema
from domain.runbooks.text import Problem, RunbookInvalid, dump_runbook, parse_runbook

GOOD = """\
id: nginx-disk-full            # stable
version: 3
title: Free disk space on a web server
match:
  symptoms: ["no space left on device", "filesystem almost full"]
  services: [nginx]
  labels: {alertname: NodeFilesystemAlmostOutOfSpace}
description: Compress and rotate old access logs, then restart nginx.
risk: medium
target: ci
inputs:
  keep_days: {type: integer, default: 7, minimum: 1, description: Days of logs to keep}
prechecks:
  - name: The disk really is full
    run: test "$(df --output=pcent /var | tail -1 | tr -dc 0-9)" -ge 85
steps:
  - name: Compress old logs
    run: find /var/log/nginx -name '*.log.*' ! -name '*.gz' -mtime +"$keep_days" -print -exec gzip {} +
    register: compressed
    timeout: 10m
    rollback: printf '%s\\n' "$compressed" | xargs -r -I{} gunzip {}.gz
  - name: Restart nginx
    run: systemctl restart nginx
    approval: required
    rollback: {run: systemctl start nginx, timeout: 1h30m, retries: 2}
postchecks:
  - name: There is room again
    run: test "$(df --output=pcent /var | tail -1 | tr -dc 0-9)" -lt 80
    retry: {attempts: 5, every: 10s}
"""
ASK = {"question": "Why?", "answers": {"why": {}}}


def minimal(**changes: Any) -> dict[str, Any]:
    """A runbook of one step, as plain data; `step` changes that step."""
    step = {"name": "Do it", "run": "touch x", "rollback": "rm -f x", **changes.pop("step", {})}
    check = {"name": "Done", "run": "test -f x"}
    data = {"id": "r", "title": "R", "risk": "low", "steps": [step], "postchecks": [check], **changes}
    return {key: value for key, value in data.items() if value is not None}


def problems(document: str | bytes | dict[str, Any]) -> list[Problem]:
    text = json.dumps(document) if isinstance(document, dict) else document
    with pytest.raises(RunbookInvalid) as caught:
        parse_runbook(text, file="r.yaml")
    return caught.value.problems


def only_problem(document: str | bytes | dict[str, Any]) -> Problem:
    found = problems(document)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def problems_if_any(text: str | bytes) -> list[Problem]:
    try:
        parse_runbook(text)
    except RunbookInvalid as error:
        return error.problems
    return []


def command_problems(command: str) -> list[str]:
    """Names reported for a command of a runbook with the input `days`."""
    document = minimal(step={"run": command}, inputs={"days": {"type": "integer"}})
    found = problems_if_any(json.dumps(document))
    return [re.findall(r"\$(\w+)", problem.message)[0] for problem in found]


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


def test_dump_gives_the_same_runbook_back() -> None:
    runbook = parse_runbook(GOOD)
    assert parse_runbook(dump_runbook(runbook)) == runbook
    assert "timeout: 1h30m" in dump_runbook(runbook)


@given(
    st.text(min_size=1, max_size=200).filter(lambda text: text.strip() and "\0" not in text and text.isprintable()),
    st.lists(
        st.sampled_from(["echo a", "  indented", "\ttabbed", "", "# c", "x: y", "- z", "trailing ", "é'\""]), min_size=1
    ),
    st.integers(1, 10_000_000),
)
@settings(max_examples=60, deadline=None)
def test_dump_round_trips_whatever_the_texts_hold(question: str, lines: list[str], milliseconds: int) -> None:
    command = "true\n" + "\n".join(lines)
    ask = {"name": "q", "ask": {"question": question, "answers": {"why": {"description": question}}}}
    step = {"name": "s", "run": command, "rollback": command, "timeout": milliseconds / 1000}
    runbook = Runbook.model_validate(minimal(steps=[ask, step]))
    assert parse_runbook(dump_runbook(runbook)) == runbook


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


def test_all_problems_are_found_at_once_each_at_its_line() -> None:
    bad = (
        GOOD.replace("timeout: 10m", "timeout: soon")
        .replace("    approval: required\n", "    aproval: required\n")
        .replace("risk: medium", "risk: medum")
        .replace("-lt 80", '-lt "$limit"')
    )
    found = problems(bad)
    assert [(problem.line, problem.field) for problem in found] == [
        (9, "risk"),
        (20, "steps[0].timeout"),
        (24, "steps[1].aproval"),
        (28, "postchecks[0].run"),
    ]
    assert found[2].mend == "did you mean `approval`?"
    assert "$limit" in found[3].message
    assert "30s, 10m or 2h" in found[1].mend


def test_a_problem_reads_as_file_line_field_message_and_mend() -> None:
    text = GOOD.replace("    approval: required\n", "    aproval: required\n")
    assert str(only_problem(text)) == (
        "r.yaml:24: steps[1].aproval: a step has no field 'aproval'; mend: did you mean `approval`?"
    )


OBEYED = [  # some of those that programs obey: what is allowed is said, not what is not
    *("GCONV_PATH", "SUDO_ASKPASS", "GIT_SSH_COMMAND", "LD_AUDIT", "IFS", "BASH_ENV", "ENV", "PYTHONINSPECT", "Path"),
    *("_", "_JAVA_OPTIONS", "KUBECONFIG", "NOBODY_KNOWS_YET", "http_proxy", "rsync_proxy", "npm_config_registry"),
]


@pytest.mark.parametrize(
    ("document", "field", "words"),
    [
        (minimal(colour="red"), "colour", "no field 'colour'"),
        (minimal(step={"command": "ls"}), "steps[0].command", "did you mean `run`?"),
        (minimal(title=None), "title", "add `title:`"),
        (minimal(title=5), "title", 'write it in quotes: "5"'),
        (minimal(step={"run": True}), "steps[0].run", 'write it in quotes: "true"'),
        (minimal(step={"run": "  "}), "steps[0].run", "is blank"),
        (minimal(step={"run": "a\0b"}), "steps[0].run", "NUL"),
        (minimal(id="a b"), "id", "is no name"),
        (minimal(risk="huge"), "risk", "'none', 'low', 'medium' or 'high'"),
        (minimal(steps=[]), "steps", "at least 1"),
        (minimal(steps=[5]), "steps[0]", "must be a mapping of fields"),
        (minimal(prechecks=None) | {"prechecks": "x"}, "prechecks", "must be a list"),
        (minimal(postchecks=[]), "postchecks", "resolved only after its postchecks passed"),
        (minimal(step={"rollback": None}), "steps[0].rollback", "no_rollback"),
        (minimal(step={"no_rollback": "it only reads"}), "steps[0].no_rollback", "contradicts"),
        (minimal(step={"retries": 2}), "steps[0].retries", "idempotent: true"),
        (minimal(step={"retry": {"attempts": 2}}), "steps[0].retry", "is for prechecks"),
        (minimal(step={"run": None}), "steps[0].run", "add `run:`"),
        (minimal(step={"ask": ASK, "rollback": None}), "steps[0].ask", "of its own"),
        (minimal(step={"register": "a-b"}), "steps[0].register", "no variable name"),
        (minimal(step={"register": "PATH"}), "steps[0].register", "my_path"),
        (minimal(step={"register": "LD_PRELOAD"}), "steps[0].register", "programs obey"),
        (minimal(step={"register": "x", "sensitive": True}), "steps[0].register", "never kept"),
        (minimal(step={"expect": {"pattern": "("}}), "steps[0].expect.pattern", "not a regular expression"),
        (minimal(step={"expect": {"exit_codes": [300]}}), "steps[0].expect.exit_codes[0]", "255"),
        (minimal(step={"timeout": "soon"}), "steps[0].timeout", "30s, 10m or 2h"),
        (minimal(step={"timeout": 0}), "steps[0].timeout", "greater than"),
        (minimal(step={"when": "nosuch == 1"}), "steps[0].when", "$nosuch"),
        (minimal(step={"when": "open('x')"}), "steps[0].when", "may call only"),
        (minimal(inputs={"PATH": {}}), "inputs.PATH", "programs obey"),
        *[(minimal(inputs={name: {}}), f"inputs.{name}", "programs obey") for name in OBEYED],
        (minimal(step={"register": "GIT_DIR"}), "steps[0].register", "my_git_dir"),
        (minimal(inputs={"1a": {}}), "inputs.1a", "no variable name"),
        (minimal(inputs={"a": {"type": "integer", "default": "x"}}), "inputs.a.default", "must be an integer"),
        (minimal(inputs={"a": {"minimum": 3}}), "inputs.a.minimum", "means nothing for type string"),
        (minimal(inputs={"a": {"pattern": "["}}), "inputs.a.pattern", "not a regular expression"),
        (minimal(inputs={"a": {"default": [1]}}), "inputs.a.default", "wrong type"),
        (minimal(postchecks=[{"name": "c", "run": "true", "rollback": "x"}]), "postchecks[0].rollback", "only reads"),
        (minimal(postchecks=[{"name": "c", "run": "true", "retries": 1}]), "postchecks[0].retries", "retry:"),
        (minimal(risk="none", postchecks=None), "steps[0].rollback", "it only reads"),
    ],
)  # fmt: skip
def test_each_rule_names_its_field_and_its_mend(document: dict[str, Any], field: str, words: str) -> None:
    cleaned = {**document, "steps": [_without_none(step) for step in document["steps"]]}
    problem = only_problem(cleaned)
    assert problem.field == field
    assert words in f"{problem.message} {problem.mend}"
    assert problem.mend


def _without_none(step: Any) -> Any:
    return {key: value for key, value in step.items() if value is not None} if isinstance(step, dict) else step


def test_a_read_only_runbook_needs_neither_rollback_nor_postcheck() -> None:
    document = minimal(risk="none", postchecks=None, steps=[{"name": "Look", "run": "uptime", "register": "load"}])
    assert parse_runbook(json.dumps(document)).risk is Risk.NONE


def test_duplicates_are_found() -> None:
    step = {"name": "same", "run": "true", "no_rollback": "only reads"}
    assert only_problem(minimal(steps=[step, {**step, "name": "Same "}])).field == "steps[1].name"
    assert (
        "already registered by"
        in only_problem(minimal(steps=[{**step, "register": "a"}, {**step, "name": "b", "register": "a"}])).message
    )
    duplicate = only_problem(GOOD.replace("risk: medium", "risk: medium\nrisk: low"))
    assert (duplicate.line, duplicate.field) == (10, "risk")
    assert "first on line 9" in duplicate.message


def test_an_output_is_known_only_after_its_step() -> None:
    late = GOOD.replace('test "$(df --output=pcent /var | tail -1 | tr -dc 0-9)" -ge 85', 'test -n "$compressed"')
    problem = only_problem(late)
    assert (problem.line, problem.field) == (15, "prechecks[0].run")
    assert "only a later step registers" in problem.message
    assert problem.mend == "move the step that registers it before this one"


def test_a_misspelt_name_is_found_on_its_own_line_of_a_block() -> None:
    block = 'run: |\n      set -eu\n      echo one\n      systemctl restart "$compresed"'
    problem = only_problem(GOOD.replace("run: systemctl restart nginx", block))
    assert problem.line == 26
    assert "did you mean $compressed?" in problem.mend


def test_a_rollback_sees_its_own_step_s_output_and_no_later_one() -> None:
    first = {"name": "a", "run": "true", "register": "one", "rollback": 'echo "$one" "$two"'}
    second = {"name": "b", "run": 'echo "$one"', "register": "two", "rollback": 'echo "$one" "$two"'}
    problem = only_problem(minimal(steps=[first, second]))
    assert problem.field == "steps[0].rollback"
    assert "$two" in problem.message


def test_answers_of_a_question_are_names_for_later_steps() -> None:
    ask = {"name": "which", "ask": {"question": "Which?", "answers": {"which": {"enum": ["a", "b"]}}}}
    use = {"name": "use", "run": 'touch "$which"', "rollback": 'rm -f "$which"', "when": "which == 'a'"}
    assert parse_runbook(json.dumps(minimal(steps=[ask, use]))).steps[0].provides == ["which"]


@pytest.mark.parametrize(
    "command",
    [
        "for f in *; do echo $f; done",
        "x=1; echo $x ${x}",
        "echo $HOME $PATH ${HOST_ROOT:-} $1 $? $$ $# $@ $!",
        "awk '{print $name}' file",
        "echo \\$name",
        "echo ${maybe:-none} ${maybe-} ${maybe:+x}",
        ": ${made:=1}; echo $made",
        "while IFS=: read -r user _ uid; do echo $user $uid; done < /etc/passwd",
        "while read line; do echo $line; done",
        "local_name=$(date +%s); export other=$local_name; echo $other",
        "cat <<'EOF'\n$nothing\nEOF\necho $days",
        "cat <<-\\EOF\n\t$nothing\n\tEOF\necho $days",
        "# about $nothing\necho $days",
        "echo \"$(awk '{print $inner}' file) $days\"",
        "printf -v made '%s' 1; echo $made",
        "while getopts ab: option; do echo $option; done",
        "echo $((days + 1)) $(( days << 2 ))",
        'curl -x "$http_proxy" http://x',
        "docker inspect -f '{{.State.Status}}' web",
        "docker ps --format '{{.Names}} {{json .Ports}}'",
        "echo $'a\\'$b'",
        "read -r a b <<END\n$days\nEND\necho $a $b",
        "echo \"cost 5$\" '$nothing'",
        "find . -exec echo {} +",
    ],
)
def test_the_shell_s_own_variables_are_no_problem(command: str) -> None:
    assert command_problems(command) == []


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("echo $typo", ["typo"]),
        ('echo "${typo}"', ["typo"]),
        ('echo "it\'s $typo"', ["typo"]),
        ("echo ${#typo} ${typo%.gz} ${typo:?missing}", ["typo"]),
        ('echo "$(cat $inner)" $outer', ["inner", "outer"]),
        ("echo `cat $inner`", ["inner"]),
        ("export PATH=$typo:/bin", ["typo"]),
        ("cat <<EOF\nit's $typo \"\nEOF", ["typo"]),
        ("echo $((1 << $typo))\n", ["typo"]),
        ("echo '$fine' $typo", ["typo"]),
        ("echo a#b $typo", ["typo"]),
        ("test $days -gt 1 && echo ${dayz}", ["dayz"]),
    ],
)
def test_names_that_nobody_sets_are_found(command: str, names: list[str]) -> None:
    assert command_problems(command) == names


@pytest.mark.parametrize(
    "template",
    ["{{ ticket.title }}", "{{days}}", "${{ inputs.days }}", "{{ days | quote }}", "{% if x %}", "{% raw %}"],
)
def test_templates_are_refused(template: str) -> None:
    problem = only_problem(minimal(step={"run": f"echo '{template}'"}, inputs={"days": {}}))
    assert problem.mend == "use $name; values arrive as variables"
    for field, value in (("default", template), ("enum", ["plain", template])):
        spec = {"days": {field: value}}
        asks = {"name": "Ask", "ask": {"question": "How many?", "answers": spec}}
        for document in (minimal(inputs=spec), minimal(steps=[asks, {"name": "Do", "run": "x", "rollback": "y"}])):
            problem = only_problem(document)
            assert str(problem.field).endswith(f".days.{field}")
            assert "template" in problem.message


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
