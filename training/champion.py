"""Which kind serves: the best validation nDCG@10, and of equals the simplest."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from training.kinds import KINDS

SAME = 1e-9
"""Two figures that differ by less are equal: sums of floats are not exact."""

log = logging.getLogger(__name__)


def rank_kinds(ndcg: Mapping[str, float]) -> tuple[str, ...]:
    """Kinds from best to worst by validation nDCG@10; ties go to the simpler.

    Args:
        ndcg: validation nDCG@10 by kind. A kind whose figure is NaN cannot be judged, and is left
            out; when none can, popularity leads, since it asks least of the data.
    """
    judged = [kind for kind in KINDS if math.isfinite(ndcg.get(kind, math.nan))]
    if not judged:
        log.warning(
            "no user liked anything new in the validation window: no model can be judged, "
            "and popularity is champion until there is more data"
        )
        return ("popularity",)
    # rounding makes near-equal figures equal; sorting is stable, and KINDS begins with the simplest
    return tuple(sorted(judged, key=lambda kind: -round(ndcg[kind] / SAME)))
