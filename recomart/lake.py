"""The identity of a lake: one lake belongs to one shop, and records its name."""

from __future__ import annotations

import json
from pathlib import Path

from recomart.errors import WrongLake
from recomart.files import replace_text
from recomart.settings import Settings

MARKER = "lake.json"


def open_lake(settings: Settings) -> Path:
    """Create the lake's folder if needed, record its shop, and return the folder.

    Raises:
        WrongLake: the folder is the lake of another shop; nothing is changed.
    """
    marker = settings.lake / MARKER
    if marker.exists():
        owner = json.loads(marker.read_text())["shop"]
        if owner != settings.shop_name:
            raise WrongLake(
                f"{settings.lake} is the lake of shop '{owner}', not of '{settings.shop_name}'",
                where=str(marker),
                help="unset RECOMART_LAKE, or set it to another folder for this shop",
            )
        return settings.lake
    settings.lake.mkdir(parents=True, exist_ok=True)
    replace_text(marker, json.dumps({"shop": settings.shop_name}) + "\n")
    return settings.lake
