"""Looking at signatures, as an activity."""

from temporalio import activity

from db.engine import Database
from domain.signature import Signer
from domain.workflows.orders import Mail
from domain.workflows.outlines import MailRead
from services import mail as letters
from workflows.names import ActivityName


class SignatureActivities:
    """`signer` knows the keys; what it believes is noted in the database, once."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database, self._signer = database, signer

    @activity.defn(name=ActivityName.READ_MAIL)
    async def read_mail(self, mail: Mail) -> MailRead:
        """Look at signatures, take what is genuine, and say in the timeline what is not."""
        return await letters.read_mail(self._database, self._signer, mail, activity.info().workflow_run_id or "")
