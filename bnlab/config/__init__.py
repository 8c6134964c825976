"""The config of one variant: its schema, where it is found, and how YAML, overrides and seeds become one."""

from bnlab.config.differences import changes, computed_fields, differing_keys, seeds_text, value_text
from bnlab.config.fields import FieldDescription, describe_fields, json_schema
from bnlab.config.finding import configs_folder, find_config, shipped_configs
from bnlab.config.loading import load_config, parse_config
from bnlab.config.overrides import parse_seeds, parse_setting
from bnlab.config.schema import (
    LOSS_UNITS,
    MAX_WEIGHTS,
    WORDS,
    AdjustmentConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    L2PenaltyConfig,
    ModelConfig,
    NormConfig,
    OptimizerConfig,
    ProbesConfig,
    RenormClippingConfig,
    SeedPair,
    SeedsConfig,
)
from bnlab.config.sharing import Takers, load_configs, share_settings

__all__ = [
    "LOSS_UNITS",
    "MAX_WEIGHTS",
    "WORDS",
    "AdjustmentConfig",
    "Config",
    "DataConfig",
    "EvaluationConfig",
    "FieldDescription",
    "L2PenaltyConfig",
    "ModelConfig",
    "NormConfig",
    "OptimizerConfig",
    "ProbesConfig",
    "RenormClippingConfig",
    "SeedPair",
    "SeedsConfig",
    "Takers",
    "changes",
    "computed_fields",
    "configs_folder",
    "describe_fields",
    "differing_keys",
    "find_config",
    "json_schema",
    "load_config",
    "load_configs",
    "parse_config",
    "parse_seeds",
    "parse_setting",
    "seeds_text",
    "share_settings",
    "shipped_configs",
    "value_text",
]
