"""What the command line does without a server: checks files, and says what is wrong and what to do."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.running import CLI, ROOT, environment_for
from tests.patience import PATIENCE

GOOD = """id: restart-thing
title: Restart a thing
risk: low
steps:
  - name: Restart it
    run: systemctl restart thing
    rollback: systemctl stop thing
postchecks:
  - name: It runs
    run: systemctl is-active thing
"""


def cli(home: Path, *words: str, cwd: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *words],
        cwd=cwd,
        env=environment_for(home) | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_what_is_typed_in_another_encoding_is_refused_in_one_line(tmp_path: Path) -> None:
    done = cli(tmp_path, "ticket", "show", os.fsdecode(b"caf\xe9"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: an argument is not UTF-8: caf<U+DCE9>\n"


def test_valid_runbooks(tmp_path: Path) -> None:
    done = cli(tmp_path, "runbook", "validate", str(ROOT / "runbooks"), "--json")
    assert done.returncode == 0, done.stderr
    checked = json.loads(done.stdout)
    assert checked["problems"] == []
    assert len(checked["valid"]) == len(list((ROOT / "runbooks").glob("*.yaml"))) >= 6


def test_invalid_runbook_names_file_line_and_mend(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(GOOD.replace("risk: low", "risk: low\nflavour: sweet"))
    (tmp_path / "good.yaml").write_text(GOOD)
    done = cli(tmp_path, "runbook", "validate", "bad.yaml", "good.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "bad.yaml:4: flavour" in done.stderr
    assert "mend:" in done.stderr
    assert done.stdout == "good.yaml: valid\n"


def test_a_command_that_does_not_parse_names_file_line_and_step(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(GOOD.replace("systemctl stop thing", "if true; then systemctl stop thing"))
    done = cli(tmp_path, "runbook", "validate", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "bad.yaml:7: steps[0].rollback: of 'Restart it' does not parse; `sh -n` says: " in done.stderr


def test_a_missing_sh_is_said(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    done = cli(tmp_path, "runbook", "validate", "good.yaml", cwd=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 0
    assert "good.yaml: valid, but there is no `sh` on this machine" in done.stdout


def test_runbook_that_does_not_exist(tmp_path: Path) -> None:
    done = cli(tmp_path, "runbook", "validate", "none.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "none.yaml: No such file" in done.stderr


@pytest.mark.parametrize("words", [("ticket", "list"), ("mode",), ("runbook", "list"), ("demo",)])
def test_nobody_there_is_status_3_with_advice(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = cli(tmp_path, *words, HANDRAIL_TOKEN="0123456789abcdef")
    assert done.returncode == 3
    assert "does not answer on http://127.0.0.1:" in done.stderr
    assert "make up" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_token_is_said_and_none_is_made(tmp_path: Path) -> None:
    done = cli(tmp_path / "home", "ticket", "list")
    assert done.returncode == 3
    assert "there is no API token" in done.stderr
    assert not (tmp_path / "home").exists()


def test_worker_without_temporal(tmp_path: Path) -> None:
    """Several: what a thread of Temporal's client did at the end aborted two processes in three."""
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda number: cli(tmp_path / str(number), "worker"), range(4)))
    assert [done.returncode for done in ended] == [3] * 4, [done.stderr for done in ended]
    assert "Temporal does not answer" in ended[0].stderr
    assert "HANDRAIL_TEMPORAL_ADDRESS" in ended[0].stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ticket", "nonsense"), "nonsense"),
        (("ticket", "file"), "--title"),
        (("mode", "sometimes"), "sometimes"),
        (("ticket", "file", "--title", "x", "--severity", "awful"), "awful"),
        (("ticket", "file", "--title", "x", "--label", "novalue"), "NAME=VALUE"),
        (("credential", "add", "name"), "secret is empty"),
        (("tenant", "add", "Not A Name"), "lower case"),
    ],
)
def test_usage_errors_are_status_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = cli(tmp_path, *words, HANDRAIL_TOKEN="0123456789abcdef")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_setting_is_named(tmp_path: Path) -> None:
    done = cli(tmp_path, "mode", HANDRAIL_PORT="eighty")
    assert done.returncode == 2
    assert "HANDRAIL_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_secret_is_never_an_argument() -> None:
    done = subprocess.run([*CLI, "credential", "add", "--help"], capture_output=True, text=True, check=True)
    assert "--password" not in done.stdout
    assert "--private-key" not in done.stdout


def test_tenants_live_in_the_database(tmp_path: Path) -> None:
    missing = cli(tmp_path, "tenant", "list")
    assert missing.returncode == 1
    assert "handrail migrate" in missing.stderr
    assert cli(tmp_path, "migrate").returncode == 0
    assert cli(tmp_path, "tenant", "add", "acme").returncode == 0
    assert cli(tmp_path, "tenant", "add", "acme").returncode == 1
    assert json.loads(cli(tmp_path, "tenant", "list", "--json").stdout) == ["acme", "demo"]


def test_launcher_works_from_anywhere(tmp_path: Path) -> None:
    if not (ROOT / ".venv").exists():
        pytest.skip("the launcher needs .venv: make setup")
    (tmp_path / "mine.yaml").write_text(GOOD)
    # No environment at all, and a path that is relative to where the person stands.
    done = subprocess.run(
        [ROOT / "handrail", "runbook", "validate", "mine.yaml"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "mine.yaml: valid\n", done.stderr


def test_launcher_without_venv_says_make_setup(tmp_path: Path) -> None:
    shutil.copy(ROOT / "handrail", tmp_path)
    done = subprocess.run([tmp_path / "handrail", "up"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make setup" in done.stderr


def test_setup_refuses_an_old_python(tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && { echo Python 3.9.2; exit 0; }\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / "commands/setup.sh", str(tmp_path / "venv"), "requirements.lock"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Python 3.9.2" in done.stderr
    assert "needs 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_migrate_names_what_does_not_fit_and_what_to_do(tmp_path: Path) -> None:
    assert cli(tmp_path, "migrate").returncode == 0
    with contextlib.closing(sqlite3.connect(next(tmp_path.rglob("*.db")))) as connection:
        connection.execute("ALTER TABLE steps DROP COLUMN sent_record")
    done = cli(tmp_path, "migrate")
    assert done.returncode == 1
    assert "column steps.sent_record is missing" in done.stderr.replace("\n", " ")
    assert "restore a backup" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_new_tenant_says_what_may_run_for_it_without_a_person(tmp_path: Path) -> None:
    assert cli(tmp_path, "migrate").returncode == 0
    silent = cli(tmp_path, "tenant", "add", "shop")
    assert silent.returncode == 0, silent.stderr
    assert "shop: auto: plans with a confidence of 0.8 or more run at once" in silent.stdout
    assert "./handrail --tenant shop mode hil" in silent.stdout
    careful = cli(tmp_path, "tenant", "add", "bank", "--mode", "hil")
    assert "bank: hil: every plan waits for approval" in careful.stdout
    with contextlib.closing(sqlite3.connect(tmp_path / "handrail.db")) as database:
        rows = dict(database.execute("SELECT id, json_extract(settings, '$.mode') FROM tenants").fetchall())
    assert rows == {"demo": "auto", "shop": "auto", "bank": "hil"}
