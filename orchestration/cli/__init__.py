"""The command line: `recomart <verb>`, also `python -m orchestration <verb>`.

Each step of the pipeline is a verb. Rooms are imported inside the verbs: a lookup must not wait
for libraries that it does not use. Each module here adds its verbs to the one `app`.
"""

from orchestration.cli import lookups, models, new, quality, servers, shops, simulate, steps, stream
from orchestration.cli.app import app, main

__all__ = [
    "app",
    "lookups",
    "main",
    "models",
    "new",
    "quality",
    "servers",
    "shops",
    "simulate",
    "steps",
    "stream",
]
