"""`bnlab seed-check`: can a run be repeated? One answer for each condition, with the first difference where there is one.

The lesson of article 002: a run repeats only if *every* generator is seeded. The check also repeats the article's mistake.

`conditions` defines the conditions and their required results. `trace` records the arrays of a run. `python -m
bnlab.seed_check` takes one trace in a fresh process. This module imports nothing: that process must set XLA's flags before
it imports JAX.
"""
