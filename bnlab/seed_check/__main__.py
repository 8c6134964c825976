"""One trace in a separate process: `python -m bnlab.seed_check REQUEST`. REQUEST is a JSON that `conditions` writes."""

import json
import os
import sys
from pathlib import Path


def main(request: str) -> None:
    """Train the request's config (YAML) in its folder, and write the trace of one seed there.

    The request is {config, folder, seed, one_core}: `seed` is an index, `one_core` restricts the process to one core.
    """
    wanted = json.loads(request)
    if wanted["one_core"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    from bnlab.config import parse_config
    from bnlab.files import write_atomically
    from bnlab.seed_check.trace import take_trace

    folder = Path(wanted["folder"])
    trace = take_trace(parse_config(wanted["config"], "seed-check"), folder / "run", seed=wanted["seed"])
    write_atomically(folder / "trace.npz", trace.to_npz())


if __name__ == "__main__":
    main(sys.argv[1])
