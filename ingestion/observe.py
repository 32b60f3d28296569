"""What is there when an ingest begins: remembered versions, landed files, objects of the sources."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import duckdb

from ingestion import ledger
from ingestion.declaration import Declaration
from ingestion.failures import FAILURES, explained
from ingestion.history import History
from ingestion.journal import Journal
from ingestion.landing import LandingZone
from ingestion.plan import Entity, Seen, worth_fingerprinting
from ingestion.shop_file import ShopFile
from ingestion.sources import NOTHING_KNOWN, SOURCES, Found, Memory, Place, kind_of, place_of
from ingestion.sources.stream import ENTITY, SOURCE, StreamSource
from recomart.settings import Settings


def memories_of(
    connection: duckdb.DuckDBPyConnection, declared: Mapping[str, Declaration[Any]]
) -> dict[str, Memory]:
    """What earlier ingests remembered of each entity's source."""
    versions, positions = ledger.read_versions(connection), ledger.read_positions(connection)
    return {
        entity: Memory(positions.get((entity, one.source.kind)), versions.get(entity, {}))
        if place_of(one) == "remote"
        else Memory()
        for entity, one in declared.items()
    }


def landing_zone(settings: Settings, history: History) -> LandingZone:
    """The landing zone, without what an interrupted ingest left in it."""
    landing = [kind.name for kind in SOURCES if kind.place != "lake"]
    named = {batch.landed_file for batch in history.batches if batch.landed_file}
    return LandingZone(settings.raw, landing, named, history.kept_bytes)


def entity_of(declared: Declaration[Any], memory: Memory) -> Entity:
    """What planning needs of a declaration."""
    return Entity(
        declared.entity,
        declared.source.kind,
        None if place_of(declared) == "lake" else declared.mapping,
        declared.origin,
        memory.versions,
    )


def discover(
    journal: Journal,
    declared: Mapping[str, Declaration[Any]],
    memories: Mapping[str, Memory],
    history: History,
    place: Place,
) -> dict[str, list[Seen]]:
    """The objects that the sources of a place have now. A source with a problem has none."""
    objects: dict[str, list[Seen]] = {}
    for entity, one in declared.items():
        if one.origin is not None or place_of(one) != place:
            continue
        try:
            discovery = kind_of(one).discover(one, memories[entity])
        except FAILURES as exc:
            journal.refused(entity, explained(entity, exc))
            continue
        if discovery.problems:
            journal.refused(entity, discovery.problems[0])
            continue
        objects[entity] = _seen(one, discovery.objects, history)
    return objects


def _seen(declared: Declaration[Any], objects: tuple[Found, ...], history: History) -> list[Seen]:
    """Objects with their fingerprints, where these may save the landing."""
    seen = []
    for found, asked in zip(
        objects, worth_fingerprinting(history, declared.entity, objects), strict=True
    ):
        known = NOTHING_KNOWN
        if asked:
            with suppress(OSError):  # its landing will report it
                known = kind_of(declared).fingerprint(declared, found)
        seen.append(Seen(found, known))
    return seen


def sealed_segments(settings: Settings, shop: ShopFile) -> tuple[Found, ...]:
    """The sealed segments of the stream, which may come whatever the shop file declares."""
    declared = Declaration(settings, shop, ENTITY, StreamSource.model_validate(StreamSource.kind))
    return SOURCE.discover(declared, Memory()).objects
