"""Forms as they come in."""

from fastapi import Request
from starlette.datastructures import UploadFile

from api.problems import Problem
from domain.text.storable import why_unstorable

MAX_FIELDS = 300


async def read_form(request: Request) -> dict[str, str]:
    """Return the texts of a form; the last of several with one name counts. Raises Problem for what nobody can keep.

    The hidden field `key` becomes the request's idempotency key, so that a form sent twice is acted on once.
    """
    is_plain = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if is_plain and request.state.body.count(b"&") > MAX_FIELDS:
        raise Problem(413, f"the form has more than {MAX_FIELDS} fields")
    form = await request.form(max_fields=MAX_FIELDS, max_files=0)
    fields = {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
    why = why_unstorable(fields)
    if why is not None:
        raise Problem(422, f"the form {why}")
    request.state.form_key = fields.pop("key", None)
    return {name: value.replace("\r\n", "\n") for name, value in fields.items()}


def prefixed(fields: dict[str, str], prefix: str) -> dict[str, str]:
    """Return the fields whose names start with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in fields.items() if name.startswith(prefix)}
