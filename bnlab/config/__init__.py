"""The config of one variant: its schema, where it is found, and how YAML, overrides and seeds become one."""

from bnlab.config.finding import configs_folder, find_config, shipped_configs
from bnlab.config.loading import load_config, parse_config
from bnlab.config.overrides import parse_seeds
from bnlab.config.schema import (
    CLASSIFICATIONS,
    LOSS_UNITS,
    MAX_WEIGHTS,
    AdjustmentConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    L2PenaltyConfig,
    ModelConfig,
    NormConfig,
    OptimizerConfig,
    RenormClippingConfig,
    SeedPair,
    SeedsConfig,
)

__all__ = [
    "CLASSIFICATIONS",
    "LOSS_UNITS",
    "MAX_WEIGHTS",
    "AdjustmentConfig",
    "Config",
    "DataConfig",
    "EvaluationConfig",
    "L2PenaltyConfig",
    "ModelConfig",
    "NormConfig",
    "OptimizerConfig",
    "RenormClippingConfig",
    "SeedPair",
    "SeedsConfig",
    "configs_folder",
    "find_config",
    "load_config",
    "parse_config",
    "parse_seeds",
    "shipped_configs",
]
