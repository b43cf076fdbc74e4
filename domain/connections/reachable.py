"""What has a connector, and with it fields that only this connector has."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic_core import InitErrorDetails, PydanticKnownError
from pydantic_core.core_schema import CoreSchema

from domain.base import Model
from domain.connectors import CONNECTORS
from domain.connectors.connector import Connector


def _known(name: str) -> str:
    if name not in CONNECTORS:
        raise PydanticKnownError("enum", {"expected": " or ".join(map(repr, CONNECTORS))})
    return name


class _NamesOfConnectors:
    """Says in a JSON Schema which connectors there are."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"enum": [*CONNECTORS]}


ConnectorName = Annotated[str, AfterValidator(_known), _NamesOfConnectors()]


def _closed(schema: dict[str, Any]) -> None:
    """Name the fields that connectors have of their own, and say that there are no others."""
    schema["additionalProperties"] = False
    for kind in CONNECTORS.values():
        for field in kind.own_fields.values():
            schema["properties"].setdefault(field.name, field.schema)


class Reachable(Model):
    """Something at the other end of a connector. Fields that only its connector has are in `model_extra`."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_closed)

    __pydantic_extra__: dict[str, Any]  # whatever it is: its connector says what it may be

    name: str
    connector: ConnectorName

    @model_validator(mode="after")
    def _has_its_connectors_fields_only(self) -> Self:
        wrong: list[InitErrorDetails] = []
        for name, value in self.__pydantic_extra__.items():
            field = self.kind.own_fields.get(name)
            if field is None:
                wrong.append(InitErrorDetails(type="extra_forbidden", loc=(name,), input=value))
                continue
            try:
                self.__pydantic_extra__[name] = field.values.validate_python(value)
            except ValidationError as error:
                wrong += [
                    InitErrorDetails(type=one["type"], loc=(name,), input=value, ctx=one.get("ctx", {}))
                    for one in error.errors()
                ]
        if wrong:
            raise ValidationError.from_exception_data(type(self).__name__, wrong)
        return self

    @property
    def kind(self) -> Connector:
        """What its connector says of itself."""
        return CONNECTORS[self.connector]

    @property
    def words(self) -> str:
        """Where it is, as a person would write it."""
        return self.kind.words(self.model_dump(mode="json"))
