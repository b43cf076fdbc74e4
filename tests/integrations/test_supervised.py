"""One supervised command, in each shell: its output, its status, its variables, its record."""

import os
import stat
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.base import new_id
from integrations.connector import CommandRequest, HostRefused, Progress
from tests.integrations.hosts import Host, until

pytestmark = pytest.mark.sshd

NASTY = {
    "newlines": "\n\na\n\n\n",
    "quotes": "'\"`'''\"\"",
    "substitution": "$(touch spliced) `touch spliced` ${HOME} $HOME $$",
    "backslashes": "\\ \\n \\\\ \\",
    "dashes": "--help -n -e",
    "unicode": "grüße 漢字 🚀 \u202e",
    "control": "".join(chr(number) for number in range(1, 32)) + "\x7f\x80\x81\x82\x88",
    "glob": "* ? [a-z] ~ ! # ; & | < > ( ) { }",
    "empty": "",
    "blank": "  \t ",
    "bytes": bytes(range(1, 256)).decode("utf-8", "surrogateescape"),
    "assignment": "PATH=/nowhere",
}


async def test_output_status_and_streams(shell_host: Host) -> None:
    result = await shell_host.run("one", "echo out; echo err >&2; exit 7")
    assert (result.status, result.exit_status, result.detail) == ("exited", 7, "")
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")
    assert (result.stdout_bytes, result.stderr_bytes) == (4, 4)
    assert (shell_host.reported("stdout"), shell_host.reported("stderr")) == (b"out\n", b"err\n")


@pytest.mark.parametrize(
    ("command", "status"),
    [("true", 0), ("exit 255", 255), ("no-such-program", 127), ("kill -KILL $$", 137), ("kill -TERM $$", 143)],
)
async def test_how_a_command_ends(shell_host: Host, command: str, status: int) -> None:
    result = await shell_host.run("one", command)
    assert (result.status, result.exit_status) == ("exited", status)


async def test_a_command_that_does_not_parse_fails_and_says_so(shell_host: Host) -> None:
    result = await shell_host.run("one", "echo 'no end")
    assert result.status == "exited"
    assert result.exit_status not in (0, None)
    assert result.stderr


async def test_several_lines_here_documents_comments_and_input(shell_host: Host) -> None:
    command = "cat <<'EOF'\n$x `y` \\\nEOF\nread line || echo no input # comment\ncat\necho \"$#\" \\"
    result = await shell_host.run("one", command)
    assert result.stdout.startswith(b"$x `y` \\\nno input\n0")
    assert result.exit_status == 0


async def test_variables_arrive_byte_for_byte(shell_host: Host) -> None:
    command = "".join(f"printf '%s\\0' \"${name}\"; " for name in NASTY)
    result = await shell_host.run("one", command, variables=NASTY)
    assert result.stdout.split(b"\0")[:-1] == [value.encode("utf-8", "surrogateescape") for value in NASTY.values()]
    assert not (shell_host.home / "spliced").exists()


async def test_variables_reach_programs_that_the_command_starts(shell_host: Host) -> None:
    result = await shell_host.run("one", "env | grep -c '^exported=a value$'", variables={"exported": "a value"})
    assert result.stdout == b"1\n"


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"")), min_size=1, max_size=20))
async def test_any_bytes_arrive(shell_host: Host, values: list[bytes]) -> None:
    variables = {f"v{at}": value.decode("utf-8", "surrogateescape") for at, value in enumerate(values)}
    command = "".join(f"printf '%s\\0' \"${name}\"; " for name in variables)
    result = await shell_host.run(new_id(), command, variables=variables)
    assert result.stdout.split(b"\0")[:-1] == values


async def test_a_big_variable_is_usable_by_the_shell(shell_host: Host) -> None:
    value = "0123456789\n" * 50_000
    result = await shell_host.run("one", "printf '%s' \"$big\" | wc -c", variables={"big": value})
    assert result.stdout.split() == [str(len(value)).encode()]


async def test_binary_output_is_kept_as_it_is(shell_host: Host) -> None:
    (shell_host.home / "data").write_bytes(data := os.urandom(300_000) + bytes(range(256)))
    result = await shell_host.run("one", "cat data; cat data >&2")
    assert result.stdout == data
    assert result.stderr == data
    assert shell_host.reported("stdout") == data


