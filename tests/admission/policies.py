"""The policies that the tests of admission are about, and a catalogue that has everything a catalogue can have."""

from __future__ import annotations

from typing import Any

from bolwerk.core.admission import Admission, admission
from bolwerk.core.catalogue import Catalogue, decisions, parse
from bolwerk.core.egress.hole import Hole
from bolwerk.core.policy.subject import Subject
from bolwerk.core.settings import Settings
from bolwerk.data import catalogue_text

Manifest = dict[str, Any]

SETTINGS = Settings(namespace="bolwerk-system", service_account="bolwerk")
UID = "00000000-0000-0000-0000-000000000000"
MODE_LABEL = "bolwerk.test/mode"

CATALOGUE = """
schemaVersion: bolwerk.dev/catalogue/v1
version: 2026.11.24
sharedApexes: [vendor-cloud.example]
environment:
  endpoints: [AI_URL]
  proxies: [HTTP_PROXY, HTTPS_PROXY, ALL_PROXY]
sources:
  test: {what: invented}
groups:
  chat:
    title: An API that speaks OpenAI's protocol
    jurisdiction: US
    suffixes: [chat.example]
    exact: [chat-files.cdn.example]
    environment:
      endpoints: [CHAT_BASE_URL, CHAT_API_BASE]
      keys: {CHAT_API_KEY: [CHAT_BASE_URL, CHAT_API_BASE]}
    sources: [test]
    examples: {refused: [api.chat.example, chat-files.cdn.example]}
  search:
    title: An API of which there is no other implementation
    jurisdiction: US
    suffixes: [search.example]
    environment: {keys: {SEARCH_API_KEY: []}}
    sources: [test]
    examples: {refused: [search.example]}
  cloud:
    title: Models of a cloud
    jurisdiction: US
    patterns: ['^models(-fips)?\\.[a-z0-9-]+\\.vendor-cloud\\.example$']
    sources: [test]
    examples: {refused: [models.eu-1.vendor-cloud.example]}
  hub:
    title: Downloads, with inference below it
    jurisdiction: US
    purpose: model-download
    suffixes: [hub.example]
    environment: {endpoints: [HUB_ENDPOINT], keys: {HUB_TOKEN: [HUB_ENDPOINT]}}
    sources: [test]
    examples: {refused: [hub.example]}
  hub-inference:
    title: Inference below the downloads
    jurisdiction: US
    suffixes: [router.hub.example]
    environment: {endpoints: [HUB_ENDPOINT], keys: {HUB_TOKEN: [HUB_ENDPOINT]}}
    sources: [test]
    examples: {refused: [router.hub.example]}
  platform:
    title: Shared with other traffic
    jurisdiction: US
    shared: true
    suffixes: [platform.example]
    environment: {endpoints: [PLATFORM_HOST], keys: {PLATFORM_TOKEN: [PLATFORM_HOST]}}
    sources: [test]
    examples: {refused: [x.platform.example]}
"""


def catalogue() -> Catalogue:
    return parse(CATALOGUE)


def sovereignty_policy(name: str, mode: str, **spec: Any) -> Manifest:
    """Return a policy for the namespaces that are labelled with its name."""
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "SovereigntyPolicy",
        "metadata": {"name": name},
        "spec": {
            "namespaceSelector": {"matchLabels": {MODE_LABEL: name}},
            "mode": mode,
            "internal": {
                "networks": ["10.20.0.0/16", "192.0.2.0/24", "2001:db8::/32"],
                "forwardProxies": ["10.20.9.0/24"],
                "privateEndpoints": ["10.20.8.0/28", "2001:db8:8::/48"],
            },
            "catalogue": {"allow": ["hub"]},
            **spec,
        },
    }


def rendered(
    policy: Manifest,
    *,
    backend: str = "NetworkPolicy",
    of: Catalogue | None = None,
    settings: Settings = SETTINGS,
    holes: tuple[Hole, ...] = (),
) -> tuple[Manifest, ...]:
    """Return the admission policies and bindings; with the uid of the stored policy, or none where it is not."""
    return _judged(policy, backend, of or catalogue(), settings, holes).objects


def left_out_of(policy: Manifest, holes: tuple[Hole, ...]) -> tuple[Hole, ...]:
    """Return the holes that admission has no room for, by the shipped catalogue."""
    return _judged(policy, "Cilium", parse(catalogue_text()), SETTINGS, holes).left_out


def _judged(policy: Manifest, backend: str, of: Catalogue, settings: Settings, holes: tuple[Hole, ...]) -> Admission:
    stored = {**policy, "metadata": {"uid": UID, **policy["metadata"]}}
    subject = Subject.of(stored, settings)
    return admission(subject, decisions(of, subject.spec.catalogue), settings, backend=backend, holes=holes)
