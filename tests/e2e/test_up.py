"""`handrail up` when one of its parts falls over."""

import shutil
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types
import pytest

from tests.e2e.running import Running, environment_for, processes_of, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def kill_the_api(home: Path) -> None:
    for process in processes_of(home):
        with suppress(psutil.Error):
            if process.cmdline()[-1] == "api":
                process.kill()


def test_an_api_that_ends_while_the_lab_is_registered_is_waited_for(tmp_path: Path) -> None:
    handrail = Running(tmp_path / "state", environment_for(tmp_path / "state"))
    starting = handrail.begin("--no-demo")

    def is_away() -> bool:
        """Kill the API again and again from when it was ready first, until somebody misses it."""
        if "api is ready" in handrail.said:
            kill_the_api(handrail.home)
        return "waiting until it is back" in handrail.said or starting.poll() is not None

    try:
        until(is_away, lambda: handrail.said)
        until(lambda: "Running until" in handrail.said or starting.poll() is not None, lambda: handrail.said)
        assert starting.poll() is None, handrail.said
        assert [one["name"] for one in handrail.json("connection", "list")] == ["db-01", "web-01", "web-02"]
        assert handrail.end() == 0
        handrail.need_nothing_left()
    finally:
        for process in processes_of(handrail.home):
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(handrail.home, ignore_errors=True)
