"""The migrations as a command."""

from commands.failures import CommandFailed, NotReachable
from settings import Settings


def migrate_database(settings: Settings) -> None:
    """Bring the database to the newest schema; blocks. Raises CommandFailed, NotReachable."""
    # Half a second of imports, during which other parts may start already.
    from sqlalchemy.exc import SQLAlchemyError

    from db.migrate import SchemaWrong, migrate_now

    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        migrate_now(settings.resolved_database_url())
    except SchemaWrong as error:
        raise CommandFailed(
            f"the database's tables are not what they should be: {error}",
            "nothing was changed; start the version that made it, or restore a backup that this version can upgrade",
        ) from None
    except (OSError, SQLAlchemyError) as error:
        raise NotReachable(f"the database does not answer: {error}", "check HANDRAIL_DATABASE_URL") from None
