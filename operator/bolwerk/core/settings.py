"""What the platform team decides for the whole installation, read once at start and passed to every decision."""

from __future__ import annotations

from dataclasses import dataclass, field

from bolwerk.core.catalogue.catalogue import Catalogue

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Installation-wide defaults.

    Attributes
    ----------
    vllm_image, triton_image
        The engine image for a LocalModel that names none, or an empty string: then such a LocalModel is
        stalled with a sentence that says so. Pinned by the chart; never `latest`.
    namespace, service_account
        Where the operator runs, and as whom: never governed, and the only one who may change what it made.
    dns_namespace
        Where the snippets for CoreDNS are written; empty for the operator's own namespace. CoreDNS can mount only
        what is in its own.
    references_config_maps, references_secrets
        Whether what governed pods refer to is read, to find endpoints that admission cannot see. The operator needs
        the right to get them, which the chart gives with the same switch.
    image, image_pull_secrets
        The operator's own image, which gates and probes run, and what pulls it in the operator's namespace. With an
        empty string nothing is measured.
    canary_service
        The Service of Bolwerk's own canary in the operator's namespace; empty where there is none.
    proof_concurrency
        How many nodes are measured at a time.
    catalogue
        The shipped catalogue of external AI endpoints, which every installation gets; the default knows nothing.
    """

    vllm_image: str = ""
    triton_image: str = ""
    namespace: str = "bolwerk"
    service_account: str = "bolwerk"
    dns_namespace: str = ""
    references_config_maps: bool = True
    references_secrets: bool = False
    image: str = ""
    image_pull_secrets: tuple[str, ...] = ()
    canary_service: str = ""
    proof_concurrency: int = 5
    catalogue: Catalogue = field(default_factory=Catalogue.empty, compare=False, repr=False)
