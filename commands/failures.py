"""How a command fails: one sentence on what is wrong, one on what to do, and an exit status that scripts can tell."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_REACHABLE = 3


class CommandFailed(Exception):
    """Ends a command. `todo` says what the person can do next."""

    def __init__(self, message: str, todo: str = "", status: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message, self.todo, self.status = message, todo, status


class NotReachable(CommandFailed):
    """Handrail, or something that it needs, does not answer."""

    def __init__(self, message: str, todo: str) -> None:
        super().__init__(message, todo, Exit.NOT_REACHABLE)
