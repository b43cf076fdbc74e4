"""The migrations as a command."""

from commands.failures import CommandFailed, NotReachable
from process.private import make_private
from settings import Settings


def migrate_database(settings: Settings) -> None:
    """Bring the database to the newest schema; blocks. Raises CommandFailed, NotReachable."""
    # Half a second of imports, during which other parts may start already.
    from sqlalchemy.exc import SQLAlchemyError

    from db.migrate import SchemaWrong, migrate_now

    make_private(settings.home)
    if settings.database_url is None:  # made here: what SQLite puts beside it has its mode
        (settings.home / "handrail.db").touch(mode=0o600)
    try:
        migrate_now(settings.resolved_database_url())
    except SchemaWrong as error:
        raise CommandFailed(
            f"the database's tables are not what they should be: {error}",
            "nothing was changed; start the version that made it, or restore a backup that this version can upgrade",
        ) from None
    except (OSError, SQLAlchemyError) as error:
        raise NotReachable(f"the database does not answer: {error}", "check HANDRAIL_DATABASE_URL") from None
