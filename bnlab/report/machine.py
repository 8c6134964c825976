"""The report for machines: claims.json.

It is strict JSON. Fractions are fractions, also where the report shows percent, and what is not finite is null.

schema          1; it grows when a reader of the old one would misread the new one
bnlab, date, command, seconds, seeds, quick
environment     versions, device, threads, flags, commit, as in a run's environment.json
counts          {verdict: how many claims}
sources         a list: id, name, title, system, did, left_open, assumed, departures, and
  studies       a list: id, title, command, seconds, trained, why_not, and
    arms        a list: label, config, overrides, seeds [[init, data]], runs [the folders that hold them]
    measured    {system, values [{check, system, stated, ours}]}: what the source's own system gave: see `BesideSystem`; or
                null
    curves      a list: what `CurveVerdict` defines
    claims      a list: id, place, says, conditions, assumed, verdict, why, and
      stated    {text, value, last_digit_unit}, or null
      check     {kind, and what the check's class in `bnlab.claims` defines}
      evidence  {kind, and what the evidence's class defines}, or null
      per_seed  {seeds [[init, data]], values}: see `seeds.one_per_seed`; or null
"""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from bnlab import __version__
from bnlab.claims import Check, Judged
from bnlab.report.model import CheckedSource, CheckedStudy, Reproduction
from bnlab.report.text import clean
from bnlab.runs import json_bytes
from bnlab.statistics import Verdict

SCHEMA = 1


def to_json(reproduction: Reproduction) -> bytes:
    """Return claims.json."""
    counts = Counter(judged.verdict for judged in reproduction.judged)
    document = {
        "schema": SCHEMA,
        "bnlab": __version__,
        "date": reproduction.date,
        "command": reproduction.command,
        "seconds": reproduction.seconds,
        "seeds": reproduction.seeds,
        "quick": reproduction.quick,
        "environment": reproduction.environment,
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "sources": [_source(source) for source in reproduction.sources],
    }
    return json_bytes(_plain(document))


def _source(checked: CheckedSource) -> dict[str, Any]:
    return dataclasses.asdict(checked.source) | {"studies": [_study(study) for study in checked.studies]}


def _study(checked: CheckedStudy) -> dict[str, Any]:
    return {
        "id": checked.study.id,
        "title": checked.study.title,
        "command": checked.command,
        "seconds": checked.seconds,
        "trained": checked.trained,
        "why_not": checked.why_not,
        "arms": [
            dataclasses.asdict(arm)
            | {
                "seeds": pool.config.seeds.pairs if pool else [],
                "runs": [str(run.path) for run in pool.runs] if pool else [],
            }
            for arm in checked.study.arms
            for pool in [checked.pools.get(arm.label)]
        ],
        "measured": _measured(checked),
        "curves": [dataclasses.asdict(curve) for curve in checked.curves],
        "claims": [_claim(judged, checked) for judged in checked.judged],
    }


def _measured(study: CheckedStudy) -> dict[str, Any] | None:
    if study.study.measured is None:
        return None
    values = [
        {"check": _check(one.check), "system": one.system, "stated": one.claim and one.claim.printed, "ours": one.ours}
        for one in study.beside
    ]
    return {"system": study.study.measured.system, "values": values}


def _check(check: Check) -> dict[str, Any]:
    return {"kind": _kind(check), **dataclasses.asdict(check)}


def _claim(judged: Judged, study: CheckedStudy) -> dict[str, Any]:
    claim, evidence = judged.claim, judged.evidence
    stated = claim.stated
    seeds = study.seeds.get(claim.id)
    return {
        "id": claim.id,
        "place": claim.place,
        "says": claim.says,
        "conditions": claim.conditions,
        "assumed": claim.assumed,
        "verdict": judged.verdict,
        "why": judged.why,
        "stated": {"text": stated.text, "value": stated.value, "last_digit_unit": stated.last_digit_unit} if stated else None,
        "check": _check(claim.check),
        "evidence": {"kind": _kind(evidence), **dataclasses.asdict(evidence)} if evidence else None,
        "per_seed": {"seeds": seeds.pairs, "values": seeds.values} if seeds else None,
    }


def _kind(value: object) -> str:
    """Return "run value" for a RunValue."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(value).__name__).lower()


def _plain(value: Any) -> Any:
    """Return the value with nothing in it that strict JSON lacks."""
    match value:
        case Enum():
            return value.value
        case str():
            return clean(value)
        case Mapping():
            return {clean(str(name)): _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case np.ndarray() | np.generic():
            return _plain(value.tolist())
        case float() if not math.isfinite(value):
            return None
        case bool() | int() | float() | None:
            return value
        case _:
            return clean(str(value))
