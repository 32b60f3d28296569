"""The first page of an HTTP catalogue: whether it can be reached, and what its items look like."""

from __future__ import annotations

import pyarrow as pa

from ingestion import headers
from ingestion.readers.json_values import JsonColumns, as_batch, parse
from ingestion.readers.records import LineCounts
from ingestion.sources.api import Catalogue, Known
from ingestion.sources.http import Transient
from ingestion.sources.pages import items_of
from recomart.errors import CatalogueError, RecoMartError, SourceError
from recomart.settings import Settings
from recomart.shop.file import ShopFile
from recomart.shop.model import ApiSource


def first_page(
    settings: Settings, shop: ShopFile, entity: str, source: ApiSource
) -> tuple[list[RecoMartError], pa.Table | None]:
    """Problems with the catalogue, and the records of its first page when there is one.

    It is asked once, within its time-out.
    """
    if "{mock_api}" in source.api and settings.mock_api_url is None:
        return [], None
    try:
        catalogue = Catalogue(settings, shop, entity, source, Known())
        body = catalogue.first_page()
    except SourceError as exc:
        exc.where = shop.where(f"{entity}.api") if exc.code != "missing-api-key" else exc.where
        return [exc], None
    except Transient as exc:
        down = CatalogueError(
            f"the catalogue of {entity} does not answer as it should",
            code="catalogue-down",
            where=shop.where(f"{entity}.api"),
            found=str(exc),
            help="see whether the API is up, and whether items and total name what its pages have",
        )
        return [down], None
    columns, tally = JsonColumns(source.reads), LineCounts()
    rows = []
    for item in items_of(parse(body), source.items) or []:
        if isinstance(item, dict):
            tally.records += 1
            rows.append(columns.row(item, tally.records))
    if source.each is not None or not rows:
        return [], None
    try:
        headers.check_items(columns, tally, shop, entity, source)
    except SourceError as exc:
        return [exc], None
    table = pa.Table.from_batches([as_batch(rows, 1, columns.paths)]).drop_columns("_record")
    return [], table.rename_columns(list(columns.paths))
