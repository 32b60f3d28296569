"""Lineage: `walk` from one asset in both directions, `export` as OpenLineage events, and the page of
column lineage."""

from __future__ import annotations

from pathlib import Path

from quality.lineage.columns import columns_page
from quality.lineage.tree import Branch, FileGroup, Node, Walk
from quality.lineage.walk import walk
from recomart.settings import Settings

__all__ = ["Branch", "FileGroup", "Node", "Walk", "columns_page", "export", "walk"]


def export(settings: Settings) -> Path:
    """Write all lineage as OpenLineage events (`quality.lineage.events.export_events`)."""
    # the client takes half a second to import, and a walk does without it
    from quality.lineage.events import export_events

    return export_events(settings)
