"""The stream: segments that the speed layer has sealed in the landing zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from feature_store.realtime.streams import EVENTS, SEALED
from ingestion.declaration import Declaration
from ingestion.sources import Discovery, Fingerprint, Found, Memory, SourceKind
from recomart.shop.entities import ENTITIES
from recomart.shop.sources import Column, Source

if TYPE_CHECKING:
    from ingestion.readers.reader import Reader

ENTITY = "events"


class StreamSource(Source):
    """Events that come by the stream alone: the speed layer's segments, which need no mapping."""

    kind: ClassVar[str] = "stream"
    entities: ClassVar[tuple[str, ...] | None] = (ENTITY,)

    columns: dict[str, Column] = Field(
        default_factory=lambda: {
            name: Column.model_validate({"column": name}) for name in ENTITIES[ENTITY]
        }
    )

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, data: Any) -> Any:
        return {} if data == cls.kind else data

    @model_validator(mode="after")
    def _takes_all(self) -> StreamSource:
        if self.where:
            raise ValueError("where filters files and APIs; every event of the stream is taken")
        if self.fill_down:
            raise ValueError(
                "fill_down is for files and APIs; an event of the stream has its values"
            )
        if self.time_zone or self.missing:
            raise ValueError(
                "time_zone and missing are for files, databases and APIs; events of the stream are "
                "in UTC, and without a value where there is none"
            )
        if self.repeats:
            raise ValueError("repeats is for files and APIs; an event of the stream counts once")
        return self


class StreamSegments(SourceKind[StreamSource]):
    """One object per sealed segment, oldest first.

    Segments are loaded in every ingest, whatever the shop file says of events, and by a transaction
    of their own (`ingestion/stream_transaction.py`): of all copies of an event, one is loaded.
    """

    model = StreamSource
    place = "lake"

    def discover(self, declared: Declaration[StreamSource], memory: Memory) -> Discovery:
        lake = declared.settings.lake
        paths = sorted((declared.settings.raw / EVENTS).glob(f"ingest_date=*/*{SEALED}"))
        return Discovery(
            tuple(
                Found(
                    path.relative_to(lake).as_posix(), SEALED.lstrip("."),
                    size=path.stat().st_size, path=path,
                )
                for path in paths
            )
        )  # fmt: skip

    def fingerprint(self, declared: Declaration[StreamSource], found: Found) -> Fingerprint:
        from recomart.files import sha256_of

        assert found.path is not None, "discover gives every segment its path"
        return Fingerprint(sha256=sha256_of(found.path))

    def open(self, declared: Declaration[StreamSource], found: Found) -> Iterator[bytes]:
        assert found.path is not None, "discover gives every segment its path"
        yield found.path.read_bytes()

    def reader(self, source: StreamSource) -> Reader:
        from ingestion.readers.formats import FILE_FORMATS

        return FILE_FORMATS["jsonl"]


SOURCE = StreamSegments()
