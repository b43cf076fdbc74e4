"""Sending a message by apprise. It blocks, and what it reaches may never end: each goes in a thread of its own."""

import asyncio
import logging
import re
from contextlib import suppress
from threading import Thread, get_ident

from domain.notices.channel import NotTaken, check_address, scheme_of

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
WHOLE_SECONDS = 30.0
_STATUS = re.compile(r"error=(\d{3})\b")

# They write addresses, which are secrets, at one level or another.
for _name in ("urllib3", "requests_oauthlib", "oauthlib"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)
_log = logging.getLogger("apprise")  # heard below, and goes no further
_log.setLevel(logging.WARNING)
_log.propagate = False


class Sender:
    """Sends messages, one to an address at a time."""

    def __init__(self, whole_seconds: float = WHOLE_SECONDS) -> None:
        self._whole_seconds = whole_seconds
        self._threads: dict[str, Thread] = {}

    async def send(self, address: str, title: str, text: str) -> None:
        """Send one. Raises NotTaken, also if it is not known to be taken in time."""
        earlier = self._threads.get(address)
        if earlier and earlier.is_alive():
            raise NotTaken("an earlier message is still under way: the service neither takes nor refuses it")
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[str] = loop.create_future()

        def work() -> None:
            error = _send(address, title, text)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, ended, error)

        # A daemon: one that hangs keeps no process from ending.
        thread = self._threads[address] = Thread(target=work, name="notice", daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(self._whole_seconds):
                error = await ended
        except TimeoutError:
            raise NotTaken(f"no answer within {self._whole_seconds:g} seconds") from None
        self._threads.pop(address, None)
        if error:
            raise NotTaken(error)


def _settle(ended: asyncio.Future[str], error: str) -> None:
    if not ended.done():
        ended.set_result(error)


def _send(address: str, title: str, text: str) -> str:
    """Return an empty text if it was taken, else why not; nothing of the address is in it."""
    try:
        check_address(address)
        return _notify(address, title, text)
    except Exception as error:
        return f"it could not be sent ({type(error).__name__})"


def _notify(address: str, title: str, text: str) -> str:
    from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode  # a second, and 30 MB
    from apprise.conversion import convert_between

    asset = AppriseAsset(
        app_id="Handrail", storage_mode=PersistentStoreMode.MEMORY, secure_logging=True, async_mode=False
    )
    service = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if service is None:
        return f"its address is no whole one of {scheme_of(address)}; give it anew"
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
    service.redirects = False  # what is allowed is the address that was given, not where that one points to
    plain, wanted = NotifyFormat.TEXT, service.notify_format
    text = convert_between(plain, wanted, content=text)  # type: ignore[no-untyped-call]
    if service.title_maxlen <= 0:  # it has no title of its own: it goes with the text
        title = convert_between(plain, wanted, content=title)  # type: ignore[no-untyped-call]
    heard = _Heard(get_ident())
    _log.addHandler(heard)
    try:
        # The service itself: Apprise's own call goes through threads that it shares, and that one hanging would fill.
        taken = service.notify(title=title, body=text, body_format=plain)
    finally:
        _log.removeHandler(heard)
    return "" if taken else heard.why


class _Heard(logging.Handler):
    """What apprise says in one thread of why it failed. Only a status is kept: the rest may have the address in it."""

    def __init__(self, thread: int) -> None:
        super().__init__(logging.WARNING)
        self._thread = thread
        self.why = "it could not be reached, or did not take the message"

    def emit(self, record: logging.LogRecord) -> None:
        found = _STATUS.search(record.getMessage()) if record.thread == self._thread else None
        if found:
            self.why = f"it answered with status {found[1]}"
