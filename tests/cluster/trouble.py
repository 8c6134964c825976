"""A preload of Dask's workers: it makes trouble for the tests, as the environment says.

BNLAB_TEST_KILLS=3       a bundle with seed 3 kills its worker
BNLAB_TEST_SLEEP=0.5     a bundle takes so much longer
BNLAB_TEST_HERE=FILE     each bundle adds a line to this file: the worker's process id, and the seeds
"""

import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from pathlib import Path

KILLS = {int(seed) for seed in os.environ.get("BNLAB_TEST_KILLS", "").split(",") if seed}
SLEEP = float(os.environ.get("BNLAB_TEST_SLEEP", "0"))
HERE = os.environ.get("BNLAB_TEST_HERE")


class _Patched(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        train = module._parts

        def troubled(tasks):
            seeds = [task.seeds.init for task in tasks]
            if HERE:
                with Path(HERE).open("a") as file:
                    file.write(f"{os.getpid()} {','.join(map(str, seeds))}\n")
            time.sleep(SLEEP)
            if KILLS & set(seeds):
                os.kill(os.getpid(), signal.SIGKILL)
            return train(tasks)

        module._parts = troubled


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "bnlab.cluster.work":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Patched(name, spec.origin)
        return spec


sys.meta_path.insert(0, _Finder())  # the module must not be imported here: it imports JAX, and the flags are not set yet
