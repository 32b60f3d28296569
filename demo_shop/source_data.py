"""The demo shop's files: their names, and whether a shop reads them."""

from __future__ import annotations

from ingestion.shop_file import load_shop
from recomart.settings import Settings

MANIFEST = "manifest.json"
"""What was generated; written last, so the files are complete when it is there."""

TRUTH = "dirt_truth.json"
"""Every planted piece of dirt and what must become of it."""

CATALOGUE = "catalogue.json"
"""The products, as the mock API hands them out."""


def is_demo_shop(settings: Settings) -> bool:
    """Whether the shop reads the files that the demo shop's generator writes to its lake.

    Only such a shop has files to generate and visitors to simulate: the tastes of other shops'
    users are unknown.
    """
    sources = load_shop(settings).shop.sources().values()
    return any(
        "{lake}/source_data" in glob for source in sources for glob in getattr(source, "files", ())
    )
