"""The store under examination: what every check is handed, and what one check learns for the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from catalog.doctor_findings import Finding, Status
from catalog.doctor_fixes import Place
from storage import MinioFileStorage, StorageDenied, StorageError
from storage.protocol import sentence
from storage.s3_facts import Greeting, StoreKind
from storage.s3_signed import SignedCalls


@dataclass
class Patient:
    """One run over one S3 store. `upload_days` is LIFECYCLE__UPLOAD_DAYS."""

    storage: MinioFileStorage
    place: Place
    upload_days: int
    greeting: Greeting | None = field(default=None, init=False)

    @property
    def calls(self) -> SignedCalls:
        return SignedCalls(self.storage.settings)

    def learn(self, kind: StoreKind) -> None:
        """The kind of store, where it was not known before: a proxy may hide it from the first answer."""
        if self.place.kind is StoreKind.OTHER:
            self.place = replace(self.place, kind=kind)

    def refused(self, finding_id: str, title: str, error: StorageError) -> Finding:
        """The finding of a check that the store did not let come to its end."""
        denied = isinstance(error, StorageDenied)
        means = "Files cannot be stored or read with these credentials." if denied else "Files cannot be stored now."
        fixes = self.place.credentials() if denied else self.place.reach()
        return Finding(finding_id, title, Status.FAIL, sentence(str(error)), means, fixes)
