"""Five datasets to try Datashelf with; they come in like any other file. Their origin: `sample_data/SOURCES.md`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from catalog.caller import Caller
from catalog.datasets import Datasets
from catalog.errors import DatasetNameTaken
from catalog.intake import NewUpload
from catalog.uploads import Uploads

FOLDER = Path(__file__).parent / "sample_data"


@dataclass(frozen=True, slots=True)
class Sample:
    """A file of `sample_data` and how it stands on the shelf."""

    file_name: str
    name: str
    description: str
    tags: tuple[str, ...]


SAMPLES = (
    Sample("airports.csv", "Airports", "US airports with IATA code, city and position", ("aviation", "geo")),
    Sample(
        "penguins.json",
        "Palmer penguins",
        "Size and sex of 344 penguins of three species on the Palmer Archipelago, Antarctica",
        ("biology", "teaching"),
    ),
    Sample(
        "movies.json", "Movies", "Budgets, earnings and ratings of films, with errors left in on purpose", ("media",)
    ),
    Sample(
        "seattle-weather.csv",
        "Seattle weather",
        "Rain, temperature and wind in Seattle, daily, 2012 to 2015",
        ("weather",),
    ),
    Sample(
        "flights-3m.parquet", "Flights", "Three million US flights of 2001: delay, distance, from and to", ("aviation",)
    ),
)


@dataclass(frozen=True)
class Samples:
    """Puts the samples on a shelf."""

    uploads: Uploads
    datasets: Datasets

    def load(self, caller: Caller) -> tuple[uuid.UUID, ...]:
        """The ids of the sample datasets, in the order of SAMPLES; those on the shelf already are left as they are.

        Raises ReadOnly, and the store's errors; what was loaded until then stays, and loading again goes on.
        """
        # The last to come is the first of the list, so the samples are taken from the end.
        return tuple(reversed([self._load(caller, sample) for sample in reversed(SAMPLES)]))

    def _load(self, caller: Caller, sample: Sample) -> uuid.UUID:
        path = FOLDER / sample.file_name
        try:
            with path.open("rb") as data:
                new = NewUpload(sample.file_name, path.stat().st_size, name=sample.name)
                dataset_id = self.uploads.put(caller, new, data).summary.id
        except DatasetNameTaken as taken:
            return taken.dataset_id
        self.datasets.update(caller, dataset_id, description=sample.description, tags=sample.tags)
        return dataset_id
