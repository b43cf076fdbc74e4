"""The parts that need no API: the worker and the migrations."""

import asyncio

from commands.failures import NotReachable
from db.engine import Database
from db.migrate import migrate
from log_setup import set_up_logging
from settings import Settings
from worker import run as run_worker


async def work(settings: Settings) -> None:
    """Run a Temporal worker until SIGTERM or SIGINT."""
    set_up_logging(settings.log_level)
    try:
        await run_worker(settings)
    except RuntimeError as error:
        if "onnect" not in str(error):
            raise
        raise NotReachable(
            f"Temporal does not answer on {settings.resolved_temporal_address()}: {error}",
            "start it (`./handrail up` starts one), or set HANDRAIL_TEMPORAL_ADDRESS",
        ) from None


async def migrate_database(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    settings.home.mkdir(parents=True, exist_ok=True)
    database = Database(settings.resolved_database_url())
    try:
        await asyncio.shield(migrate(database))
    except OSError as error:
        raise NotReachable(f"the database does not answer: {error}", "check HANDRAIL_DATABASE_URL") from None
    finally:
        await database.close()
