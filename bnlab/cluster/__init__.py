"""Training on the worker processes of Dask: on this machine, or on any cluster that Dask reaches.

    with open_trainer(workers=2) as trainer:                            # worker processes on this machine
    with open_trainer(scheduler="tls://10.0.0.1:8786") as trainer:     # the workers of a running scheduler
        run_each(plans, trainer=trainer)

Dask alone decides which worker does what, and does again what a lost worker was doing. This package says what a task is.

bundles.py      seeds, or some segments of a long seed, are bundled to tasks of seconds, by the cost measured before
work.py         what a worker does with a bundle
acceptance.py   a worker is set up as the client is, before it imports JAX, and accepted if it computes the same bits
connection.py   the scheduler, the workers that it has, and what the user is told of them
trainer.py      bundles out, results in: a few bundles for each worker at a time; what becomes of bundles that lose workers

A worker needs bnlab, and no files. Data go to it once, with their SHA-256. The client alone writes runs/.

A worker imports `bnlab.cluster.acceptance` before JAX, so importing this package does not import JAX.

Needs `pip install 'bnlab[dask]'`.
"""

from bnlab.cluster.opening import WAIT_SECONDS as WAIT_SECONDS
from bnlab.cluster.opening import open_trainer as open_trainer
