"""BLAS is limited to one thread, whatever the process has imported before."""

from __future__ import annotations

import os
import subprocess
import sys

from recomart.settings import PROJECT_ROOT

SCRIPT = """
from training.blas import one_blas_thread
with one_blas_thread():
    import numpy.linalg, scipy.linalg.lapack
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_info
    found = [one for one in threadpool_info() if one["user_api"] == "blas"]
print(len(found), {one["num_threads"] for one in found})
"""


def test_every_blas_that_a_fit_uses_has_one_thread_in_a_fresh_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=PROJECT_ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    libraries, _, threads = done.stdout.partition(" ")
    assert int(libraries) >= 2, "NumPy's and SciPy's"
    assert threads.strip() == "{1}"
