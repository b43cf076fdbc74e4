"""What is refused, and what is only unreachable: clear words, and nothing started."""

import asyncio
import os
import socket
from pathlib import Path

import asyncssh
import pytest

from domain.connections.connection import CredentialKind
from domain.connections.host import HostAddress, Secret
from integrations.connector import HostRefused, HostUnreachable
from integrations.ssh import SshRunner
from tests.integrations.conftest import shell_command, used
from tests.integrations.hosts import Host
from tests.needs import need, need_program
from tests.sshd import Sshd

pytestmark = pytest.mark.sshd


def changed(one: Host, **fields: object) -> Host:
    return Host(one.runner, one.address.model_copy(update=fields), one.secret, one.sshd)


def with_secret(host: Host, **fields: object) -> Host:
    secret = Secret.model_validate({"kind": CredentialKind.SSH_KEY, **fields})
    return Host(host.runner, host.address, secret, host.sshd)


async def test_a_changed_host_key_is_refused_with_both_fingerprints(host: Host) -> None:
    await host.run("zero", "true")
    await host.runner.close()
    host.sshd.new_host_key()
    host.sshd.restart()
    with pytest.raises(
        HostRefused, match=r"another host key: expected SHA256:\S+, seen SHA256:\S+\. If the host"
    ) as one:
        await host.run("one", "touch started")
    words = str(one.value).replace(",", " ").replace(". ", " ").split()
    assert len({word for word in words if word.startswith("SHA256:")}) == 2
    assert not (host.home / "started").exists()


async def test_a_host_key_of_another_type_is_refused_too(host: Host) -> None:
    ecdsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    with pytest.raises(HostRefused, match="another host key: expected SHA256"):
        await changed(host, host_key=ecdsa).run("one", "true")


@pytest.mark.parametrize("host_key", [None, "", "nonsense", "ssh-ed25519 AAAA", "ssh-ed25519"])
async def test_an_unusable_host_key_is_refused(host: Host, host_key: str | None) -> None:
    with pytest.raises(HostRefused, match="host_key"):
        await changed(host, host_key=host_key).run("one", "true")


async def test_a_wrong_credential_is_refused(host: Host) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(HostRefused, match=r"did not let .* in with this credential"):
        await with_secret(host, private_key=other).run("one", "true")
    with pytest.raises(HostRefused, match=r"did not let .* in with this credential"):
        await with_secret(host, kind=CredentialKind.PASSWORD, password="wrong").run("one", "true")
    with pytest.raises(HostRefused, match="cannot be read"):
        await with_secret(host, private_key="nonsense").run("one", "true")
    with pytest.raises(HostRefused, match="no credential"):
        await Host(host.runner, host.address, None, host.sshd).run("one", "true")


async def test_a_host_that_is_down_is_unreachable(host: Host) -> None:
    host.sshd.stop()
    with pytest.raises(HostUnreachable, match=r"test-host .* cannot be reached") as caught:
        await host.run("one", "true")
    assert not caught.value.may_have_started
    with pytest.raises(HostUnreachable) as caught:
        await host.run("one", "true", may_have_started=True)
    assert caught.value.may_have_started
    host.sshd.start()
    assert (await host.run("one", "true")).exit_status == 0


async def test_a_name_that_nobody_knows_is_unreachable(host: Host) -> None:
    with pytest.raises(HostUnreachable, match="cannot be reached"):
        await changed(host, host="no-such-host.invalid").run("one", "true")


