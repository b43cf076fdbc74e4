"""What a test needs from the system: skipped where it is missing, failed in CI, where it must not be."""

import os
import shutil

import pytest

# Daemons' directories, which a user's PATH often leaves out.
_ALSO = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def need(condition: bool, message: str) -> None:
    """Skip the running test with this message unless the condition holds; under CI=true fail it."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def need_program(name: str, package: str) -> str:
    """Return the path of a program. If it is missing, skip (under CI=true fail) and name the Debian package."""
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_ALSO))
    need(path is not None, f"{name} is missing: apt-get install {package}")
    assert path is not None
    return path
