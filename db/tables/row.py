"""What every table's class is made from."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase

from db.types import Json, UtcDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime,
        dict[str, Any]: Json,
        dict[str, str]: Json,
        list[Any]: Json,
        str: Text,
        bytes: LargeBinary,
        bool: Boolean,
        float: Float,
    }


ID = String(40)
NAME = String(200)
