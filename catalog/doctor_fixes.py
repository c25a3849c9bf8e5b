"""How each fault is put right: blocks to paste, filled with this deployment's bucket, addresses and origin.

Sources: "Configuring CORS" and `s3api` (Amazon S3 user guide, AWS CLI reference), `MINIO_API_CORS_ALLOW_ORIGIN` and
`mc` (MinIO and Silo), `weed s3`, `weed shell` (SeaweedFS wiki), `radosgw-admin` (Ceph), ngx_http_core_module and
ngx_http_proxy_module (nginx), ingress-nginx annotations, mod `core` (Apache). The length is that of the blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from shlex import quote
from urllib.parse import urlsplit

from catalog.doctor_findings import Fix
from settings import Settings
from storage.cors import EXPOSED, HOUR, METHODS
from storage.s3_facts import StoreKind

LABELS = {
    StoreKind.MINIO: "MinIO / Silo",
    StoreKind.SEAWEEDFS: "SeaweedFS",
    StoreKind.AWS: "AWS S3",
    StoreKind.CEPH: "Ceph RGW",
}
SHELL = "Paste this in a shell where aws may manage the bucket, then press Check again. Nothing is lost meanwhile."
ENV = "Put this into .env, start Datashelf again, then press Check again."


@dataclass(frozen=True, slots=True)
class Place:
    """Where this deployment is: what the blocks are filled with. `origin` is the pages' own, as browsers send it."""

    kind: StoreKind
    origin: str
    bucket: str
    buckets: tuple[str, ...]
    endpoint: str
    """host:port of the traffic endpoint."""
    traffic: str
    public: str
    region: str
    access_key: str

    @classmethod
    def of(cls, settings: Settings, kind: StoreKind, origin: str) -> Place:
        minio = settings.minio
        buckets = tuple(dict.fromkeys(minio.bucket_for(role) for role in ("datasets", "models", "temp")))
        return cls(
            kind=kind,
            origin=origin,
            bucket=buckets[0],
            buckets=buckets,
            endpoint=minio.endpoint,
            traffic=f"{'https' if minio.secure else 'http'}://{minio.endpoint}",
            public=minio.public_endpoint,
            region=minio.region,
            access_key=minio.access_key,
        )

    @property
    def public_host(self) -> str:
        return urlsplit(self.public).netloc

    def _first(self, fixes: Iterable[Fix]) -> tuple[Fix, ...]:
        return tuple(sorted(fixes, key=lambda fix: fix.kind != self.kind))

    def _aws(self, command: str, kind: StoreKind) -> str:
        end = "" if kind is StoreKind.AWS else f" --endpoint-url {self.public}"
        return f"aws {command}{end}"

    def cors(self) -> tuple[Fix, ...]:
        """Let the pages' origin PUT and GET, and read ETag and Content-Range."""
        rule = {
            "AllowedOrigins": [self.origin],
            "AllowedMethods": list(METHODS),
            "AllowedHeaders": ["*"],
            "ExposeHeaders": list(EXPOSED),
            "MaxAgeSeconds": HOUR,
        }
        document = quote(json.dumps({"CORSRules": [rule]})).replace('], "', '],\n    "')

        def by_rule(kind: StoreKind) -> str:
            end = "" if kind is StoreKind.AWS else f" --endpoint-url {self.public}"
            return "\n".join(
                f"aws s3api put-bucket-cors --bucket {bucket}{end} \\\n  --cors-configuration {document}"
                for bucket in self.buckets
            )

        seaweed = f"{by_rule(StoreKind.SEAWEEDFS)}\n# or for every bucket, where weed starts: "
        return self._first(
            [
                Fix(
                    StoreKind.MINIO,
                    LABELS[StoreKind.MINIO],
                    "Set this where the store starts, start it again, then press Check again. It has no rule per "
                    "bucket; several origins stand with commas between.",
                    f"MINIO_API_CORS_ALLOW_ORIGIN={self.origin}",
                ),
                Fix(
                    StoreKind.SEAWEEDFS,
                    LABELS[StoreKind.SEAWEEDFS],
                    SHELL,
                    f"{seaweed}-s3.allowedOrigins={self.origin}",
                ),
                Fix(StoreKind.AWS, LABELS[StoreKind.AWS], SHELL, by_rule(StoreKind.AWS)),
                Fix(StoreKind.CEPH, LABELS[StoreKind.CEPH], SHELL, by_rule(StoreKind.CEPH)),
                Fix(
                    "nginx",
                    "nginx in front",
                    f"In the server block that answers for {self.public_host}: pass OPTIONS and the store’s own "
                    "Access-Control headers on, and add none; then nginx -s reload.",
                    f"location / {{\n    proxy_pass {self.traffic};\n    proxy_set_header Host $http_host;\n}}",
                ),
            ]
        )

    def body_limit(self, host: str | None = None) -> tuple[Fix, ...]:
        """Let bodies of a part's size pass a proxy. `host`: the name it answers for, the store's where None."""
        name = host or self.public_host
        return (
            Fix(
                "nginx",
                "nginx",
                f"In the server block that answers for {name}, then nginx -s reload.",
                "client_max_body_size 0;\nproxy_request_buffering off;\nproxy_buffering off;",
            ),
            Fix(
                "ingress",
                "Kubernetes ingress-nginx",
                f"Among the annotations of the ingress for {name}.",
                'nginx.ingress.kubernetes.io/proxy-body-size: "0"\n'
                'nginx.ingress.kubernetes.io/proxy-request-buffering: "off"\n'
                'nginx.ingress.kubernetes.io/proxy-buffering: "off"',
            ),
            Fix("apache", "Apache", f"In the virtual host of {name}, then apachectl graceful.", "LimitRequestBody 0"),
        )

    def public_endpoint(self) -> tuple[Fix, ...]:
        """Name the store as browsers reach it. The page's own host with the store's port is the likeliest."""
        page = urlsplit(self.origin)
        port = self.endpoint.rpartition(":")[2]
        if page.scheme == "https":
            guess = f"https://files.{page.hostname}"
        else:
            guess = f"http://{page.hostname}:{port if port.isdigit() else 80}"
        return (
            Fix(
                "env",
                "Datashelf",
                "The address under which browsers reach the store, as you would type it; this is the likeliest. " + ENV,
                f"MINIO__PUBLIC_ENDPOINT={guess}",
            ),
            Fix(
                "app",
                "Through this server",
                "Where browsers shall never reach the store: the bytes then pass through Datashelf, slower. " + ENV,
                "UPLOAD__VIA=app\nDOWNLOAD__VIA=app",
            ),
        )

    def https(self) -> tuple[Fix, ...]:
        """A page over https may not talk to a store over http: give the store a name with a certificate."""
        host = urlsplit(self.origin).hostname
        return (
            Fix(
                "nginx",
                "nginx in front",
                "A server for the store with a certificate of its own (deploy/nginx.conf has the whole file).",
                f"server {{\n    listen 443 ssl;\n    server_name files.{host};\n"
                f"    ssl_certificate     /etc/ssl/files.{host}.crt;\n"
                f"    ssl_certificate_key /etc/ssl/files.{host}.key;\n"
                f"    location / {{\n        proxy_pass {self.traffic};\n"
                "        proxy_set_header Host $http_host;\n        client_max_body_size 0;\n"
                "        proxy_request_buffering off;\n        proxy_buffering off;\n    }\n}",
            ),
            Fix("env", "Datashelf", ENV, f"MINIO__PUBLIC_ENDPOINT=https://files.{host}"),
        )

    def host_header(self) -> tuple[Fix, ...]:
        """The signature covers the Host header and the path, so a proxy must pass both on as they came."""
        return (
            Fix(
                "nginx",
                "nginx in front",
                f"In the location that leads to the store for {self.public_host}, then nginx -s reload.",
                f"proxy_pass {self.traffic};\nproxy_set_header Host $http_host;",
            ),
        )

    def reach(self) -> tuple[Fix, ...]:
        """The store itself does not answer the app."""
        return (
            Fix(
                "shell",
                "Look",
                "On the machine (or in the container) where Datashelf runs: does the name lead there, does it answer?",
                f"getent hosts {self.endpoint.rpartition(':')[0] or self.endpoint}\n"
                f"curl -sv -o /dev/null {self.traffic}/",
            ),
            Fix(
                "env",
                "Datashelf",
                ENV,
                f"MINIO__ENDPOINT=host:port\nMINIO__SECURE={'true' if self._secure else 'false'}",
            ),
        )

    @property
    def _secure(self) -> bool:
        return self.traffic.startswith("https:")

    def credentials(self) -> tuple[Fix, ...]:
        """Credentials that may read, write and list in the buckets."""
        env = Fix(
            "env", "Datashelf", ENV, f"MINIO__ACCESS_KEY={self.access_key}\nMINIO__SECRET_KEY=the-secret-of-this-key"
        )
        stores = self._first(
            [
                Fix(
                    StoreKind.MINIO,
                    LABELS[StoreKind.MINIO],
                    "Make the user with mc, under an alias of the store’s administrator (here: store).",
                    f"mc admin user add store {quote(self.access_key)} the-secret-of-this-key\n"
                    f"mc admin policy attach store readwrite --user {quote(self.access_key)}",
                ),
                Fix(
                    StoreKind.SEAWEEDFS,
                    LABELS[StoreKind.SEAWEEDFS],
                    "In weed shell.",
                    f"s3.configure -user=datashelf -access_key={self.access_key} -secret_key=the-secret-of-this-key "
                    f"-buckets={','.join(self.buckets)} -actions=Read,Write,List,Tagging,Admin -apply",
                ),
                Fix(
                    StoreKind.AWS,
                    LABELS[StoreKind.AWS],
                    "Make a key for a user with s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket, "
                    "s3:AbortMultipartUpload and s3:ListBucketMultipartUploads on the bucket.",
                    "aws iam create-access-key --user-name datashelf",
                ),
                Fix(
                    StoreKind.CEPH,
                    LABELS[StoreKind.CEPH],
                    "On a node of the cluster; it prints the keys.",
                    "radosgw-admin user create --uid=datashelf --display-name=Datashelf",
                ),
            ]
        )
        return (env, *stores)

    def missing_bucket(self, bucket: str) -> tuple[Fix, ...]:
        """Make the bucket; it gets no policy and so stays private."""
        return self._first(
            [
                Fix(
                    StoreKind.MINIO,
                    LABELS[StoreKind.MINIO],
                    "With mc, under an alias of the store.",
                    f"mc mb store/{bucket}",
                ),
                Fix(
                    StoreKind.SEAWEEDFS,
                    LABELS[StoreKind.SEAWEEDFS],
                    "In weed shell.",
                    f"s3.bucket.create -name {bucket}",
                ),
                *(
                    Fix(kind, LABELS[kind], SHELL, self._aws(f"s3 mb s3://{bucket} --region {self.region}", kind))
                    for kind in (StoreKind.AWS, StoreKind.CEPH)
                ),
            ]
        )

    def region_of(self, found: str) -> tuple[Fix, ...]:
        return (Fix("env", "Datashelf", ENV, f"MINIO__REGION={found}"),)

    def private(self) -> tuple[Fix, ...]:
        """Take from strangers what they may do in the bucket."""
        closed = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
        people = {
            "identities": [
                {
                    "name": "datashelf",
                    "credentials": [{"accessKey": self.access_key, "secretKey": "the-secret-of-this-key"}],
                    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
                }
            ]
        }
        return self._first(
            [
                Fix(
                    StoreKind.MINIO,
                    LABELS[StoreKind.MINIO],
                    "With mc, under an alias of the store.",
                    "\n".join(f"mc anonymous set none store/{bucket}" for bucket in self.buckets),
                ),
                Fix(
                    StoreKind.SEAWEEDFS,
                    LABELS[StoreKind.SEAWEEDFS],
                    "Without credentials it is open to all. Keep this as s3.json and start weed with it.",
                    f"{json.dumps(people)}\n\nweed server -s3 -s3.config=s3.json",
                ),
                Fix(
                    StoreKind.AWS,
                    LABELS[StoreKind.AWS],
                    SHELL,
                    "\n".join(
                        f"aws s3api put-public-access-block --bucket {bucket} \\\n"
                        f"  --public-access-block-configuration {closed}"
                        for bucket in self.buckets
                    ),
                ),
                Fix(
                    StoreKind.CEPH,
                    LABELS[StoreKind.CEPH],
                    SHELL,
                    "\n".join(
                        self._aws(f"s3api put-bucket-acl --bucket {bucket} --acl private", StoreKind.CEPH)
                        for bucket in self.buckets
                    ),
                ),
            ]
        )

    def versions(self, bucket: str) -> tuple[Fix, ...]:
        """Let older versions go, which nobody can reach through Datashelf."""
        suspend = f"s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Suspended"
        expire = {
            "Rules": [
                {
                    "ID": "datashelf-deleted",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                }
            ]
        }
        return self._first(
            [
                Fix(
                    StoreKind.MINIO,
                    LABELS[StoreKind.MINIO],
                    "With mc, under an alias of the store: older versions go after a week.",
                    f"mc ilm rule add store/{bucket} --noncurrent-expire-days 7",
                ),
                Fix(
                    StoreKind.SEAWEEDFS,
                    LABELS[StoreKind.SEAWEEDFS],
                    SHELL,
                    self._aws(suspend, StoreKind.SEAWEEDFS),
                ),
                *(
                    Fix(
                        kind,
                        LABELS[kind],
                        "This replaces the bucket’s lifecycle rules: older versions go after a week.",
                        self._aws(f"s3api put-bucket-lifecycle-configuration --bucket {bucket}", kind)
                        + f" \\\n  --lifecycle-configuration {quote(json.dumps(expire))}",
                    )
                    for kind in (StoreKind.AWS, StoreKind.CEPH)
                ),
            ]
        )


def clocks() -> tuple[Fix, ...]:
    """Set the machine's clock by the network's time. A container has the clock of its host."""
    return (
        Fix(
            "chrony",
            "chrony",
            "On the machine whose clock is wrong; a container has the clock of its host.",
            "sudo apt-get install -y chrony\nsudo chronyc makestep\nchronyc tracking",
        ),
        Fix("systemd", "systemd", "On the machine whose clock is wrong.", "sudo timedatectl set-ntp true\ntimedatectl"),
    )


def leftovers() -> tuple[Fix, ...]:
    """Give up what nobody goes on with."""
    return (
        Fix(
            "ops",
            "Datashelf",
            "Shows what it would give up; with --apply it does. Nothing younger than a day is touched.",
            "python -m ops reconcile\npython -m ops reconcile --apply",
        ),
    )


def environment(*lines: str) -> tuple[Fix, ...]:
    """Settings of our own."""
    return (Fix("env", "Datashelf", ENV, "\n".join(lines)),)


def shell(how: str, *lines: str) -> tuple[Fix, ...]:
    return (Fix("shell", "Shell", how, "\n".join(lines)),)
