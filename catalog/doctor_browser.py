"""What a browser saw when it tried the store, in words: outcomes in, findings out.

A browser does not tell its page why a request failed: a name that is not known, a refused connection, a missing CORS
header and a proxy's 413 without one are the same `TypeError`. What was tried before and after tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from catalog.doctor_findings import Finding, Fix, Status
from catalog.doctor_fixes import Place, clocks, environment
from catalog.doctor_store import TURN
from settings import is_loopback

BLOCKED = 0
"""The status of a request that the browser did not let the page see."""
MIB = 1024**2
LITTLE_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Tried:
    """One request: its status (0 where the browser told nothing) and the headers the page could read, lower case."""

    status: int
    headers: dict[str, str]
    same_bytes: bool | None = None
    seconds: float = 0
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was tried, None where it was not. `page` is the page's origin, `link` a link's address."""

    page: str
    link: str
    reached: bool
    clock_ahead: timedelta
    put: Tried | None = None
    put_larger: Tried | None = None
    put_part: Tried | None = None
    put_last: Tried | None = None
    completed: bool | None = None
    others: tuple[tuple[str, int], ...] = ()
    get: Tried | None = None
    ranged: Tried | None = None
    head: Tried | None = None
    expired: Tried | None = None
    sizes: tuple[int, int, int] = (0, 0, 0)


def findings(seen: Seen, place: Place, *, direct: bool) -> tuple[Finding, ...]:
    """`direct`: the links lead to a store of its own; else to this server, as on local disk."""
    reached = reach(seen, place, direct=direct)
    clock = own_clock(seen)
    if reached.status is Status.FAIL and not seen.reached:
        why = "The browser does not reach the store."
        left = [each for each in TITLES if direct or each != "expiry"]
        rest = [Finding(each, _title(each, direct=direct), Status.SKIPPED, why) for each in left]
        return (reached, *rest, *clock)
    tried = (upload(seen, place, direct=direct), body(seen, place, direct=direct), links(seen, place))
    # Links to this server end by its own code: there is no store, and no cache before it, to be tried.
    return (reached, *tried, *((expiry(seen),) if direct else ()), *clock)


TITLES = {
    "cors": "Browser may upload (CORS)",
    "body": "Large parts pass",
    "links": "Links work",
    "expiry": "Expired links are refused",
}


def reach(seen: Seen, place: Place, *, direct: bool) -> Finding:
    """Whether the address in links leads anywhere from here, and is one that others can use as well."""
    title = "Browser reaches the store" if direct else "Links carry this page’s address"
    page, link = urlsplit(seen.page), urlsplit(seen.link)
    host = link.netloc
    setting = f"MINIO__PUBLIC_ENDPOINT={place.public}" if direct else f"Links begin with {link.scheme}://{host}"
    if page.scheme == "https" and link.scheme == "http":
        found = f"This page is https, and {setting} is http."
        means = "Browsers refuse such a mixture without asking, so nothing can be uploaded or downloaded."
        fixes = place.https() if direct else environment(f"PUBLIC_URL={seen.page}")
        return Finding("reach", title, Status.FAIL, found, means, fixes)
    if is_loopback(link.hostname) and not is_loopback(page.hostname):
        found = f"Links lead to {host}, which is on everybody’s machine their own."
        means = f"People at {page.netloc} cannot upload or download."
        return Finding("reach", title, Status.FAIL, found, means, _address(place, seen, direct=direct))
    if not seen.reached:
        found = f"The browser gets no answer from {host}: the name is unknown here, or nothing listens there."
        means = (
            "Files cannot go straight to the store or come from it; they pass through this server where that is set."
        )
        return Finding("reach", title, Status.FAIL, found, means, _address(place, seen, direct=direct))
    return Finding("reach", title, Status.OK, f"{host} answers the browser.")


