"""Catalogue files for tests: a small one that is good, to be changed in one place by each test."""

from __future__ import annotations

import copy
import json
from typing import Any

from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.core.catalogue import Catalogue, Decisions, decisions, parse

FILE: dict[str, Any] = {
    "schemaVersion": "bolwerk.dev/catalogue/v1",
    "version": "2026.11.24",
    "sharedApexes": ["cloud.example", "hosting.example"],
    "environment": {"endpoints": ["LLM_URL"], "proxies": ["HTTPS_PROXY"]},
    "sources": {"vendor": {"what": "the vendor's own page", "url": "https://vendor.example/hosts"}},
    "groups": {
        "alpha": {
            "title": "Alpha",
            "jurisdiction": "US",
            "suffixes": ["alpha.example", "alpha-chat.example"],
            "exact": ["alpha.cdn.example"],
            "environment": {"endpoints": ["ALPHA_BASE_URL"], "keys": {"ALPHA_API_KEY": ["ALPHA_BASE_URL"]}},
            "sources": ["vendor"],
            "examples": {"refused": ["api.alpha.example"], "notRefused": ["alpha.example.org"]},
        },
        "cloud": {
            "title": "Models of a cloud",
            "jurisdiction": "US",
            "patterns": [r"^models(-fips)?\.[a-z0-9-]+\.cloud\.example$"],
            "sources": ["vendor"],
            "examples": {"refused": ["models.eu-1.cloud.example"], "notRefused": ["disks.eu-1.cloud.example"]},
        },
        "platform": {
            "title": "A data platform that also has models",
            "jurisdiction": "US",
            "shared": True,
            "suffixes": ["platform.example"],
            "sources": ["vendor"],
        },
    },
}


def file(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(FILE) | changes


def with_group(name: str, /, **fields: Any) -> dict[str, Any]:
    """Return the file with a group changed or added."""
    content = file()
    content["groups"][name] = {
        "title": name,
        "jurisdiction": "EU",
        "sources": ["vendor"],
        **content["groups"].get(name, {}),
        **fields,
    }
    return content


def text(content: dict[str, Any]) -> str:
    return json.dumps(content)  # JSON is YAML, without the anchors that a YAML writer puts in


def catalogue(**groups: dict[str, Any]) -> Catalogue:
    """Return a catalogue of these groups, or of the file's."""
    common = {"title": "t", "jurisdiction": "EU", "sources": ["vendor"]}
    content = file(groups={name: {**common, **group} for name, group in groups.items()}) if groups else file()
    return parse(text(content))


def decided(known: Catalogue, **choice: Any) -> Decisions:
    return decisions(known, Choice.model_validate(choice))
