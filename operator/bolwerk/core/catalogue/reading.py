"""Turns the text of a catalogue or overlay file into its model, with every fault said by its place.

YAML lets a file say less than it seems to: a second key of the same name replaces the first, and an anchor can blow a
page up to gigabytes. Neither is accepted.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

__all__ = ["LONGEST_FILE", "CatalogueError", "read"]

LONGEST_FILE = 1 << 19
"""Characters: room for 200 groups of 64 names. Reading so much takes seconds, and the operator waits for it."""
MOST_FAULTS = 8

Model = TypeVar("Model", bound=BaseModel)


class CatalogueError(ValueError):
    """A catalogue, an overlay or a policy's choice of groups cannot be used; the message says where and why."""


def read(text: str, model: type[Model]) -> Model:
    """Return the file's model.

    Raises
    ------
    CatalogueError
        If it is too long, not YAML, or says something unknown or nothing where something has to be said.
    """
    if len(text) > LONGEST_FILE:
        raise CatalogueError(f"the file has {len(text)} characters; at most {LONGEST_FILE} are read")
    try:
        content = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - derived from SafeLoader
    except (yaml.YAMLError, ValueError) as error:  # ValueError: what looks like a date or a number and is none
        raise CatalogueError(f"not YAML as it is read here: {error}") from error
    except RecursionError as error:
        raise CatalogueError("nested too deeply; a catalogue needs five levels") from error
    if not isinstance(content, dict):
        raise CatalogueError("not a catalogue: the file has to be a mapping that begins with schemaVersion")
    try:
        # By way of JSON: in strict mode only JSON's arrays may become tuples.
        return model.model_validate_json(json.dumps(_named(content)))
    except (TypeError, RecursionError) as error:
        raise CatalogueError(f"holds something that JSON cannot say ({error}); put quotes around it") from error
    except ValidationError as error:
        raise CatalogueError("; ".join(_faults(error))) from error


class _PlainLoader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = parent.start_mark if parent else None
            raise yaml.composer.ComposerError(None, None, "aliases are not read; write them out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def _named(content: dict[Any, Any]) -> dict[Any, Any]:
    """Give each group its name, which the file says as the key."""
    groups = content.get("groups")
    if not isinstance(groups, dict):
        return content
    for name, group in groups.items():
        if isinstance(group, dict) and "name" in group:
            raise CatalogueError(f"groups.{name}.name: the key is the group's name; drop the field")
    named = {name: {"name": name, **group} if isinstance(group, dict) else group for name, group in groups.items()}
    return {**content, "groups": named}


def _faults(error: ValidationError) -> list[str]:
    faults = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'the file'}: {fault['msg']}"
        + (f" (got {fault['input']!r:.80})" if isinstance(fault["input"], str) else "")
        for fault in error.errors()
    ]
    more = len(faults) - MOST_FAULTS
    return [*faults[:MOST_FAULTS], f"and {more} more"] if more > 0 else faults
