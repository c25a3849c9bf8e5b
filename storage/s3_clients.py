"""The clients of one S3 store: for traffic, for signing links on the public host, for asking after its health."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import certifi
from minio import Minio
from urllib3 import PoolManager, Timeout

from settings import Minio as MinioSettings

CONNECTIONS = 32
"""Kept open: what two preview workers, a page's reruns and a few API calls use at once, with room."""
CONNECT_SECONDS = 3.0
READ_SECONDS = 60.0
"""Between two bytes of an answer; completing a large upload is the slowest to begin."""
HEALTH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Clients:
    """`prefix` is the path of MINIO__PUBLIC_ENDPOINT, which the proxy there strips."""

    traffic: Minio
    health: Minio
    public: Minio
    prefix: str
    pools: tuple[PoolManager, ...]

    def sign(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        expires_in: timedelta,
        public: bool = True,
        response: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> str:
        """A presigned URL on the public host, or on the traffic endpoint. Needs no network: the region is set."""
        client = self.public if public else self.traffic
        url: str = client.get_presigned_url(
            method,
            bucket,
            key,
            expires=expires_in,
            response_headers=dict(response or {}),
            extra_query_params=dict(query or {}),
        )
        if not public or not self.prefix:
            return url
        parts = urlsplit(url)
        return parts._replace(path=self.prefix + parts.path).geturl()


def connect(settings: MinioSettings) -> Clients:
    """Make the clients; no connection is opened yet."""
    public = urlsplit(settings.public_endpoint)
    traffic_pool = open_pool(secure=settings.secure, connect=CONNECT_SECONDS, read=READ_SECONDS, size=CONNECTIONS)
    health_pool = open_pool(secure=settings.secure, connect=HEALTH_SECONDS, read=HEALTH_SECONDS, size=1)
    signing_pool = PoolManager(num_pools=1)

    def client(endpoint: str, pool: PoolManager, *, secure: bool) -> Minio:
        return Minio(
            endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key.get_secret_value(),
            secure=secure,
            region=settings.region,
            http_client=pool,
        )

    return Clients(
        traffic=client(settings.endpoint, traffic_pool, secure=settings.secure),
        health=client(settings.endpoint, health_pool, secure=settings.secure),
        public=client(public.netloc, signing_pool, secure=public.scheme == "https"),
        prefix=public.path.rstrip("/"),
        pools=(traffic_pool, health_pool, signing_pool),
    )


def open_pool(*, secure: bool, connect: float, read: float, size: int) -> PoolManager:
    """Connections to one server; `connect` and `read` are seconds. Nothing is repeated."""
    # retries=False: attempts are counted once, by `Retries`, which knows what may be repeated.
    timeout = Timeout(connect=connect, read=read)
    if not secure:
        return PoolManager(timeout=timeout, maxsize=size, retries=False)
    return PoolManager(timeout=timeout, maxsize=size, retries=False, ssl_context=trust())


def trust() -> ssl.SSLContext:
    """The system's authorities (and SSL_CERT_FILE, by OpenSSL itself), plus certifi's for images that have none."""
    found = ssl.create_default_context()
    found.load_verify_locations(cafile=certifi.where())
    return found
