"""Rules by which a store clears away by itself: ours beside whatever rules the bucket has, which stay as they are.

A store may take a rule and drop it without a word (MinIO and Silo do so with aborting unfinished uploads), or keep it
and never act on it (SeaweedFS 4.48, tried). So what was set is read back, and the app goes on to clear away itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from storage.protocol import StorageError
from storage.s3_signed import SignedCalls, check, code_of

OWN = "datashelf-"
"""Every rule of ours has an ID that begins so; no other rule is touched."""
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_NONE = {"NoSuchLifecycleConfiguration"}


@dataclass(frozen=True, slots=True)
class StoreRule:
    """What happens to keys under `prefix`: objects go after `expire_days`, unfinished uploads after `abort_days`."""

    name: str
    prefix: str
    expire_days: int | None = None
    abort_days: int | None = None


def read_rules(calls: SignedCalls, bucket: str) -> list[StoreRule]:
    """Our rules, as the store has them. Raises StorageError; StorageDenied without the right to look."""
    found = (_parsed(rule) for rule in _rules(calls, bucket) if _id(rule).startswith(OWN))
    return [rule for rule in found if rule is not None]


def set_rules(calls: SignedCalls, bucket: str, wanted: Sequence[StoreRule]) -> list[StoreRule]:
    """Put our rules in the place of our earlier ones, and say which of them the store kept. Raises StorageError."""
    others = [rule for rule in _rules(calls, bucket) if not _id(rule).startswith(OWN)]
    document = ElementTree.Element("LifecycleConfiguration", xmlns=_NAMESPACE)
    document.extend([*others, *map(_element, wanted)])
    body = b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(document)
    check(calls.send("PUT", bucket, query={"lifecycle": ""}, body=body))
    now_there = read_rules(calls, bucket)
    return [rule for rule in wanted if rule in now_there]


def _rules(calls: SignedCalls, bucket: str) -> list[ElementTree.Element]:
    answer = calls.send("GET", bucket, query={"lifecycle": ""})
    if answer.status == 404 and code_of(answer) in _NONE:
        return []
    try:
        document = ElementTree.fromstring(check(answer).body)  # noqa: S314  # the store is the operator's own
    except ElementTree.ParseError as error:
        raise StorageError("the store's answer about the bucket's lifecycle is not S3's") from error
    for element in document.iter():
        # They are written back under the document's own namespace.
        element.tag = _bare(element)
    return document.findall("Rule")


def _element(rule: StoreRule) -> ElementTree.Element:
    element = ElementTree.Element("Rule")
    ElementTree.SubElement(element, "ID").text = OWN + rule.name
    ElementTree.SubElement(element, "Status").text = "Enabled"
    ElementTree.SubElement(ElementTree.SubElement(element, "Filter"), "Prefix").text = rule.prefix
    if rule.expire_days is not None:
        days = ElementTree.SubElement(ElementTree.SubElement(element, "Expiration"), "Days")
        days.text = str(rule.expire_days)
    if rule.abort_days is not None:
        abort = ElementTree.SubElement(element, "AbortIncompleteMultipartUpload")
        ElementTree.SubElement(abort, "DaysAfterInitiation").text = str(rule.abort_days)
    return element


def _parsed(element: ElementTree.Element) -> StoreRule | None:
    if element.findtext("Status") != "Enabled":
        return None
    prefix = element.findtext("Filter/Prefix") or element.findtext("Prefix") or ""
    expire = element.findtext("Expiration/Days")
    abort = element.findtext("AbortIncompleteMultipartUpload/DaysAfterInitiation")
    return StoreRule(
        _id(element).removeprefix(OWN), prefix, int(expire) if expire else None, int(abort) if abort else None
    )


def _id(rule: ElementTree.Element) -> str:
    return rule.findtext("ID") or ""


def _bare(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