async def test_200_megabytes_are_bounded_everywhere(shell_host: Host) -> None:
    request = CommandRequest(attempt_id="one", command="echo begin; head -c 200000000 /dev/zero; echo end")

    async def forget(_: Progress) -> None:
        """How much of it is reported depends on how quick both sides are; a test that kept it would measure itself."""

    tracemalloc.start()
    try:
        result = await shell_host.runner.run(shell_host.address, shell_host.secret, request, forget)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.status, result.exit_status, result.stdout_bytes) == ("exited", 0, 200_000_010)
    assert len(result.stdout) <= 1 << 20
    assert result.stdout.startswith(b"begin\n\0\0")
    assert result.stdout.endswith(b"\0\0end\n")
    assert b" bytes left out]\n" in result.stdout
    assert peak < 16 << 20
    assert sum(each.stat().st_size for each in shell_host.folder("one").iterdir()) < 5 << 20


async def test_many_small_writes_are_whole(shell_host: Host) -> None:
    count = 20_000
    result = await shell_host.run("one", f"i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i + 1)); done")
    assert result.stdout == b"".join(b"line %d\n" % number for number in range(count))


async def test_output_is_reported_while_the_command_runs(shell_host: Host) -> None:
    task = shell_host.begin("one", "echo first; while [ ! -e go ]; do sleep 0.05; done; echo second")
    await until(lambda: shell_host.reported("stdout") == b"first\n")
    (shell_host.home / "go").touch()
    assert (await task).stdout == b"first\nsecond\n"
    assert [each.offset for each in shell_host.seen] == [6, 13]


async def test_the_record_is_private_and_keeps_no_values(shell_host: Host) -> None:
    task = shell_host.begin("one", "while [ ! -e go ]; do sleep 0.05; done", variables={"token": "hidden-value"})
    await until(lambda: (shell_host.folder("one") / "group").exists())
    for path in [shell_host.home / ".handrail", *(shell_host.home / ".handrail").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert not path.is_file() or b"hidden-value" not in path.read_bytes()
    (shell_host.home / "go").touch()
    assert (await task).exit_status == 0


async def test_process_lists_show_neither_command_nor_values(shell_host: Host) -> None:
    command = ": hidden-command; while [ ! -e go ]; do sleep 0.05; done"
    task = shell_host.begin("one", command, variables={"token": "hidden-value"})
    await until(lambda: (shell_host.folder("one") / "group").exists())
    arguments = " ".join(" ".join(each) for each in shell_host.arguments())
    assert "handrail-supervisor" in arguments
    assert "hidden" not in arguments
    (shell_host.home / "go").touch()
    await task


async def test_the_command_has_the_users_own_umask_and_starts_at_home(shell_host: Host) -> None:
    plain = await shell_host.run("plain", "umask; pwd", supervise=False)
    result = await shell_host.run("one", "umask; pwd")
    assert result.stdout == plain.stdout
    assert result.stdout.endswith(f"{shell_host.home}\n".encode())


async def test_a_daemon_left_behind_does_not_hold_the_result(shell_host: Host) -> None:
    result = await shell_host.run(
        "one", "echo started; { while [ ! -e go ]; do sleep 0.05; done; echo late; } & exit 3"
    )
    assert (result.exit_status, result.stdout) == (3, b"started\n")
    (shell_host.home / "go").touch()
    await until(lambda: not shell_host.sshd.processes())
    assert b"late\n" in b"".join(each.read_bytes() for each in shell_host.folder("one").glob("out.*"))


async def test_check_tells_of_the_host(shell_host: Host) -> None:
    assert os.uname().nodename in await shell_host.runner.check(shell_host.address, shell_host.secret)


async def test_clean_removes_ended_runs_and_no_others(shell_host: Host) -> None:
    for name in ("old", "young"):
        await shell_host.run(name, "true")
    os.utime(shell_host.folder("old"), (0, 0))
    task = shell_host.begin("alive", "while [ ! -e go ]; do sleep 0.05; done")
    await until(lambda: (shell_host.folder("alive") / "group").exists())
    os.utime(shell_host.folder("alive"), (0, 0))
    clean = shell_host.runner.clean
    assert await clean(shell_host.address, shell_host.secret, 3600) == 1
    assert {each.name for each in shell_host.folder("x").parent.iterdir()} == {"young", "alive"}
    (shell_host.home / "go").touch()
    assert (await task).exit_status == 0
    assert await clean(shell_host.address, shell_host.secret, 0) == 2


async def test_clean_on_a_host_without_runs(host: Host) -> None:
    assert await host.runner.clean(host.address, host.secret, 0) == 0


async def test_a_variable_with_nul_never_reaches_the_host(host: Host) -> None:
    with pytest.raises(HostRefused, match="NUL"):
        await host.run("one", "true", variables={"a": "\0"})
    assert not host.folder("one").exists()
