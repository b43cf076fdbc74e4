"""The models that a model is made of, found by its fields: a list by hand forgets the one that came last."""

from typing import Any, get_args

from pydantic import BaseModel


def models_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model, those of its fields, and theirs."""
    found: set[type[BaseModel]] = set()
    waiting: list[Any] = [model]
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in found:
            found.add(one)
            waiting += [field.annotation for field in one.model_fields.values()]
    return found


def names_of(model: type[BaseModel]) -> set[str]:
    """Return the names of its fields as documents have them."""
    return {field.alias or name for name, field in model.model_fields.items()}
