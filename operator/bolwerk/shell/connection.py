"""How to reach and convince the API server: configuration, TLS, tokens, and the HTTP sessions built on them.

Made once by `run`; the client and kopf each get a session of their own on one shared connection pool, because
kopf closes its session on every re-login. Nothing here knows what is asked of the API server.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Sequence

import aiohttp
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

__all__ = ["Connection", "NoConfigurationError", "load_configuration"]

logger = logging.getLogger(__name__)


# Far less than the hour for which a rotated token stays valid after its successor has appeared.
TOKEN_SECONDS = 30.0


class NoConfigurationError(Exception):
    """There is no usable way to the API server; the message says what to provide."""


def load_configuration() -> Configuration:
    """Find the API server: the pod's service account, else KUBECONFIG (exec plugins and token files included).

    Raises
    ------
    NoConfigurationError
        When neither is there or the one found is broken.
    """
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException as outside:
        try:
            load_kube_config(client_configuration=configuration, persist_config=False)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError) as broken:
            raise NoConfigurationError(
                f"No way to the API server: not in a pod ({outside}) and no usable kubeconfig ({broken}). "
                "Run in a pod with a service account, or set KUBECONFIG."
            ) from broken
    if getattr(configuration, "tls_server_name", None):
        raise NoConfigurationError(
            "The kubeconfig sets tls-server-name, which is not supported: address the API server by a name "
            "that its certificate carries."
        )
    return configuration


class Connection:
    """One connection pool to one API server, and the authorization that every request on it carries.

    Parameters
    ----------
    load
        Reads the configuration; called again when the API server answers 401, since tokens rotate.
    """

    def __init__(self, load: Callable[[], Configuration] = load_configuration) -> None:
        self._load = load
        self._configuration = load()
        self._connector: aiohttp.TCPConnector | None = None
        self.server = str(self._configuration.host).rstrip("/")
        self._header: str | None = None
        self._header_until = float("-inf")

    def session(self, *, traces: Sequence[aiohttp.TraceConfig] = ()) -> aiohttp.ClientSession:
        """Open a session on the shared pool; closing it leaves the pool and other sessions alone."""
        if self._connector is None:
            # No limit: watches hold their connections, and the client bounds its own requests.
            self._connector = aiohttp.TCPConnector(limit=0, ssl=self._tls())
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            middlewares=(self._authorize,),
            trace_configs=list(traces),
            proxy=getattr(self._configuration, "proxy", None) or None,
            headers={"User-Agent": "bolwerk"},
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._connector is not None:
            await self._connector.close()

    def _tls(self) -> ssl.SSLContext | bool:
        if not self.server.startswith("https:"):
            return True
        context = ssl.create_default_context(cafile=self._configuration.ssl_ca_cert)
        if self._configuration.cert_file:
            context.load_cert_chain(self._configuration.cert_file, self._configuration.key_file)
        if not self._configuration.verify_ssl:
            logger.warning("the API server's certificate is not verified, as the kubeconfig asks")
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _authorization(self) -> str | None:
        # Asking the configuration has it read the token file again when a minute has passed; asking for every
        # request would cost as much as the request (0.4 ms: it works out the proxies anew each time).
        now = time.monotonic()
        if now >= self._header_until:
            self._header = self._configuration.get_api_key_with_prefix("BearerToken", "authorization")
            self._header_until = now + TOKEN_SECONDS
        return self._header

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        sent = self._authorization()
        if sent:
            request.headers["Authorization"] = sent
        response = await handler(request)
        if response.status != 401:  # noqa: PLR2004
            return response
        self._configuration, self._header_until = self._load(), float("-inf")
        fresh = self._authorization()
        if not fresh or fresh == sent:
            return response
        response.release()
        request.headers["Authorization"] = fresh
        return await handler(request)
