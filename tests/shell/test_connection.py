"""Sessions on one pool, and what is said when there is no way to the API server."""

from pathlib import Path

import pytest

from bolwerk.shell.connection import Connection, NoConfigurationError, load_configuration

from .conftest import ScriptedServer
from .test_client import ok


async def test_a_session_that_is_closed_leaves_the_others_open(connection: Connection, server: ScriptedServer) -> None:
    """kopf closes the session that it was given on every login."""
    server.script = [ok({})]
    kopfs, ours = connection.session(), connection.session()

    async with kopfs.get(f"{connection.server}/version"):
        pass
    await kopfs.close()

    async with ours.get(f"{connection.server}/version") as answer:
        assert answer.status == 200
    await ours.close()
    assert [asked.headers["Authorization"] for asked in server.asked] == ["Bearer first", "Bearer first"]


def test_without_a_configuration_it_says_what_to_provide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", "/nowhere")

    with pytest.raises(NoConfigurationError, match="set KUBECONFIG"):
        load_configuration()


def test_a_kubeconfig_that_cannot_be_honoured_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        """
        apiVersion: v1
        kind: Config
        current-context: c
        contexts: [{name: c, context: {cluster: c, user: u}}]
        users: [{name: u, user: {token: t}}]
        clusters: [{name: c, cluster: {server: "https://127.0.0.1:1", tls-server-name: elsewhere}}]
        """,
        encoding="utf-8",
    )
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))

    with pytest.raises(NoConfigurationError, match="tls-server-name"):
        load_configuration()
