"""Specs that passed the schema and still mean nothing."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

__all__ = ["InvalidSpecError", "parsed"]

Model = TypeVar("Model", bound=BaseModel)


class InvalidSpecError(ValueError):
    """The message is for the user: it names the field and says what to write instead."""


def parsed(model: type[Model], spec: Any) -> Model:
    """Parse a spec as the API server has it.

    Raises
    ------
    InvalidSpecError
        If it was stored under another CRD and no longer means anything.
    """
    try:
        return model.model_validate(spec or {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in ("spec", *first["loc"]))
        raise InvalidSpecError(f"{where}: {first['msg']}; correct the field") from error
