"""What is read from files, and what is refused in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bolwerk.preview.documents import overlay, read
from bolwerk.preview.refused import RefusedError
from preview.files import model, namespace, policy

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"token": "hunter2"}}


def written(path: Path, *manifests: object, name: str = "objects.yaml") -> Path:
    file = path / name
    file.write_text("\n---\n".join(json.dumps(each) for each in manifests), encoding="utf-8")
    return file


def test_only_what_a_decision_looks_at_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, policy(), SECRET, namespace("team"), {"apiVersion": "v1", "kind": "Pod"}, model())

    assert [str(ref) for ref, _ in read([file])] == [
        "SovereigntyPolicy baseline",
        "Namespace team",
        "LocalModel default/chat",
    ]


def test_a_list_is_its_items(tmp_path: Path) -> None:
    file = written(tmp_path, {"apiVersion": "v1", "kind": "List", "items": [policy("a"), policy("b")]})

    assert [ref.name for ref, _ in read([file])] == ["a", "b"]


def test_a_folder_is_its_files_in_order(tmp_path: Path) -> None:
    written(tmp_path, policy("b"), name="2.yaml")
    written(tmp_path, policy("a"), name="1.json")
    (tmp_path / "README.md").write_text("kind: [", encoding="utf-8")

    assert [ref.name for ref, _ in read([tmp_path])] == ["a", "b"]


def test_what_the_api_server_gave_is_left_out(tmp_path: Path) -> None:
    live = model(uid="1", resourceVersion="7", generation=3, labels={"a": "b"}) | {"status": {"phase": "Ready"}}

    [(_, kept)] = read([written(tmp_path, live)])

    assert kept["metadata"] == {"name": "chat", "namespace": "default", "labels": {"a": "b"}}
    assert "status" not in kept


def test_what_bolwerk_made_is_worked_out_anew(tmp_path: Path) -> None:
    owner = {"apiVersion": "bolwerk.dev/v1alpha1", "kind": "SovereigntyPolicy", "name": "baseline", "uid": "1"}
    made = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "bolwerk-baseline", "namespace": "team", "ownerReferences": [owner]},
    }

    assert [ref.name for ref, _ in read([written(tmp_path, policy(), made)])] == ["baseline"]


@pytest.mark.parametrize(
    ("manifests", "want"),
    [
        pytest.param([], "there is no LocalModel and no SovereigntyPolicy", id="nothing"),
        pytest.param([SECRET], "there is no LocalModel and no SovereigntyPolicy", id="nothing of ours"),
        pytest.param([policy(), policy()], "SovereigntyPolicy baseline stands twice", id="twice"),
        pytest.param([["a"]], "a document is a list and no Kubernetes object", id="a list"),
        pytest.param(
            [{**policy(), "metadata": {}}], "a SovereigntyPolicy has no metadata.name", id="without a name"
        ),
        pytest.param(
            [{**policy(), "apiVersion": "bolwerk.dev/v1"}],
            "SovereigntyPolicy baseline is of bolwerk.dev/v1; write bolwerk.dev/v1alpha1",
            id="another version",
        ),
    ],
)  # fmt: skip
def test_refusals_are_sentences(tmp_path: Path, manifests: list[object], want: str) -> None:
    with pytest.raises(RefusedError, match=want):
        read([written(tmp_path, *manifests)])


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="file in this folder"):
        read([tmp_path])


def test_an_overlay_is_a_config_map_or_what_stands_in_one(tmp_path: Path) -> None:
    text = "version: 2026.11.24\ngroups: {}\n"
    bare = tmp_path / "overlay.yaml"
    bare.write_text(text, encoding="utf-8")
    whole = written(tmp_path, {"kind": "ConfigMap", "data": {"catalogue.yaml": text}}, name="config-map.yaml")

    for file in (bare, whole):
        ref, manifest = overlay(file, "bolwerk-system")
        assert str(ref) == "ConfigMap bolwerk-system/bolwerk-catalogue"
        assert manifest["data"] == {"catalogue.yaml": text}


def test_an_overlay_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="an overlay is one YAML document"):
        overlay(written(tmp_path, ["a"]), "bolwerk-system")
