"""Every kind of sender there is: a file and a line each."""

from domain.sources.alertmanager import ALERTMANAGER
from domain.sources.generic import GENERIC
from domain.sources.sender import Sender

SENDERS: dict[str, Sender] = {one.kind: one for one in (ALERTMANAGER, GENERIC)}