def upload(seen: Seen, place: Place, *, direct: bool) -> Finding:
    """A small part, its ETag read, and the parts put together."""
    title = _title("cors", direct=direct)
    if seen.put is None:
        return Finding("cors", title, Status.SKIPPED, "Uploads are set to pass through this server.")
    if seen.put.status == BLOCKED:
        found = f"The bucket refuses PUT from {seen.page}."
        means = "Files pass through this server instead of going straight to the store, slower."
        if not direct:
            found, means = f"A PUT to {urlsplit(seen.link).netloc} is refused.", "Files cannot be uploaded."
        return Finding(
            "cors", title, Status.FAIL, found, means, place.cors() if direct else place.body_limit(_host(seen))
        )
    if seen.put.status == 403:
        means = "The signature covers the Host header and the path: a proxy on the way changes one of them."
        return Finding(
            "cors", title, Status.FAIL, "The store refuses the signed PUT (HTTP 403).", means, place.host_header()
        )
    if seen.put.status != 200:
        found = f"The store answers the PUT with HTTP {seen.put.status}."
        means = "Something else than the store answers there, or it cannot store now."
        return Finding("cors", title, Status.FAIL, found, means, place.host_header())
    if "etag" not in seen.put.headers:
        found = f"Pages of {seen.page} may PUT and may not read the ETag."
        means = "Without it an upload cannot be completed, so files pass through this server, slower."
        return Finding("cors", title, Status.FAIL, found, means, place.cors())
    shut = next((bucket for bucket, status in seen.others if status == BLOCKED), None)
    if shut is not None:
        found = f"The bucket {shut} refuses PUT from {seen.page}."
        means = "Files for it pass through this server instead of going straight to the store, slower."
        return Finding("cors", title, Status.FAIL, found, means, place.cors())
    if seen.completed is False:
        found = "The parts arrived, and the store did not put them together."
        means = "Uploads end without a file; the app’s log says what the store answered."
        return Finding("cors", title, Status.FAIL, found, means)
    return Finding("cors", title, Status.OK, "Sent parts, read their ETags, completed the upload.")


def body(seen: Seen, place: Place, *, direct: bool) -> Finding:
    """Whether bodies of a part's size get through."""
    title = TITLES["body"]
    _, larger, part = seen.sizes
    host = None if direct else _host(seen)
    if seen.put is None or seen.put.status != 200 or seen.put_larger is None:
        return Finding("body", title, Status.SKIPPED, "Small ones do not pass yet.")
    if not 200 <= seen.put_larger.status < 300:
        said = f"HTTP {seen.put_larger.status}" if seen.put_larger.status else "no answer the page may read"
        found = f"{_mib(seen.sizes[0])} pass, {_mib(larger)} do not ({said}): a proxy limits bodies (nginx: 1 MiB)."
        means = f"A part has {_mib(part)}; uploads fail until {host or place.public_host} lets it pass."
        return Finding("body", title, Status.FAIL, found, means, place.body_limit(host))
    if seen.put_part is None:
        return Finding("body", title, Status.OK, f"{_mib(larger)} pass.")
    if seen.put_part.cancelled:
        found = f"{_mib(larger)} pass; {_mib(part)} were given up after {seen.put_part.seconds:.0f} s."
        return Finding("body", title, Status.OK, f"{found} The line is slow; uploads take it as it is.")
    if not 200 <= seen.put_part.status < 300:
        said = f"HTTP {seen.put_part.status}" if seen.put_part.status else "no answer the page may read"
        found = f"{_mib(larger)} pass, {_mib(part)} do not ({said}): a proxy limits the body."
        means = f"A part has {_mib(part)}; uploads fail until {host or place.public_host} lets it pass."
        return Finding("body", title, Status.FAIL, found, means, place.body_limit(host))
    speed = part / MIB / max(seen.put_part.seconds, 0.001)
    return Finding("body", title, Status.OK, f"A whole part of {_mib(part)} at {speed:,.0f} MiB/s.")


