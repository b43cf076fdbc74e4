"""Patterns from outside: linear time, bounded size, and a way on for what RE2 does not read."""

import asyncio
import threading

import pytest

from domain.text.patterns import MAX_LENGTH, MAX_PROGRAM, PatternInvalid, compile_pattern, pattern_problem

BACKTRACKERS = ["(a+)+$", "(a|aa)+$", "^(a|a?)+$", "(.*a){20}$", "(a*)*b", "([a-z]+)*[0-9]", "(?:a?){80}a{80}$"]


@pytest.mark.parametrize("pattern", BACKTRACKERS)
def test_no_text_makes_a_pattern_take_more_than_linear_time(pattern: str) -> None:
    """Python's `re` would not come back from any of these: the test's own deadline is what it would fail by."""
    text = "a" * 100_000 + "!"
    compiled = compile_pattern(pattern)
    assert not compiled.found_in(text)
    assert not compiled.fits(text)


@pytest.mark.parametrize("pattern", [".{999}", "(?:.{1,60}a){1,10}", r"\pL{500}", "a{1001}", "(a{100}){100}"])
def test_a_pattern_may_not_stand_for_too_much(pattern: str) -> None:
    with pytest.raises(PatternInvalid, match="repeat less"):
        compile_pattern(pattern)


def test_a_pattern_has_a_length() -> None:
    assert pattern_problem("a" * MAX_LENGTH) is None
    assert f"at most {MAX_LENGTH}" in str(pattern_problem("a" * (MAX_LENGTH + 1)))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        *((pattern, "looks around") for pattern in ("(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b")),
        (r"(a)\1", "refers back"),
        ("(?P<x>a)(?P=x)", "refers back"),
        (r"end\Z", r"write \z"),
        ("a{,3}", "write {0,n}"),
        ("a++", "without"),
        ("(?>a)", "without"),
        ("(", "not a regular expression: missing )"),
        ("[z-a]", "not a regular expression"),
        (r"\ua", "not a regular expression"),
        ("\ud800", "whole character"),
    ],
)
def test_what_is_not_taken_says_what_to_do(pattern: str, words: str) -> None:
    assert words in str(pattern_problem(pattern))


@pytest.mark.parametrize(
    "pattern", [r"a\{,3", r"a\++", "[+]+", r"\\Z", r"C:\\+", "(?i)ok", "(?P<x>a)", r"\d{1,3}%", "(?m)^a$"]
)
def test_what_only_resembles_it_is_taken(pattern: str) -> None:
    assert pattern_problem(pattern) is None


def test_the_end_is_before_the_newline_that_ends_the_text_too() -> None:
    """Commands end their output with one, and runbooks were written for Python's `$`."""
    active = compile_pattern("^active$")
    assert active.found_in("active")
    assert active.found_in("active\n")
    assert not active.found_in("active\n\n")
    assert not active.found_in("inactive\n")
    assert not active.fits("active\n")


def test_text_that_is_no_text_does_no_harm() -> None:
    assert compile_pattern("^a.b$").found_in("a\ud800b")
    assert compile_pattern("caf.$", ignore_case=True).found_in("CAF\N{LATIN SMALL LETTER E WITH ACUTE}")


async def test_the_loop_goes_on_while_the_dearest_pattern_reads_the_longest_output() -> None:
    pattern = compile_pattern("(?:.{1,28}a){1,9}$")
    assert pattern._pattern.programsize > MAX_PROGRAM * 0.8  # the dearest there is, or nearly
    is_done = threading.Event()

    def look() -> None:
        assert not pattern.found_in("abcdefgh " * (1 << 17))
        is_done.set()

    looking = asyncio.create_task(asyncio.to_thread(look))
    turns = 0
    while not is_done.is_set():
        await asyncio.sleep(0.001)
        turns += 1
    await looking
    assert turns > 20  # RE2 holding Python's lock would leave one or two
