"""The rules of runbooks: each problem names its field, its line and its mend."""

import json
from typing import Any

import pytest

from domain.runbooks.runbook import Risk
from domain.runbooks.text import parse_runbook
from tests.domain.runbooks.runbook_documents import ASK, GOOD, command_problems, minimal, only_problem, problems


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


# What is wrong with a field may be all that is: nothing else follows from what it would have said.
MISSHAPEN = [
    *[
        (minimal(step={name: [["x"]]}), name)
        for name in ("run", "rollback", "rollback_scope", "register", "timeout", "expect", "approval")
    ],
    (minimal(step={"no_rollback": "x", "rollback": None}), "no_rollback"),
    (minimal(step={"ask": "x", "run": None, "rollback": None}), "ask"),
    (minimal(step={"idempotent": "perhaps", "retries": 2}), "idempotent"),
    (minimal(step={"retries": "x", "idempotent": True}), "retries"),
]


@pytest.mark.parametrize(("document", "field"), MISSHAPEN)
def test_a_misshapen_field_is_the_only_problem(document: dict[str, Any], field: str) -> None:
    document["steps"] = [_without_none(step) for step in document["steps"]]
    found = problems(document)
    assert all(problem.field.startswith(f"steps[0].{field}") for problem in found), [str(one) for one in found]