def links(seen: Seen, place: Place) -> Finding:
    """A link that reads, whole and in a range."""
    title = TITLES["links"]
    if seen.get is None:
        return Finding("links", title, Status.SKIPPED, "There was nothing to read.")
    slow = seen.get.cancelled and seen.ranged is not None and seen.ranged.status == 206
    if not slow and (wrong := _whole(seen, seen.get, place)) is not None:
        return wrong
    if seen.ranged is not None and (seen.ranged.status != 206 or seen.ranged.same_bytes is False):
        said = f"HTTP {seen.ranged.status}" if seen.ranged.status else "no answer the page may read"
        found = f"A request for a range is answered with {said}."
        means = "Downloads cannot go on where they broke off, and readers by range fetch whole files."
        return Finding("links", title, Status.WARN, found, means, place.cors())
    if seen.ranged is not None and "content-range" not in seen.ranged.headers:
        found = "Links and ranges work; pages may not read Content-Range."
        means = "Only what reads by ranges inside a browser needs it (DuckDB-Wasm, a notebook in the browser)."
        return Finding("links", title, Status.WARN, found, means, place.cors())
    if seen.head is not None and seen.head.status not in (200, BLOCKED):
        found = f"A link signed for HEAD is answered with HTTP {seen.head.status}."
        return Finding(
            "links", title, Status.WARN, found, "Some readers ask for the size first and fail.", place.cors()
        )
    if slow:
        found = f"A range arrived; the whole was given up after {seen.get.seconds:.0f} s. The line is slow."
        return Finding("links", title, Status.OK, found)
    also = ", HEAD" if seen.head is not None and seen.head.status == 200 else ""
    return Finding("links", title, Status.OK, f"GET with the same bytes{also}, and a range with its Content-Range.")


def _whole(seen: Seen, get: Tried, place: Place) -> Finding | None:
    title = TITLES["links"]
    if get.status == BLOCKED:
        found = f"The bucket lets pages of {seen.page} read nothing."
        means = "Downloads by click work; what reads in the browser (a notebook in it, a dashboard) does not."
        return Finding("links", title, Status.WARN, found, means, place.cors())
    if get.status != 200:
        found = f"A fresh link is answered with HTTP {get.status}."
        means = "Downloads fail. The signature covers the Host header and the path, which a proxy may change."
        return Finding("links", title, Status.FAIL, found, means, place.host_header())
    if get.same_bytes is False:
        found = "A link gave other bytes than were stored."
        means = "Something on the way changes them: a proxy that compresses, a cache."
        return Finding("links", title, Status.FAIL, found, means, place.host_header())
    return None


def expiry(seen: Seen) -> Finding:
    """A link that was good for one second, after three."""
    title = TITLES["expiry"]
    if seen.expired is None or seen.expired.status == BLOCKED:
        return Finding("expiry", title, Status.SKIPPED, "The browser could not tell.")
    if seen.expired.status < 400:
        found = f"A link that had expired was answered with HTTP {seen.expired.status}."
        return Finding("expiry", title, Status.FAIL, found, "Links that were given out never end: look for a cache.")
    return Finding("expiry", title, Status.OK, f"HTTP {seen.expired.status}, one second after the end.")


def own_clock(seen: Seen) -> tuple[Finding, ...]:
    """The visitor's clock signs nothing; it only makes times on the screens wrong."""
    apart = seen.clock_ahead
    if abs(apart) <= max(TURN, LITTLE_SKEW):
        return ()
    minutes = abs(apart.total_seconds()) / 60
    found = (
        f"This computer’s clock is {minutes:.0f} min {'ahead of' if apart > timedelta(0) else 'behind'} the server’s."
    )
    means = "Uploads and links work all the same; times on the screens look wrong."
    return (Finding("browser-clock", "This computer’s clock", Status.WARN, found, means, clocks()),)


def _title(finding_id: str, *, direct: bool) -> str:
    # Links to this server need no CORS, and the word would only puzzle.
    return TITLES[finding_id] if direct else TITLES[finding_id].removesuffix(" (CORS)")


def _address(place: Place, seen: Seen, *, direct: bool) -> tuple[Fix, ...]:
    return place.public_endpoint() if direct else environment(f"PUBLIC_URL={seen.page}")


def _host(seen: Seen) -> str:
    return urlsplit(seen.link).netloc


def _mib(count: int) -> str:
    return f"{count / MIB:.0f} MiB" if count >= MIB else f"{count // 1024} KiB"
