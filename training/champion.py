"""Which kind serves: the best validation nDCG@10, and of equals the simplest."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from training.kinds import simplest_first

SAME = 1e-9
"""Two figures that differ by less are equal: sums of floats are not exact."""

log = logging.getLogger(__name__)


def rank_kinds(ndcg: Mapping[str, float]) -> tuple[str, ...]:
    """Kinds from best to worst by validation nDCG@10; ties go to the simpler.

    Args:
        ndcg: validation nDCG@10 by kind. A kind whose figure is NaN cannot be judged, and is left
            out; when none can, the simplest leads, since it asks least of the data.
    """
    names = [kind.name for kind in simplest_first()]
    judged = [name for name in names if math.isfinite(ndcg.get(name, math.nan))]
    if not judged:
        log.warning(
            "no user liked anything new in the validation window: no model can be judged, "
            "and %s is champion until there is more data",
            names[0],
        )
        return (names[0],)
    # rounding makes near-equal figures equal; sorting is stable, and the simplest comes first
    return tuple(sorted(judged, key=lambda name: -round(ndcg[name] / SAME)))
