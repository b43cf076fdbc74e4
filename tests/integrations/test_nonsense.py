"""A host that answers nonsense costs its own step, never the worker: one kind of error, within its time."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connections.host import CommandResult
from integrations import attempt, runner
from integrations.connector import HostRefused, HostUnreachable
from integrations.frames import MAX_LINE, MAX_PIECE, MAX_STATUS, MAX_TOTAL, ProtocolBroken, parse_end, parse_piece
from integrations.ssh import SshRunner
from tests.integrations.hosts import Host
from tests.logins import forging
from tests.sshd import Sshd

ENDLESS = "while :; do cat block; done"
Forge = Callable[..., Host]

# What a host may answer after the supervisor's first line, as shell commands; `big` prints so many letters.
BROKEN = {
    "words for numbers": "printf 'out abc def\\n'",
    "a negative number": "printf 'out -1 5\\n'",
    "a number beyond any": "printf 'end exited 99999999999999999999 0 0 \\n'",
    "a status beyond any": f"printf 'end exited {MAX_STATUS + 1} 0 0 \\n'",
    "a total beyond any": f"printf 'end exited 0 {MAX_TOTAL + 1} 0 \\n'",
    "digits of another script": "printf 'out \\331\\241 \\331\\242\\n'",
    "a piece beyond any": f"printf 'out 0 {MAX_PIECE + 1}\\n'",
    "a piece of nothing": "printf 'out 0 0\\n'",
    "a piece again": "printf 'out 0 3\\nabcout 0 3\\nabc'",
    "another stream": "printf 'log 0 3\\nabc'",
    "an unknown end": "printf 'end finished 0 0 0 \\n'",
    "an unknown reason": "printf 'end unknown <b>why</b> 0 0 \\n'",
    "unknown streams cut": "printf 'end exited 0 0 0 all\\n'",
    "too few fields": "printf 'end exited 0\\n'",
    "more bytes than it sent": "printf 'end exited 0 5 0 \\n'",
    "fewer bytes than it sent": "printf 'out 0 3\\nabcend exited 0 0 0 \\n'",
    "an empty line": "printf '\\n'",
    "bytes that are no text": "printf '\\377\\376\\000\\n'",
    "a line without end": f"head -c {MAX_LINE + 10} /dev/zero | tr '\\0' x; sleep 600",
    "a terminal's language": "printf '\\033]0;gotcha\\007\\033[2J\\n'",
    "beats without end": "yes .",
}
SILENT = {
    "nothing at all": "sleep 600",
    "output without end": "at=0; while :; do echo out $at 65536; cat block; at=$((at+65536)); done",
}


@pytest.fixture
async def forge(tmp_path: Path) -> AsyncIterator[Forge]:
    """Makes a host whose login shell writes the supervisor's first line and then whatever a shell command prints."""
    forged: list[Host] = []

    def make(answer: str, before: str = "") -> Host:
        script = tmp_path / f"forger{len(forged)}"
        script.write_text(forging(answer, before=f"cd {tmp_path}\n{before}"))
        sshd = Sshd(tmp_path / f"host{len(forged)}", shell=f"/bin/sh {script}")
        sshd.start()
        forged.append(Host(SshRunner(patience=0.2), sshd.address, sshd.secret, sshd))
        return forged[-1]

    (tmp_path / "block").write_bytes(b"x" * 65536)
    yield make
    for host in forged:
        await host.runner.close()
        host.sshd.close()


@pytest.mark.sshd
async def test_a_broken_protocol_is_unknown_with_words(forge: Forge) -> None:
    """One host for all answers: it reads what it shall say."""
    host = forge(". ./answer")
    said: dict[str, CommandResult] = {}
    for kind, answer in BROKEN.items():
        (host.sshd.home.parent.parent / "answer").write_text(answer)
        said[kind] = await host.run(f"attempt-{len(said)}", "echo hello >ledger")
    assert {kind: result.status for kind, result in said.items()} == dict.fromkeys(BROKEN, "unknown")
    for kind, result in said.items():
        assert "does not answer as Handrail's supervisor does" in result.detail, kind
        assert len(result.detail) < 300, kind
        assert result.detail.isprintable(), kind


@pytest.mark.sshd
@pytest.mark.parametrize("kind", SILENT)
async def test_a_host_without_an_end_is_left_when_its_time_is_over(
    forge: Forge, host: Host, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Meanwhile other hosts have their turn, and so has a cancel."""
    monkeypatch.setattr(attempt, "GRACE_SECONDS", 1.0)
    endless = forge(SILENT[kind])
    running = endless.begin("one", "true", timeout_seconds=1)
    assert (await host.run("other", "echo hello")).stdout == b"hello\n"
    assert (await running).status == "unknown"
    monkeypatch.setattr(attempt, "GRACE_SECONDS", 3600.0)
    monkeypatch.setattr(runner, "KILL_SECONDS", 1.0)
    cancelled = endless.begin("two", "true", timeout_seconds=3600)
    assert (await host.run("another", "echo hello")).stdout == b"hello\n"
    cancelled.cancel()
    with pytest.raises(HostUnreachable):  # nobody knows what became of it
        await cancelled


@pytest.mark.sshd
async def test_a_greeting_without_end_is_a_refusal(forge: Forge, host: Host) -> None:
    """Nothing was sent, so nothing is unknown."""
    endless = forge("", before=ENDLESS)
    running = endless.begin("one", "true")
    assert (await host.run("other", "echo hello")).stdout == b"hello\n"
    with pytest.raises(HostRefused):
        await running


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("identify_record", "printf 'text %0200d\\n' 1"),
        ("identify_record", "printf 'text a b\\n'"),
        ("identify_record", "printf 'text ../../etc\\n'"),
        ("identify_record", "printf 'end exited 0 0 0 \\n'"),
        ("check", "printf 'fine\\n'"),
        ("check", f"head -c {MAX_LINE + 10} /dev/zero | tr '\\0' x"),
        ("kill", "printf 'end exited\\n'"),
        ("kill", "printf 'text killed\\n'"),
        ("clean", "printf 'removed many\\n'"),
        ("clean", f"printf 'removed {MAX_TOTAL + 1}\\n'"),
    ],
)
async def test_an_answer_to_a_question_is_checked_too(forge: Forge, question: str, answer: str) -> None:
    host = forge(answer)
    more: dict[str, tuple[object, ...]] = {"kill": ("one",), "clean": (60.0,)}
    ask: Callable[..., Awaitable[object]] = getattr(host.runner, question)
    with pytest.raises(ProtocolBroken):
        await ask(host.address, host.secret, *more.get(question, ()))


words = st.lists(
    st.sampled_from(["out", "err", "end", "exited", "unknown", "gone", "0", "7", "-", "9" * 20, ""]), max_size=7
)


@given(st.one_of(st.text(max_size=40), words.map(" ".join)))
def test_any_line_is_a_frame_or_a_broken_protocol(line: str) -> None:
    word, _, rest = line.partition(" ")
    with contextlib.suppress(ProtocolBroken):
        piece = parse_piece(word, rest)
        assert 0 < piece.length <= MAX_PIECE
        assert 0 <= piece.offset <= MAX_TOTAL
    with contextlib.suppress(ProtocolBroken):
        end = parse_end(rest)
        assert end.exit_status is None or 0 <= end.exit_status <= MAX_STATUS
        assert max(end.stdout_bytes, end.stderr_bytes) <= MAX_TOTAL
