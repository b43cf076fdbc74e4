"""A home on this machine for the commands of tests: that of whoever runs them keeps no record of any."""

from pathlib import Path
from tempfile import TemporaryDirectory

_folder = TemporaryDirectory(prefix="handrail-home-", ignore_cleanup_errors=True)
HOME = Path(_folder.name)
"""One for all tests of a process, as a machine has one: a second runner finds what a first one left there."""


def remove_home() -> None:
    """Asked for by `tests/conftest.py`: a process of pytest-xdist ends without what others do at their end."""
    _folder.cleanup()
