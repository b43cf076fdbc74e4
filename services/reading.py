"""Documents are read and compared beside the event loop: one at a time, so that it keeps half of Python's time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Read = TypeVar("Read")

_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")


async def beside(function: Callable[Given, Read], *given: Given.args, **named: Given.kwargs) -> Read:
    """Call a function that may take a second, while everybody else is served."""
    return await asyncio.get_running_loop().run_in_executor(_reader, lambda: function(*given, **named))
