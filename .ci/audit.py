"""Hold what Datashelf installs against the known vulnerabilities of its versions (pip-audit, PyPI's advisories).

Exit 1 where one is known. Where the advisories cannot be read from this machine (no way out, or an index mirror that
has none) nothing was audited: this says so, last and in capitals, and does not fail the build, which could not mend it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
WITHIN = 300
"""Seconds; a network that swallows packets would keep it for ever."""


def shipped() -> dict[str, str]:
    """Name and version of every distribution that requirements.txt brings, and that those bring, as installed here."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    todo = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        wanted = todo.pop()
        name, extras = re.sub(r"[-_.]+", "-", wanted.name).lower(), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system or Python
        found[name] = installed.version
        for text in installed.requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                todo.append(needed)
    return found


def audited(packages: dict[str, str]) -> list[dict[str, Any]]:
    """pip-audit's word on each. Raises OSError, with what it said, where it came to no end."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        pinned.write("".join(f"{name}=={version}\n" for name, version in sorted(packages.items())))
        pinned.flush()
        command = [sys.executable, "-m", "pip_audit", "--requirement", pinned.name, "--no-deps", "--disable-pip"]
        try:
            done = subprocess.run(
                [*command, "--format=json", "--progress-spinner=off"], capture_output=True, text=True, timeout=WITHIN
            )
        except subprocess.TimeoutExpired:
            raise OSError(f"no answer within {WITHIN} seconds") from None
    try:
        report: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    except ValueError:
        raise OSError((done.stderr.strip().splitlines() or ["it said nothing"])[-1]) from None
    return report["dependencies"]


def main() -> int:
    packages = shipped()
    try:
        results = audited(packages)
    except OSError as error:
        print(f"pip-audit: {error}")
        results = []
    known = [each for each in results if "skip_reason" not in each]
    skipped = sorted(packages.keys() - {re.sub(r"[-_.]+", "-", each["name"]).lower() for each in known})
    bad = [each for each in known if each["vulns"]]
    for each in bad:
        for one in each["vulns"]:
            fixed = ", ".join(one["fix_versions"]) or "no version yet"
            print(f"{each['name']} {each['version']}: {one['id']}, fixed in {fixed}")
    if bad:
        print(f"AUDIT: {len(bad)} of {len(packages)} packages have known vulnerabilities.")
        return 1
    if not known:
        print(f"AUDIT: NOTHING WAS AUDITED. The advisories of {len(packages)} packages cannot be read from here.")
    elif skipped:
        print(f"AUDIT: {len(known)} packages are clean; NOT AUDITED: {', '.join(skipped)}.")
    else:
        print(f"AUDIT: none of {len(packages)} packages has a known vulnerability.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
