"""The story: three tickets on the lab."""

from commands.api_client import Api
from settings import Settings


async def play(api: Api, settings: Settings, *, approve: bool = False) -> None:
    """Play it."""
    raise NotImplementedError
