"""The articles: one module each, with what it states as data."""

from collections.abc import Mapping

from bnlab.articles import article_003
from bnlab.compare import Stated
from bnlab.config import Config, load_config

STATED = {**article_003.STATED}


def stated_values(config: Config) -> Mapping[str, Stated]:
    """Return {metric: final value} as stated of one run of this config; empty unless it is a shipped one, seeds aside."""
    if config.name not in STATED:
        return {}
    shipped = load_config(config.name)
    same = shipped.fingerprint() == config.model_copy(update={"seeds": shipped.seeds}).fingerprint()
    return STATED[config.name] if same else {}
