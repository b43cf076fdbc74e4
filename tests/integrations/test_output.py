"""Bounded output: head and tail, and an honest line between them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.executions.output import KeptOutput

MARK = re.compile(rb"\n\[(\d+) bytes left out\]\n")


@given(st.binary(max_size=3000), st.integers(200, 3000), st.lists(st.integers(1, 500), max_size=50))
def test_what_fits_is_whole_and_the_rest_is_head_and_tail(data: bytes, keep: int, sizes: list[int]) -> None:
    kept = KeptOutput(keep)
    at = 0
    for size in [*sizes, 3000]:
        assert kept.add(at, data[at : at + size]) == data[at : at + size]
        at = min(at + size, len(data))
    value = kept.value()
    assert kept.total == len(data)
    if len(data) <= keep:
        assert value == data
        return
    assert len(value) <= keep
    marks = [found for found in MARK.finditer(value) if int(found[1]) == len(data) - (len(value) - len(found[0]))]
    assert any(data.startswith(value[: m.start()]) and data.endswith(value[m.end() :]) for m in marks)


def test_repeated_bytes_are_taken_once() -> None:
    kept = KeptOutput(1000)
    assert kept.add(0, b"abcdef") == b"abcdef"
    assert kept.add(3, b"defghi") == b"ghi"
    assert kept.add(0, b"abc") == b""
    assert kept.value() == b"abcdefghi"
    assert kept.total == 9


def test_a_gap_is_never_closed() -> None:
    kept = KeptOutput(1000)
    kept.add(0, b"head")
    kept.add(500, b"tail")
    assert kept.value() == b"head\n[496 bytes left out]\ntail"
    assert kept.total == 504


@pytest.mark.parametrize("keep", [0, 1, 10, 63, 64, 65, 100])
def test_a_tiny_bound_holds(keep: int) -> None:
    kept = KeptOutput(keep)
    for at in range(0, 5000, 100):
        kept.add(at, b"x" * 100)
    assert len(kept.value()) <= keep
    assert kept.total == 5000
