"""Reads the settings file: what the platform team decides for the whole installation.

Used by the commands, once, at start.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bolwerk.core.catalogue.parse import parse
from bolwerk.core.settings import Settings
from bolwerk.data import catalogue_text

__all__ = ["SettingsError", "load_settings", "parse_settings"]


class SettingsError(Exception):
    """The settings file cannot be used; the message says where and why."""


_STRICT = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class _References(BaseModel):
    model_config = _STRICT

    config_maps: bool = True
    secrets: bool = False


class _Dns(BaseModel):
    model_config = _STRICT

    namespace: str = ""


class _Proof(BaseModel):
    model_config = _STRICT

    image: str = ""
    image_pull_secrets: list[str] = []
    canary_service: str = ""
    concurrency: int = Field(default=5, ge=1, le=100)


class _File(BaseModel):
    model_config = _STRICT

    vllm_image: str = ""
    triton_image: str = ""
    service_account: str = "bolwerk"
    dns: _Dns = _Dns()
    references: _References = _References()
    proof: _Proof = _Proof()


def load_settings(path: Path | None) -> Settings:
    """Read a settings file, or return the defaults when none is named; with the shipped catalogue in either case.

    Raises
    ------
    SettingsError
        When it cannot be read, is not YAML, or says something unknown.
    """
    if path is None:
        return Settings(catalogue=parse(catalogue_text()))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    return parse_settings(text, str(path))


def parse_settings(text: str, source: str) -> Settings:
    """Read the text of a settings file that stands in `source`.

    Raises
    ------
    SettingsError
        When it is not YAML, or says something unknown.
    """
    try:
        content = yaml.safe_load(text)
        file = _File.model_validate({} if content is None else content)
    except yaml.YAMLError as error:
        raise SettingsError(f"{source}: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the file'}: {fault['msg']}" for fault in error.errors()
        )
        known = ", ".join(field.alias or name for name, field in _File.model_fields.items())
        raise SettingsError(f"{source}: {faults}. Known settings: {known}.") from error
    return Settings(
        vllm_image=file.vllm_image,
        triton_image=file.triton_image,
        service_account=file.service_account,
        dns_namespace=file.dns.namespace,
        references_config_maps=file.references.config_maps,
        references_secrets=file.references.secrets,
        image=file.proof.image,
        image_pull_secrets=tuple(file.proof.image_pull_secrets),
        canary_service=file.proof.canary_service,
        proof_concurrency=file.proof.concurrency,
        catalogue=parse(catalogue_text()),
    )
