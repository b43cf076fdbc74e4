"""Hosts with little on them: busybox alone, and other ways to a process group than setsid."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from integrations.connector import HostRefused
from integrations.ssh import SshRunner
from integrations.supervisor import supervisor_text
from tests.integrations.conftest import used
from tests.integrations.hosts import Host, until
from tests.needs import need_program
from tests.sshd import Sshd

pytestmark = pytest.mark.sshd

TEXT = supervisor_text("start") + supervisor_text("check")
LISTED = set(re.search(r"for hr_f in ([a-z ]+); do", TEXT).group(1).split())  # type: ignore[union-attr]
STAND_INS = {"setsid", "timeout", "perl", "python3", "ps", "date", "sudo", "grep"}
BUILT_IN = {"command", "eval", "exec", "exit", "export", "kill", "printf", "read", "set", "shift", "trap", "ulimit"}
BUILT_IN |= {"break", "case", "cd", "continue", "do", "done", "elif", "else", "esac", "fi", "for", "if", "return"}
BUILT_IN |= {"then", "umask", "unset", "until", "wait", "while"}
# What a command on such a host may use here, and what the supervisor needs: POSIX and nothing else but `head -c`.
NEEDED = sorted({*LISTED, "ps", "true"} - {"sh"})
FAMILY = "echo begun; sleep 12345 & sh -c 'sleep 12345 & sleep 12345' & sleep 12345"


def coreutils(*more: str) -> dict[str, str]:
    dash = need_program("dash", "dash")
    return {"sh": dash, **{name: need_program(name, "coreutils") for name in (*NEEDED, *more)}}


async def use_it(host: Host) -> None:
    result = await host.run("one", "echo out; echo err >&2; exit 7", variables={"a": "1"})
    assert (result.status, result.exit_status, result.stdout, result.stderr) == ("exited", 7, b"out\n", b"err\n")
    assert (await host.run("two", FAMILY, timeout_seconds=0.5)).status == "timed_out"
    assert not host.running("12345")
    task = host.begin("three", FAMILY)
    host.seen.clear()
    await until(lambda: host.reported("stdout") == b"begun\n")
    await host.kill("three")
    assert not host.running("12345")
    assert (await task).status == "cancelled"
    big = await host.run("four", "head -c 5000000 /dev/zero; echo end")
    assert big.stdout_bytes == 5_000_004
    assert big.stdout.endswith(b"\0end\n")
    assert await host.runner.clean(host.address, host.secret, 0) == 4


async def with_tools(folder: Path, shell: str, tools: dict[str, str]) -> None:
    sshd = Sshd(folder / "host", shell=shell, tools=tools)
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        await use_it(host)


async def test_busybox_alone(tmp_path: Path) -> None:
    busybox = need_program("busybox", "busybox")
    names = [*NEEDED, "sh", "setsid", "timeout"]
    await with_tools(tmp_path, f"{busybox} sh", dict.fromkeys(names, busybox))


@pytest.mark.parametrize("way", ["timeout", "perl", "python3"])
async def test_without_setsid(tmp_path: Path, way: str) -> None:
    tools = coreutils()
    tools[way] = os.path.realpath(sys.executable) if way == "python3" else need_program(way, way)
    await with_tools(tmp_path, tools["sh"], tools)


async def test_without_any_way_it_is_refused(tmp_path: Path) -> None:
    tools = coreutils()
    sshd = Sshd(tmp_path / "host", shell=tools["sh"], tools=tools)
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        with pytest.raises(HostRefused, match="none of setsid, coreutils timeout, perl and python3"):
            await host.run("one", "touch started")
        assert not (host.home / "started").exists()


def commands_of(text: str) -> set[str]:
    """Return the words that stand where a shell looks for a command's name, and are a program's on this machine."""
    before = r"(?:\b(?:then|do|else|elif|if|until|while|exec|hr_detach|!)\s|^|[;|&({)])\s*(?:[A-Za-z_]+=[^\s\"]*\s+)*"
    words = set(re.findall(rf"(?={before}([a-z][a-z0-9_]*)(?:[\s;)]|$))", text, re.MULTILINE))
    return {word for word in words - BUILT_IN if word in LISTED or shutil.which(word)}


def test_the_list_of_tools_is_what_the_script_uses() -> None:
    assert commands_of(TEXT) == LISTED | STAND_INS


async def refused(host: Host, match: str, *, starts: bool = True) -> None:
    """See that what is asked of a host before a command, and the command unless `starts` is false, is refused."""
    with pytest.raises(HostRefused, match=match):
        await host.runner.check(host.address, host.secret)
    with pytest.raises(HostRefused, match=match):
        await host.runner.identify_record(host.address, host.secret)
    if starts:
        with pytest.raises(HostRefused, match=match):
            await host.run("one", "touch started")
        assert not (host.home / "started").exists()


@pytest.mark.parametrize("name", sorted(LISTED - {"sh"}))
async def test_a_missing_tool_is_named_before_anything_begins(tmp_path: Path, name: str) -> None:
    tools = {other: path for other, path in coreutils("setsid").items() if other != name}
    sshd = Sshd(tmp_path / "host", shell=tools["sh"], tools=tools)
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        await refused(host, "dd does not work here" if name == "dd" else f"the host has no {name} on its PATH")


@pytest.mark.parametrize(
    ("name", "script", "words"),
    [
        ("head", "echo usage: head -n lines >&2; exit 1", "'head -c'.* 'usage: head -n lines' instead of 'ab'"),
        ("tail", "exit 1", "'tail -c' on this host"),
        ("wc", "echo none", "'wc -c' on this host"),
        ("sleep", "echo invalid number >&2; exit 1", "'sleep 0.01' on this host .* 'invalid number"),
        ("tr", "cat", "'tr -d' on this host"),
        ("find", "exit 1", "'find -mmin' on this host"),
        ("ln", "echo ln: Operation not permitted >&2; exit 1", "cannot write in .*ln: Operation not permitted"),
    ],
)
async def test_a_tool_that_cannot_do_what_is_needed_is_named(
    tmp_path: Path, name: str, script: str, words: str
) -> None:
    """Its name alone proves little: what it prints would become a frame, or an output that is empty."""
    poor = tmp_path / name
    poor.write_text(f"#!/bin/sh\n{script}\n")
    poor.chmod(0o755)
    tools = coreutils("setsid") | {name: str(poor)}
    sshd = Sshd(tmp_path / "host", shell=tools["sh"], tools=tools)
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        await refused(host, words, starts=False)


async def test_a_shell_that_counts_in_32_bits_is_refused(tmp_path: Path) -> None:
    sshd = Sshd(tmp_path / "host", shell=need_program("mksh", "mksh"))
    sshd.start()
    async for host in used(Host(SshRunner(), sshd.address, sshd.secret, sshd)):
        await refused(host, "the arithmetic of sh on this host has only 32 bits")
