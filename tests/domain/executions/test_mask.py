"""Values are hidden in output wherever it was cut: while it grows, beside what was left out, in a sentence's middle."""

import pytest

from domain.executions.mask import MARK, Mask
from domain.executions.output import LEFT_OUT, KeptOutput

SECRET = "swordfish-QZXV"
HIDDEN = MARK.encode()


def kept(text: bytes, keep: int, piece: int) -> KeptOutput:
    output = KeptOutput(keep)
    for begin in range(0, len(text), piece):
        output.add(begin, text[begin : begin + piece])
    return output


def parts(secret: str, size: int) -> list[bytes]:
    return [secret[begin : begin + size].encode() for begin in range(len(secret) - size + 1)]


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_nothing_of_a_value_is_seen_while_output_grows(piece: int) -> None:
    text = f"token {SECRET}, again {SECRET}{SECRET} end".encode()
    for end in range(len(text) + 1):
        shown = Mask([SECRET]).hide(kept(text[:end], 1000, piece).value(), LEFT_OUT, is_whole=False)
        assert not any(part in shown for part in parts(SECRET, 2)), (end, shown)
    whole = Mask([SECRET]).hide(text, LEFT_OUT)
    assert whole == b"token %s, again %s%s end" % (HIDDEN, HIDDEN, HIDDEN)


def test_nothing_of_a_value_is_left_beside_what_was_left_out() -> None:
    """At every place where the head may end and the tail begin."""
    for before in range(40):
        text = b"=" * before + SECRET.encode() + b"=" * (200 - before) + SECRET.encode() + b"=" * (40 - before)
        output = kept(text, 150, 7)
        assert b"bytes left out" in output.value()
        shown = Mask([SECRET]).hide(output.value(), LEFT_OUT)
        assert b"bytes left out" in shown
        assert not any(part in shown for part in parts(SECRET, 2)), (before, shown)


def test_lines_of_a_value_and_what_is_no_text() -> None:
    mask = Mask(["-----BEGIN-----\nabcdefgh\n-----END-----\n", "p\udcffssword"])
    assert mask.hide(b"first abcdefgh, then p\xffssword", LEFT_OUT) == b"first %s, then %s" % (HIDDEN, HIDDEN)
    assert mask.is_in(b"x p\xffssword")
    assert not mask.is_in(b"password")


def test_a_sentence_that_was_cut_in_a_value() -> None:
    for length in range(4, len(SECRET) + 1):
        assert Mask([SECRET]).words(f"exit status 3: no {SECRET[:length]}") == f"exit status 3: no {MARK}"


def test_output_without_sensitive_inputs_is_left_as_it_is() -> None:
    assert Mask([]).hide(b"\xff\n[5 bytes left out]\n", LEFT_OUT) == b"\xff\n[5 bytes left out]\n"
