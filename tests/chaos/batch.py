"""Running many trials side by side, and what a test says about them."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tests.chaos.verdict import Verdict

AT_ONCE = int(os.environ.get("HANDRAIL_CHAOS_AT_ONCE", "6"))
Fault = TypeVar("Fault")


async def inject(
    faults: Sequence[Fault], run: Callable[[Fault], Awaitable[Verdict]], report: list[Verdict]
) -> list[Verdict]:
    """Run one trial for each fault, a few at a time; fail with everything that was wrong."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(fault: Fault) -> Verdict:
        async with room:
            verdict = await run(fault)
        report.append(verdict)  # at once: a run that is interrupted has a table too
        return verdict

    verdicts = await asyncio.gather(*(one(fault) for fault in faults))
    wrong = [f"{fault}: {verdict.wrongs}" for fault, verdict in zip(faults, verdicts, strict=True) if verdict.wrongs]
    assert not wrong, "\n".join(wrong)
    return verdicts


def spread(faults: Sequence[Fault], count: int, offset: int = 0) -> list[Fault]:
    """Return evenly spread faults, the same ones each time; `offset` moves them, so that scenarios differ."""
    step = len(faults) / count
    return [faults[int((index + (offset % 7) / 7) * step)] for index in range(min(count, len(faults)))]
