"""The codec endpoint of Temporal's UI and CLI: opens what Temporal keeps sealed, for whoever is logged in here."""

import base64
import binascii
from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from temporalio.api.common.v1 import Payload

from api.cross_origin import CODEC_PATH
from api.dependencies import Context, requires_json
from api.problems import Problem, invalid, problem_responses
from domain.sealed import CipherKeyWrong

router = APIRouter(
    prefix=CODEC_PATH,
    tags=["temporal"],
    dependencies=[Depends(requires_json)],
    responses=problem_responses(401, 413, 415, 422),
)

MOST_PAYLOADS = 1_000


class WirePayload(BaseModel):
    """A payload as Temporal's JSON has it: every value in base64. Fields that are not known here are ignored."""

    metadata: dict[str, str] = Field(default_factory=dict, examples=[{"encoding": "anNvbi9wbGFpbg=="}])
    data: str = Field(default="", examples=["ImhlbGxvIg=="])


class WirePayloads(BaseModel):
    payloads: list[WirePayload] = Field(default_factory=list, max_length=MOST_PAYLOADS)


@router.post("/decode", summary="Open payloads for Temporal's UI or CLI")
async def decode(given: WirePayloads, request: Request, context: Context) -> WirePayloads:
    """What is not sealed is answered as it is. Of other sites only Temporal's UI (HANDRAIL_TEMPORAL_UI_URL) may ask."""
    request.state.is_repeatable = True  # an opened answer is not kept under an Idempotency-Key
    try:
        return _answer(await context.codec.decode(_payloads(given)))
    except CipherKeyWrong as error:
        raise Problem(422, str(error)) from error


@router.post("/encode", summary="Seal payloads for Temporal's UI or CLI")
async def encode(given: WirePayloads, request: Request, context: Context) -> WirePayloads:
    """For the inputs that people give there. A seal gives no rights: it says nothing of who made it."""
    request.state.is_repeatable = True
    return _answer(await context.codec.encode(_payloads(given)))


def _payloads(given: WirePayloads) -> list[Payload]:
    """Raises Problem for what is not base64."""
    found: list[Payload] = []
    for number, one in enumerate(given.payloads):
        try:
            metadata = {name: base64.b64decode(value, validate=True) for name, value in one.metadata.items()}
            found.append(Payload(metadata=metadata, data=base64.b64decode(one.data, validate=True)))
        except (binascii.Error, ValueError) as error:
            raise invalid(f"payloads.{number}", "holds a value that is not base64") from error
    return found


def _answer(payloads: Sequence[Payload]) -> WirePayloads:
    return WirePayloads(
        payloads=[
            WirePayload(
                metadata={name: base64.b64encode(value).decode() for name, value in payload.metadata.items()},
                data=base64.b64encode(payload.data).decode(),
            )
            for payload in payloads
        ]
    )