async def test_a_host_that_says_nothing_is_unreachable(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        runner = SshRunner(connect_seconds=0.3)
        mute = Host(runner, host.address.model_copy(update={"port": silent.getsockname()[1]}), host.secret, host.sshd)
        with pytest.raises(HostUnreachable, match=r"did not answer within 0\.3 seconds"):
            await mute.run("one", "true")
        await runner.close()


async def test_something_else_on_the_port_is_unreachable(host: Host) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n" * 3)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        with pytest.raises(HostUnreachable, match="cannot be reached"):
            await changed(host, port=server.sockets[0].getsockname()[1]).run("one", "true")


@pytest.mark.parametrize("shell", ["dash", "bash", "ash"])
async def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path, shell: str) -> None:
    home = tmp_path / "host" / "home"
    # Root may write anywhere but in /proc.
    unwritable = Path("/proc/sys") if os.getuid() == 0 else home
    sshd = Sshd(tmp_path / "host", shell=shell_command(shell), home=unwritable)
    if unwritable is home:
        home.mkdir(mode=0o500)
    sshd.start()
    async for host in used(Host(SshRunner(places=("home",)), sshd.address, sshd.secret, sshd)):
        with pytest.raises(HostRefused, match=r"cannot create .*/\.handrail/runs"):
            await host.run("one", f"touch {tmp_path}/started")
        with pytest.raises(HostRefused, match=r"cannot create .*/\.handrail/runs"):
            await host.runner.check(host.address, host.secret)
        with pytest.raises(HostRefused, match=r"cannot create .*/\.handrail/runs"):
            await host.kill("one")
        assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("shell", ["dash", "bash", "ash"])
async def test_a_full_disk_is_refused_before_and_survived_after(tmp_path: Path, shell: str) -> None:
    unshare = need_program("unshare", "util-linux")
    need(os.getuid() == 0, "mounting a small file system takes root")
    home = tmp_path / "host" / "home"
    mount = f'mount -t tmpfs -o size=2m none {home} && exec "$@"'
    sshd = Sshd(tmp_path / "host", shell=shell_command(shell), under=[unshare, "-m", "sh", "-c", mount, "sh"])
    sshd.start()
    async for host in used(Host(SshRunner(places=("home",)), sshd.address, sshd.secret, sshd)):
        fill = "head -c 9000000 /dev/zero >filler; echo ran >&2; exit 5"
        result = await host.run("filler", fill)
        assert (result.status, result.exit_status) == ("exited", 5)
        with pytest.raises(HostRefused, match=r"cannot (write|create) .*/\.handrail/runs.*[Nn]o space left on device"):
            await host.run("one", f"touch {tmp_path}/started")
        with pytest.raises(HostRefused, match=r"[Nn]o space left on device"):
            await host.runner.check(host.address, host.secret)
        assert not (tmp_path / "started").exists()
        assert (await host.run("filler", fill)).exit_status == 5
        plain = await host.run("free", "rm filler", supervise=False)
        assert plain.exit_status == 0
        full = await host.run("two", "head -c 9000000 /dev/zero; exit 6")
        assert (full.status, full.exit_status) == ("exited", 6)
        assert full.no_room == {"stdout"}
        assert not full.is_whole


async def test_a_login_shell_that_runs_nothing_is_refused(tmp_path: Path) -> None:
    false = need_program("false", "coreutils")
    sshd = Sshd(tmp_path / "host", shell=false)
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        with pytest.raises(HostRefused, match=r"the login shell did not run sh \(exit status 1\)"):
            await host.run("one", "true")


@pytest.mark.parametrize("stream", ["1", "2"])
async def test_a_login_that_ends_with_words_is_refused_with_them(tmp_path: Path, stream: str) -> None:
    """nologin, a forced command and a notice before them say why, most of them on standard output."""
    nologin = tmp_path / "nologin"
    nologin.write_text(f"#!/bin/sh\nseq 1 3000\necho 'This account is currently not available.' >&{stream}\nexit 1\n")
    nologin.chmod(0o755)
    sshd = Sshd(tmp_path / "host", shell=str(nologin))
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        for asked in (host.run("one", "true"), host.runner.check(host.address, host.secret)):
            with pytest.raises(HostRefused, match=r"did not run sh .* 3000 This account is currently not avail") as one:
                await asked
            assert len(str(one.value)) < 5000


async def test_a_login_script_that_talks_does_no_harm(tmp_path: Path) -> None:
    noisy = tmp_path / "noisy"
    noisy.write_text('#!/bin/sh\necho "Welcome to handrail- host"\necho careful >&2\nexec /bin/sh "$@"\n')
    noisy.chmod(0o755)
    sshd = Sshd(tmp_path / "host", shell=str(noisy))
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        result = await host.run("one", "echo out")
        assert result.exit_status == 0


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(kind=CredentialKind.PASSWORD, password="hidden-value")
    assert "hidden-value" not in f"{secret!r} {secret}"
    assert HostAddress(name="a", connector="ssh").port == 22
