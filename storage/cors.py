"""The rule by which a bucket lets a browser's page in (CORS): read, set, and tried as a browser would.

AWS, Ceph and SeaweedFS keep rules per bucket. MinIO and Silo answer the same calls without doing anything (their
`PutBucketCors` is a dummy): what was set is worth something only once a preflight is answered by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from storage.asking import Answer, ask
from storage.protocol import StorageError
from storage.s3_signed import SignedCalls, check, code_of

METHODS = ("GET", "PUT", "HEAD")
EXPOSED = ("ETag", "Content-Range")
"""What the uploader, and whoever reads by ranges, must see of an answer; all else a page needs it may always see."""
HOUR = 3600
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_NONE = {"NoSuchCORSConfiguration", "NoSuchCORSConfigurationError"}


@dataclass(frozen=True, slots=True)
class CorsRule:
    """Which pages may do what, and what they may see of the answer."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = METHODS
    headers: tuple[str, ...] = ("*",)
    exposed: tuple[str, ...] = EXPOSED
    max_age: int | None = field(default=HOUR)
    """Seconds a browser may remember it; None leaves that to the browser."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """How a store answers a browser that asks before it sends."""

    status: int
    allowed: bool
    exposed: tuple[str, ...]
    """Names of headers, lower case, as far as the answer tells."""


def read_rules(calls: SignedCalls, bucket: str) -> list[CorsRule]:
    """The bucket's rules, none where it has none. Raises StorageError; StorageDenied without the right to look."""
    answer = calls.send("GET", bucket, query={"cors": ""})
    if answer.status == 404 and code_of(answer) in _NONE:
        return []
    return parse(check(answer).body)


def allow(calls: SignedCalls, bucket: str, origin: str) -> None:
    """Let pages of `origin` in, beside whomever the bucket's rules let in already. Raises StorageError."""
    wanted = CorsRule((origin,))
    others = [rule for rule in read_rules(calls, bucket) if rule.origins != wanted.origins]
    check(calls.send("PUT", bucket, query={"cors": ""}, body=document([wanted, *others])))
    if wanted not in read_rules(calls, bucket):
        raise StorageError("the store took the rule and does not keep it")


def preflight(url: str, origin: str, method: str) -> Preflight:
    """Ask as a browser does before it sends `method` to `url`. Raises StorageUnavailable."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return _judged(ask("OPTIONS", url, headers=asked), origin, method)


def _judged(answer: Answer, origin: str, method: str) -> Preflight:
    methods = {name.strip().upper() for name in answer.header("Access-Control-Allow-Methods").split(",")}
    lets_in = answer.header("Access-Control-Allow-Origin") in ("*", origin)
    allowed = answer.status < 300 and lets_in and bool(methods & {method, "*"})
    exposed = (name.strip().lower() for name in answer.header("Access-Control-Expose-Headers").split(","))
    return Preflight(answer.status, allowed, tuple(name for name in exposed if name))


def document(rules: Iterable[CorsRule]) -> bytes:
    """The rules as S3 takes them (CORSConfiguration)."""
    root = ElementTree.Element("CORSConfiguration", xmlns=_NAMESPACE)
    for rule in rules:
        place = ElementTree.SubElement(root, "CORSRule")
        for name, values in (
            ("AllowedOrigin", rule.origins),
            ("AllowedMethod", rule.methods),
            ("AllowedHeader", rule.headers),
            ("ExposeHeader", rule.exposed),
            ("MaxAgeSeconds", () if rule.max_age is None else (str(rule.max_age),)),
        ):
            for value in values:
                ElementTree.SubElement(place, name).text = value
    return ElementTree.tostring(root)


def parse(data: bytes) -> list[CorsRule]:
    """S3's CORSConfiguration, with or without its namespace. Raises StorageError where it is none."""
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  # the store is ours; minio-py reads it with the same parser
    except ElementTree.ParseError:
        raise StorageError("the store's answer is not a list of CORS rules") from None
    return [_rule(child) for child in root if _bare(child.tag) == "CORSRule"]


def _rule(element: ElementTree.Element) -> CorsRule:
    def texts(name: str) -> tuple[str, ...]:
        return tuple((child.text or "").strip() for child in element if _bare(child.tag) == name)

    age: Sequence[str] = texts("MaxAgeSeconds")
    seconds = int(age[0]) if age and age[0].isdigit() else None
    return CorsRule(
        texts("AllowedOrigin"), texts("AllowedMethod"), texts("AllowedHeader"), texts("ExposeHeader"), seconds
    )


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]
