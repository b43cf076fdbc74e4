"""Text to a stream that may be a terminal."""

from typing import TextIO

from domain.text.signs import signs


def write(text: str, stream: TextIO) -> None:
    """Write a text as it is into a file or a pipe, with signs on a terminal."""
    shown = signs(text) if stream.isatty() else text.encode(errors="replace").decode()
    stream.write(shown)
