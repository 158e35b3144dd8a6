"""Drafts a record: the technical fields from a LocalModel, the others from people, and what is missing by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from bolwerk.core.algoritmeregister.standard import FIELDS, OF_THE_REGISTER, VERSION, faults
from bolwerk.core.reasons import Reason
from bolwerk.core.report.facts import ModelFacts
from bolwerk.core.report.visible import visible

__all__ = ["NOTICE", "SCHEMA", "Draft", "drafts", "written"]

SCHEMA = "bolwerk.dev/algoritmeregister-draft/v1alpha1"
NOTICE = (
    "A draft, sent to nobody. The register is about an application, not about a model server: people decide whether it "
    "belongs there, fill in what is missing, and publish it."
)
ENGINES = {"vllm": "vLLM", "triton": "Triton Inference Server"}

ISOLATED = {
    ("True", ""): "Een meting heeft bevestigd dat uitgaand verkeer van het model is afgesloten.",
    ("False", ""): "Uitgaand verkeer van het model is niet of niet volledig afgesloten.",
    ("Unknown", Reason.NOT_PROVEN): (
        "Uitgaand verkeer van het model is in de configuratie afgesloten; een meting hiervan is er niet."
    ),
}
UNKNOWN = "Of uitgaand verkeer van het model is afgesloten, is nog niet bekend."

Written = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A record in the making.

    Attributes
    ----------
    model
        Namespace and name of the LocalModel.
    record
        Fields of the standard, in its order.
    from_resource
        Those that came from the LocalModel, in whole or in part.
    missing
        Required fields that nobody has written.
    left_out
        Optional fields that nobody has written.
    faults
        What the standard would refuse.
    """

    model: str
    record: dict[str, Any]
    from_resource: tuple[str, ...]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether people may go on with it."""
        return not (self.missing or self.faults)


def drafts(models: Iterable[ModelFacts], fields: Mapping[str, Any]) -> tuple[Draft, ...]:
    """Draft the records of each model; one model may serve several applications.

    Parameters
    ----------
    fields
        What people wrote, by `namespace/name`: one mapping, or a list of them.
    """
    return tuple(
        _draft(model, f"{key}#{number + 1}" if len(texts) > 1 else key, text)
        for model in models
        for key in (f"{model.namespace}/{model.name}",)
        for texts in (_as_list(fields.get(key)),)
        for number, text in enumerate(texts)
    )


def written(found: tuple[Draft, ...], unmatched: Iterable[str]) -> dict[str, Any]:
    """Return the drafts as JSON; `unmatched` are keys of people's fields that no LocalModel has."""
    return {
        "schema": SCHEMA,
        "draft": True,
        "notice": NOTICE,
        "standard": f"Algoritmeregister publication standard {VERSION}",
        "drafts": [
            {
                "localModel": each.model,
                "complete": each.complete,
                "missing": list(each.missing),
                "faults": list(each.faults),
                "leftOut": list(each.left_out),
                "fromResource": list(each.from_resource),
                "record": each.record,
            }
            for each in found
        ],
        "unmatched": sorted(unmatched),
    }


def _as_list(found: Any) -> list[Any]:
    return found if isinstance(found, list) and found else [found or {}]


def _draft(model: ModelFacts, source_id: str, text: Any) -> Draft:
    own = {name: value for name, value in text.items() if value not in (None, "", [])} if isinstance(text, dict) else {}
    technical: dict[str, Any] = {
        "methods_and_models": "\n".join(filter(None, (_plain(own.get("methods_and_models")), _methods(model)))),
        "lang": "nld",
        "standard_version": VERSION,
        "source_id": source_id,
    }
    both = {**technical, **own, "methods_and_models": technical["methods_and_models"]}
    record = {name: both[name] for name in FIELDS if name in both}
    return Draft(
        model=f"{model.namespace}/{model.name}",
        record=record,
        from_resource=tuple(name for name in technical if name == "methods_and_models" or name not in own),
        missing=tuple(name for name, of in FIELDS.items() if of.required and name not in record),
        left_out=tuple(name for name, of in FIELDS.items() if not of.required and name not in record),
        faults=(*_strange(text), *(fault for name, value in record.items() for fault in faults(name, value))),
    )


def _plain(text: Any) -> str:
    return text if isinstance(text, str) else ""


def _strange(text: Any) -> Iterable[str]:
    if not isinstance(text, dict):
        yield "what people wrote is no mapping of fields: write name: …, description_short: …"
        return
    for name in text:
        if name in OF_THE_REGISTER:
            yield f"{name}: the register gives it; leave it out"
        elif name not in FIELDS:
            yield f"{name}: the standard has no such field"
    if not isinstance(text.get("methods_and_models") or "", str):
        yield "methods_and_models: write a text"


def _methods(model: ModelFacts) -> str:
    """Return the facts in Dutch; the field is shown as HTML, and names in it are anybody's."""
    engine = ENGINES.get(model.engine, model.engine)
    image = ", ".join(model.engine_image_ids) or model.engine_image or "nog niet bekend"
    inside = f", map {model.path}" if model.path else ""
    digests = ", ".join(model.source_digests) or "niet bekend"
    sentences = (
        f"Het model {model.served_name} draait als LocalModel in een Kubernetes-cluster, met {engine}, image {image}.",
        f"De modelbestanden komen uit {model.source}{inside}; vingerafdruk: {digests}.",
        ISOLATED.get(
            (model.isolated.status, model.isolated.reason), ISOLATED.get((model.isolated.status, ""), UNKNOWN)
        ),
    )
    return escape(visible(" ".join(sentences)), quote=False)
