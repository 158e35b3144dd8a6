"""What is seen in an object, and that no value comes out of it."""

import base64
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bolwerk.core.kinds import CONFIG_MAP, SECRET, Kind
from bolwerk.core.references.contents import LONGEST_BYTES
from bolwerk.core.references.findings import Finding, Findings
from bolwerk.core.references.look import Seen, look
from core.references.cataloguing import rules

CANARY = "canary-3b1f"
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others use the machine too
ACME = f"https://{CANARY}:{CANARY}@api.acme.ai/{CANARY}"


def b64(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


@pytest.mark.parametrize(
    ("kind", "manifest", "want"),
    [
        pytest.param(CONFIG_MAP, {}, {}, id="an empty ConfigMap"),
        pytest.param(SECRET, {"data": None}, {}, id="an empty Secret"),
        pytest.param(CONFIG_MAP, {"data": {"url": ACME}}, {"url": {"acme"}}, id="a ConfigMap"),
        pytest.param(SECRET, {"data": {"url": b64(ACME)}}, {"url": {"acme"}}, id="a Secret"),
        pytest.param(CONFIG_MAP, {"binaryData": {"f": b64(ACME)}}, {"f": {"acme"}}, id="text in binaryData"),
        pytest.param(SECRET, {"data": {"url": ACME}}, {}, id="a Secret that is not base64"),
        pytest.param(SECRET, {"data": {"url": b64(b"\xff" + ACME.encode())}}, {}, id="a Secret that is not UTF-8"),
        pytest.param(SECRET, {"data": {"url": b64(b"\0" + ACME.encode())}}, {}, id="binary content"),
        pytest.param(SECRET, {"data": {"url": 3}}, {}, id="a value of another type"),
        pytest.param(CONFIG_MAP, {"data": {"url": 3}}, {}, id="a number where text has to be"),
        pytest.param(
            CONFIG_MAP,
            {"data": {"a": "hub.example", "b": "fine.example", "c": "acme-edge.example hub.example"}},
            {"a": {"hub"}, "c": {"acme", "hub"}},
            id="alerted as well as refused, allowed not",
        ),
    ],
)
def test_groups(kind: Kind, manifest: dict[str, Any], want: dict[str, set[str]]) -> None:
    assert look(kind, manifest, None, rules()).groups == want


def test_only_keys_that_are_referred_to_are_looked_at() -> None:
    manifest = {"data": {"used": "x", "unused": ACME}}

    seen = look(CONFIG_MAP, manifest, frozenset({"used", "absent"}), rules())

    assert seen == Seen(keys=frozenset({"used", "unused"}))


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param("http://10.0.9.9:3128", {"proxy"}, id="a declared proxy"),
        pytest.param("10.0.9.9:3128", {"proxy"}, id="without a scheme"),
        pytest.param("http://[2001:db8::9]:3128", {"proxy"}, id="of the other family"),
        pytest.param("http://10.0.8.8:3128", set(), id="another address"),
        pytest.param("localhost,10.0.9.9", set(), id="a list of what goes past the proxy"),
    ],
)
def test_addresses_that_lead_outside(value: str, want: set[str]) -> None:
    declared = rules(outward=("10.0.9.0/24", "2001:db8::/64"))

    assert look(CONFIG_MAP, {"data": {"proxy": value}}, None, declared).outward == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param("http://203.0.113.9/v1", {"url"}, id="an address of nobody's"),
        pytest.param("http://10.1.2.3/v1 http://203.0.113.9/v1", {"url"}, id="one of several"),
        pytest.param("http://[2001:db8::1]/v1", {"url"}, id="of the other family"),
        pytest.param("http://10.1.2.3:8000/v1", set(), id="inside"),
        pytest.param("http://[fd00::1]:8000/v1", set(), id="inside, of the other family"),
        pytest.param("http://chat.team.svc:8000/v1", set(), id="a name"),
    ],
)
def test_addresses_that_are_not_inside(value: str, want: set[str]) -> None:
    assert look(CONFIG_MAP, {"data": {"url": value}}, None, rules()).outside == want


def test_a_key_under_which_there_is_nothing_is_none() -> None:
    manifest = {"data": {"empty": "", "url": "x"}, "binaryData": {"file": "eA==", "nothing": ""}}

    assert look(CONFIG_MAP, manifest, None, rules()).keys == {"url", "file"}


def test_a_value_that_is_too_long_is_named_and_not_looked_at() -> None:
    long = ACME + "x" * LONGEST_BYTES

    assert look(CONFIG_MAP, {"data": {"a": long, "b": ACME}}, None, rules()) == Seen(
        keys=frozenset("ab"), groups={"b": frozenset({"acme"})}, too_long=frozenset("a")
    )
    assert look(SECRET, {"data": {"a": b64(long)}}, None, rules()).too_long == {"a"}


@UNHURRIED
@given(value=st.binary() | st.text().map(str.encode), raw=st.text())
def test_no_value_makes_it_fail_or_comes_out_of_it(value: bytes, raw: str) -> None:
    marked = CANARY.encode() + value + b" api.acme.ai"
    data = {"a": b64(marked), "b": CANARY + raw, "c": b64(CANARY) + raw}

    for kind in (SECRET, CONFIG_MAP):
        seen = look(kind, {"data": data, "binaryData": data}, None, rules())
        assert CANARY not in repr(seen)
        assert seen.groups.keys() <= data.keys()


def test_findings_have_no_field_for_a_value() -> None:
    """A new field here has to be one that cannot hold what a Secret holds."""
    assert [field.name for field in dataclasses.fields(Finding)] == [
        "namespace", "kind", "name", "key", "leak", "group", "decision", "used_by", "instead",
    ]  # fmt: skip
    assert [field.name for field in dataclasses.fields(Findings)] == ["looked_at", "findings", "more", "not_looked_at"]
    assert [field.name for field in dataclasses.fields(Seen)] == ["keys", "groups", "outward", "outside", "too_long"]


def test_a_whole_configuration_file_as_people_write_it() -> None:
    values = {
        "config.yaml": "llm:\n  providers:\n    - name: fallback\n      base_url: 'https://api.acme.ai/v1' # later\n",
        "config.json": json.dumps({"models": [{"api_base": "https://runtime.eu-1.cloud.example"}]}),
        "nginx.conf": "upstream llm { server api.acme.example:443; }",
        "app.env": "# api.acme.ai was here\nLLM_URL=http://chat.team.svc:8000/v1\n",
    }

    seen = look(CONFIG_MAP, {"data": values}, None, rules())

    assert seen.groups.keys() == {"config.yaml", "config.json", "nginx.conf"}
