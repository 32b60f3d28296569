"""What an ingest will do, decided before it is done: from what is known to a list of actions.

    history (the ledger)  ┐
    entities (declared)   ├──> plan_fetches, plan_loads ──> actions ──> execute.py carries them out
    objects (discovered)  ┘

The functions here are pure: they open no file and no database, and equal arguments give equal
plans. They are asked twice, because remote objects land while the warehouse is free, and only then
are their bytes known: `plan_fetches` says what to fetch, `plan_loads` everything after that.

Rules that every plan keeps:

1. Every object leads to one action: it is landed (Land), its bytes are a batch already and are
   tried again (Retry), or there is nothing to do (Skip, with the reason).
2. Every batch that Land, Retry or Derive makes ready is in exactly one Load, which comes later.
3. Bytes that are loaded are loaded again only when their declaration changed (Reload), under the
   same batch id, in place of their old rows.
4. Order: what was received earlier comes first. Reload and Retry of landed bytes, then what was
   fetched, then local objects, then what is made from other entities' bytes, then segments.

A plan counts on success. When an action fails, the executor writes that into the ledger and leaves
out what would have followed from it; the next ingest plans again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from feature_store.ledger import LOADED, BatchRecord
from ingestion.actions import Action, Derive, Fold, Land, Load, Reload, Retry, Skip
from ingestion.history import STREAM, Bytes, History
from ingestion.sources import NOTHING_KNOWN, Fingerprint, Found

GROUP_BYTES, GROUP_FILES = 16 << 20, 200
"""Objects that add up to less share a transaction: contracts and commits cost the same for one
record as for a million."""


@dataclass(frozen=True)
class Entity:
    """What planning needs of an entity's declaration.

    Args:
        kind: the kind of source that its bytes come from.
        mapping: the fingerprint of its declaration; None when its rows need no declaration.
        origin: the entity whose bytes its records are made from, if they are.
        versions: the version of each object at its last load, by the object's key.
    """

    name: str
    kind: str
    mapping: str | None
    origin: str | None = None
    versions: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A discovered object and what is known of its bytes."""

    found: Found
    fingerprint: Fingerprint = NOTHING_KNOWN


@dataclass(frozen=True)
class Arrived:
    """A batch whose bytes were fetched in this ingest, before the rest was planned.

    Args:
        batch: a new batch, or the failed one that received the same bytes before.
        partial: it has only what changed since the last fetch.
    """

    batch: BatchRecord
    partial: bool = False


def worth_fingerprinting(history: History, entity: str, objects: Sequence[Found]) -> list[bool]:
    """For each object: whether its bytes may be those of a batch or of another object.

    If no batch of the entity and no other object has its size, they are new: hashing a file before
    it lands would only read it twice.
    """
    sizes = Counter(found.size for found in objects)
    return [
        found.size is None or sizes[found.size] > 1 or (entity, found.size) in history.sizes
        for found in objects
    ]


def plan_fetches(
    history: History,
    entities: Sequence[Entity],
    objects: Mapping[str, Sequence[Seen]],
    *,
    last_number: int,
) -> tuple[Land | Skip, ...]:
    """What to fetch of the remote sources.

    Args:
        objects: by entity, in the order in which they are to be loaded.
        last_number: the highest number of a batch so far, in the ledger or the landing zone.
    """
    numbers = _numbers(last_number)
    actions: list[Land | Skip] = []
    for entity in entities:
        for seen in objects.get(entity.name, ()):
            if _is_loaded(history, entity, seen):
                actions.append(Skip(entity.name, seen.found.name, "loaded before"))
            else:
                actions.append(Land(next(numbers), entity.name, seen.found))
    return tuple(actions)


def plan_loads(
    history: History,
    entities: Sequence[Entity],
    objects: Mapping[str, Sequence[Seen]],
    *,
    arrived: Sequence[Arrived] = (),
    segments: Sequence[Found] = (),
    last_number: int,
) -> tuple[Action, ...]:
    """Everything after the fetches.

    Args:
        objects: those of local sources, by entity, in the order in which they are to be loaded. An
            object without a sha256 has new bytes: no batch and no other object has its size.
        arrived: what was fetched, in order.
        segments: sealed segments of the stream, oldest first.
        last_number: as in `plan_fetches`, with the numbers of the fetches.
    """
    numbers = _numbers(last_number)
    actions: list[Action] = [*_reloads(history, entities)]
    ready = _Ready()
    fetched = {one.batch.batch_id for one in arrived}
    for entity in entities:
        actions += _retries(history, entity, ready, without=fetched)
    for one in arrived:
        is_origin = any(entity.origin == one.batch.entity for entity in entities)
        # what is made from these bytes may be new although the entity itself is not
        actions.append(
            Load(one.batch.entity, (one.batch.batch_id,), only_news=one.partial and not is_origin)
        )
        ready.add_batch(one.batch)
    for entity in entities:
        actions += _objects(history, entity, objects.get(entity.name, ()), ready, numbers)
    for entity in entities:
        if entity.origin is not None:
            actions += _derived(history, entity, ready, numbers)
    return (*actions, *_folds(history, segments, numbers))


def groups(sized: Iterable[tuple[str, int]]) -> Iterator[tuple[str, ...]]:
    """BatchRecord ids that share a transaction, in order, from ids and sizes in bytes."""
    group: list[str] = []
    total = 0
    for batch_id, size in sized:
        group.append(batch_id)
        total += size
        if total >= GROUP_BYTES or len(group) >= GROUP_FILES:
            yield tuple(group)
            group, total = [], 0
    if group:
        yield tuple(group)


