"""Signatures: only what a secret of the source made counts, and only for five minutes where a time is signed."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from domain.sources.registry import SENDERS
from domain.sources.signing import WINDOW, HmacForm, Unsigned

NOW = datetime(2026, 11, 30, 8, 15, tzinfo=UTC)
SECRET, OTHER, WRONG = "first-secret-of-ours", "second-secret-of-ours", "nobody's secret here"
BODY = b'{"a": "\xff"}'
SECOND = timedelta(seconds=1)
FORMS = {
    **{kind: sender.signing for kind, sender in SENDERS.items() if sender.signing},
    "base64, no separator": HmacForm(header="X-S", encoding="base64", timestamp_header="X-T", separator=""),
}
forms = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))


def sign(form: HmacForm, secret: str = SECRET, body: bytes = BODY, at: datetime = NOW) -> dict[str, str]:
    """Sign as senders do, from their documentation and not with our code."""
    time = str(int(at.timestamp()))
    signed = f"{time}{form.separator}".encode() + body if form.timestamp_header else body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256)
    written = digest.hexdigest() if form.encoding == "hex" else base64.b64encode(digest.digest()).decode()
    headers = {form.header.lower(): form.prefix + written}
    return headers | ({form.timestamp_header.lower(): time} if form.timestamp_header else {})


@forms
def test_either_secret_signs_and_nothing_else_does(form: HmacForm) -> None:
    for at, secret in enumerate((SECRET, OTHER)):
        assert form.check(sign(form, secret), BODY, [SECRET, OTHER], NOW) == at
    name = form.header.lower()
    right = sign(form)
    wrong: list[tuple[dict[str, str], bytes]] = [
        (sign(form, WRONG), BODY),
        (right, BODY + b" "),
        ({}, BODY),
        (right | {name: ""}, BODY),
        (right | {name: form.prefix}, BODY),
        (right | {name: right[name][:-1]}, BODY),
        (right | {name: form.prefix + "\xe9"}, BODY),
    ]
    if form.prefix:
        wrong.append((right | {name: right[name].removeprefix(form.prefix)}, BODY))
    for headers, body in wrong:
        with pytest.raises(Unsigned) as refused:
            form.check(headers, body, [SECRET, OTHER], NOW)
        assert not refused.value.is_late
    with pytest.raises(Unsigned):
        form.check(right, BODY, [], NOW)


def test_a_sender_that_changes_its_secret_signs_with_both() -> None:
    form = FORMS["pagerduty"]
    both = ", ".join(sign(form, one)[form.header.lower()] for one in (WRONG, SECRET))
    assert form.check({form.header.lower(): both}, BODY, [OTHER, SECRET], NOW) == 1


@pytest.mark.parametrize("form", [one for one in FORMS.values() if one.timestamp_header])
def test_a_signature_counts_for_five_minutes_and_its_time_is_part_of_it(form: HmacForm) -> None:
    for away in (WINDOW, -WINDOW):
        form.check(sign(form, at=NOW + away), BODY, [SECRET], NOW)
    for away, word in ((-WINDOW - SECOND, "old"), (WINDOW + SECOND, "future")):
        with pytest.raises(Unsigned, match=word) as late:
            form.check(sign(form, at=NOW + away), BODY, [SECRET], NOW)
        assert late.value.is_late
    assert form.timestamp_header
    name = form.timestamp_header.lower()
    for changed in (str(int(NOW.timestamp()) + 1), "", "now"):
        with pytest.raises(Unsigned) as refused:
            form.check(sign(form) | {name: changed}, BODY, [SECRET], NOW)
        assert not refused.value.is_late
