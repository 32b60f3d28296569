"""One thread for BLAS: sums keep their order, and what is learned is the same bits on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from training.kinds import KINDS


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS works with one thread while inside; the products are small, and lose little by it.

    NumPy and SciPy bring a BLAS each, and only those that are loaded can be limited. So the kinds,
    which import SciPy's, are loaded first: else the first fit of a process would differ from the
    second in the last bits.
    """
    import scipy.linalg.lapack  # noqa: F401  # loads it

    KINDS.names()
    with threadpool_limits(1, user_api="blas"):
        yield
