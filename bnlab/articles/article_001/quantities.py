"""The defaults and the history of article 001, from the config that repeats it; the parameters are in `parameters`."""

from bnlab.articles.article_001 import parameters
from bnlab.config import load_config
from bnlab.nn import BatchNorm
from bnlab.studies import Quantities


def quantities() -> Quantities:
    """Return {quantity: what computes it}."""
    config = load_config("mnist_contrib_bn")

    def option(name: str) -> float:
        norm = config.model.batch_norm
        return float(getattr(norm, name))

    return {
        **parameters.QUANTITIES,
        "default of decay": lambda: option("momentum"),
        "default of epsilon": lambda: option("epsilon"),
        "default of renorm_decay": lambda: BatchNorm().renorm_momentum,
        "rows of the history": lambda: float(config.num_records),
        "steps between two rows": lambda: float(config.record_every),
    }
