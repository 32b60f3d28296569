"""How good predictions are: one metric a file, vectorised over users, NaN where undefined.

Ranking metrics take `hits`, (users, k) booleans or gains with the first place in column 0, and
`relevant`, (users,) counts of what could have been hit. `training.evaluate` makes both.
"""

from training.metrics.average_precision import average_precision
from training.metrics.coverage import coverage
from training.metrics.hit_rate import hit_rate
from training.metrics.mae import mae
from training.metrics.ndcg import discounted_gain, ndcg
from training.metrics.novelty import novelty
from training.metrics.personalisation import personalisation
from training.metrics.precision import precision
from training.metrics.recall import recall
from training.metrics.reciprocal_rank import reciprocal_rank
from training.metrics.rmse import rmse
from training.metrics.top_sellers import top_seller_share, top_sellers

__all__ = [
    "average_precision",
    "coverage",
    "discounted_gain",
    "hit_rate",
    "mae",
    "ndcg",
    "novelty",
    "personalisation",
    "precision",
    "recall",
    "reciprocal_rank",
    "rmse",
    "top_seller_share",
    "top_sellers",
]