class _Ready:
    """The batches that one plan makes ready."""

    def __init__(self) -> None:
        self.by_bytes: dict[Bytes, str] = {}
        self.of: dict[str, list[tuple[str, str | None, int]]] = {}
        """By entity, in order: batch id, sha256 (None for new bytes that were not read yet), size."""

    def add(self, batch_id: str, entity: str, sha256: str | None, size: int | None) -> None:
        self.of.setdefault(entity, []).append((batch_id, sha256, size or 0))
        if sha256 is not None:
            self.by_bytes[entity, sha256] = batch_id

    def add_batch(self, batch: BatchRecord) -> None:
        self.add(batch.batch_id, batch.entity, batch.sha256, batch.bytes)


def _numbers(last: int) -> Iterator[str]:
    return (f"{number:08d}" for number in count(last + 1))


def _is_loaded(history: History, entity: Entity, seen: Seen) -> bool:
    known, key = seen.fingerprint, seen.found.remembered_as
    if known.version is not None and entity.versions.get(key) == known.version:
        return True
    batch = history.with_bytes(entity.name, known.sha256) if known.sha256 else None
    return batch is not None and batch.status == LOADED


def _reloads(history: History, entities: Sequence[Entity]) -> Iterator[Reload | Skip]:
    declared = {entity.name: entity for entity in entities}
    for batch in history.loaded:
        entity = declared.get(batch.entity)
        if batch.source == STREAM or entity is None or entity.mapping in (None, batch.mapping):
            continue
        if batch.source == entity.kind and batch.landed_file in history.landed_files:
            yield Reload(batch)
        else:
            yield Skip(batch.entity, batch.source_file, "cannot be reloaded", batch=batch)


def _retries(
    history: History, entity: Entity, ready: _Ready, *, without: set[str]
) -> Iterator[Retry | Load]:
    """Failed batches for which something changed; their source may be gone."""
    if entity.mapping is None or entity.origin is not None:
        return
    retried = [
        batch
        for batch in history.worth_retrying(entity.name, entity.mapping)
        if batch.source == entity.kind and batch.batch_id not in without
    ]
    for batch in retried:
        ready.add_batch(batch)
        yield Retry(batch)
    for ids in groups((batch.batch_id, batch.bytes or 0) for batch in retried):
        yield Load(entity.name, ids)


def _objects(
    history: History,
    entity: Entity,
    objects: Sequence[Seen],
    ready: _Ready,
    numbers: Iterator[str],
) -> Iterator[Land | Retry | Load | Skip]:
    """The objects of a local source: landed and loaded group by group."""
    made: dict[str, Land | Retry] = {}
    sizes: list[tuple[str, int]] = []
    same: list[Skip] = []
    for seen in objects:
        found, sha256 = seen.found, seen.fingerprint.sha256
        if _is_loaded(history, entity, seen):
            yield Skip(entity.name, found.name, "loaded before")
            continue
        if (other := ready.by_bytes.get((entity.name, sha256))) is not None:
            same.append(Skip(entity.name, found.name, "same bytes", same_as=other))
            continue
        before = history.with_bytes(entity.name, sha256) if sha256 else None
        action: Land | Retry
        if before is None:
            batch_id = next(numbers)
            action = Land(batch_id, entity.name, found)
        else:
            batch_id = before.batch_id
            action = Retry(before, found)
        ready.add(batch_id, entity.name, sha256, found.size)
        made[batch_id] = action
        sizes.append((batch_id, found.size or 0))
    for ids in groups(sizes):
        yield from (made[batch_id] for batch_id in ids)
        yield Load(entity.name, ids)
    # what became of the bytes is known when they were tried
    yield from same


def _derived(
    history: History, entity: Entity, ready: _Ready, numbers: Iterator[str]
) -> Iterator[Derive | Load]:
    """Batches from the bytes of the origin's batches: of those loaded before, then of new ones."""
    assert entity.origin is not None, "only for entities that are made from another"
    # nothing is made from segments: they have an event's fields, not those of the declared source
    origins = [
        (batch.batch_id, batch.sha256, batch.bytes or 0)
        for batch in history.loaded
        if batch.entity == entity.origin and batch.source != STREAM
    ]
    origins += ready.of.get(entity.origin, ())
    sizes: list[tuple[str, int]] = []
    for origin, sha256, size in origins:
        before = history.with_bytes(entity.name, sha256) if sha256 else None
        if (before is not None and before.status == LOADED) or (
            (entity.name, sha256) in ready.by_bytes
        ):
            continue
        batch_id = before.batch_id if before is not None else next(numbers)
        ready.add(batch_id, entity.name, sha256, size)
        sizes.append((batch_id, size))
        yield Derive(batch_id, entity.name, origin, before)
    for ids in groups(sizes):
        yield Load(entity.name, ids)


def _folds(history: History, segments: Sequence[Found], numbers: Iterator[str]) -> Iterator[Fold]:
    waiting: dict[str, tuple[str, Found, BatchRecord | None]] = {}
    for found in segments:
        before = history.segments.get(found.name)
        if before is None or before.status != LOADED:
            batch_id = before.batch_id if before is not None else next(numbers)
            waiting[batch_id] = (batch_id, found, before)
    sizes = ((batch_id, found.size or 0) for batch_id, found, _ in waiting.values())
    for ids in groups(sizes):
        yield Fold(tuple(waiting[batch_id] for batch_id in ids))
