"""The migrations as a command."""

from commands.failures import NotReachable
from settings import Settings


def migrate_database(settings: Settings) -> None:
    """Bring the database to the newest schema; blocks. Raises NotReachable."""
    from db.migrate import migrate_now  # half a second of imports, during which other parts may start already

    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        migrate_now(settings.resolved_database_url())
    except OSError as error:
        raise NotReachable(f"the database does not answer: {error}", "check HANDRAIL_DATABASE_URL") from None
