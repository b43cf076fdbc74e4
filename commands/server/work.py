"""The Temporal worker as a command."""

from commands.failures import NotReachable
from log_setup import set_up_logging
from settings import Settings
from temporal_client import NotConnected
from worker import run as run_worker


async def work(settings: Settings) -> None:
    """Run a Temporal worker until SIGTERM or SIGINT."""
    set_up_logging(settings.log_level)
    try:
        await run_worker(settings)
    except NotConnected as error:
        raise NotReachable(
            f"Temporal does not answer on {settings.resolved_temporal_address()}: {error}",
            "start it (`./handrail up` starts one), or set HANDRAIL_TEMPORAL_ADDRESS",
        ) from None
