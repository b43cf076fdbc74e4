"""Expressions of `when`: what they mean, and that they can do nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.runbooks.expressions import ExpressionFailed, ExpressionInvalid, parse_expression

VALUES = {"count": "12\n", "mode": "soft", "flag": "true", "off": "false", "zero": "0", "empty": "", "size": "1.5"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("count > 9", True),
        ("count == 12", True),
        ("int(count) == 12", True),
        ("count < 9 or mode == 'soft'", True),
        ("not (count > 9 and mode != 'soft')", True),
        ("1 < size <= 1.5", True),
        ("mode in ('soft', 'hard')", True),
        ("mode not in ['hard']", True),
        ("count in (11, 12)", True),
        ("'of' in mode", True),
        ("flag", True),
        ("flag == true", True),
        ("off == False", True),
        ("off", False),
        ("zero", False),
        ("empty", False),
        ("not empty", True),
        ("mode == 200", False),
        ("mode != 200", True),
        ("len(mode) == 4", True),
        ("len(strip(count)) == 2", True),
        ("lower('SOFT') == mode", True),
        ("count > -1", True),
        ("'10' < '9'", False),
        ("float(size) > 1", True),
    ],
)
def test_what_expressions_mean(text: str, holds: bool) -> None:
    assert parse_expression(text).evaluate(VALUES) is holds


def test_names_are_the_variables_read() -> None:
    assert parse_expression("int(a) < 3 and b in (c, 'd') or true").names == {"a", "b", "c"}


@pytest.mark.parametrize(
    "text",
    [
        "", "a.b == 1", "a[0]", "open('x')", "__import__('os')", "len(a, b)", "len(a=1)", "a if b else c",
        "lambda: 1",
        "[x for x in a]", "a + 1", "a ** 9", "f'{a}'", "a := 1", "a is b", "{1: 2}", "{1}", "a; b", "a\nb",
        "b'x'", "1j",
        "...", "None", "-a", "~1", "len", "(yield)", "await a", "*a", "a == 1 &&  b", "$a == 1", "\0",
        "é == 1", "9" * 600,
        "(" * 240 + "1" + ")" * 240, " and ".join(["a"] * 90), "len.__class__", "len(*a)", "'a'.upper()",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        parse_expression(text)
    assert str(caught.value)


@pytest.mark.parametrize(
    "text", ["nosuch == 1", "mode > 3", "int(mode)", "3 in mode", "len(3)", "strip(3) == 3", "true < 2"]
)
def test_no_answer_is_an_error_that_names_the_expression(text: str) -> None:
    with pytest.raises(ExpressionFailed, match="`"):
        parse_expression(text).evaluate(VALUES)


@given(
    st.one_of(st.text(max_size=80), st.text(alphabet="ab1 <>=!()[]'\",.-+andortinl", max_size=40)), st.text(max_size=10)
)
def test_any_text_is_refused_or_answers(text: str, value: str) -> None:
    try:
        answer = parse_expression(text).evaluate({"a": value, "b": value})
    except (ExpressionInvalid, ExpressionFailed):
        return
    assert isinstance(answer, bool)
