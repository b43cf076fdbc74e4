"""Makes a host's tree: its programs, afresh at every start, and its content, once."""

import secrets
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import content
from lab.certificate import write_certificate
from lab.environment import home, python

PROGRAMS = Path(__file__).resolve().parent / "programs"
SHELL_PROGRAMS = ("systemctl", "df", "worker")
WRAPPED = {"nginx": "webserver", "dbpoolctl": "dbpoolctl", "dbpool": "dbpool", "ps": "ps"}
NEEDS_PACKAGES = ("ps",)
FOLDERS = ("bin", "lib", "run", "tmp", "etc/units", "var/log/journal", "var/lib", "var/backups", "home")


@dataclass(frozen=True)
class HostPlan:
    """What a host of the lab is."""

    name: str
    kind: str
    tags: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def aliases(self) -> list[str]:
        return [f"{self.name}.lab.example", f"{self.name}.lab"]


HOSTS = (
    HostPlan("web-01", "web", ("web", "nginx", "lab"), ("nginx", "report-worker")),
    HostPlan("web-02", "web", ("web", "nginx", "lab"), ("nginx", "report-worker")),
    HostPlan("db-01", "db", ("db", "dbpool", "lab"), ("dbpool",)),
)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    temporary.replace(path)


def make_tree(root: Path, plan: HostPlan) -> None:
    """Bring the host's tree into being, or up to date: programs are replaced, content that exists is left alone."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    home(root).mkdir(mode=0o700, exist_ok=True)
    home(root).chmod(0o700)
    install_programs(root)
    clear(root / "run")
    clear(root / "tmp")
    if not (root / "etc/hostname").exists():
        fill(root, plan)
        # Last: a tree whose making was interrupted is made again.
        write(root / "etc/hostname", f"{plan.name}\n")


def clear(folder: Path) -> None:
    """Empty a folder, as a boot does with /run and /tmp."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def install_programs(root: Path) -> None:
    library = root / "lib/lab/programs"
    library.mkdir(parents=True, exist_ok=True)
    (root / "lib/lab/__init__.py").touch()
    for source in PROGRAMS.glob("*.py"):
        write(library / source.name, source.read_text(encoding="utf-8"))
    for name in SHELL_PROGRAMS:
        text = (PROGRAMS / name).read_text(encoding="utf-8")
        text = text.replace("@ROOT@", shlex.quote(str(root))).replace("@PYTHON@", shlex.quote(python()))
        write(root / "bin" / name, text, 0o755)
    for name, module in WRAPPED.items():
        write(root / "bin" / name, wrapper(root, module, packages=name in NEEDS_PACKAGES), 0o755)


def wrapper(root: Path, module: str, packages: bool) -> str:
    """Return a sh script that runs one of the lab's Python programs; without `packages` it starts twice as fast."""
    library = shlex.quote(str(root / "lib"))
    flags = "-P -s -B" if packages else "-P -s -S -B"
    return f'#!/bin/sh\nPYTHONPATH={library} exec {shlex.quote(python())} {flags} -m lab.programs.{module} "$@"\n'


def fill(root: Path, plan: HostPlan) -> None:
    files: Mapping[str, str] = content.web_files(plan.name) if plan.kind == "web" else content.db_files(plan.name)
    for name, text in files.items():
        write(root / name, text)
    for folder in content.FOLDERS[plan.kind]:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path, text, age_days in content.old_logs(plan.kind):
        write(root / path, text)
        content.age(root / path, age_days)
    if plan.kind == "web":
        write_certificate(root, plan.name, days=365)
        last_good = root / "var/backups/nginx/nginx.conf"
        last_good.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / "etc/nginx/nginx.conf", last_good)
