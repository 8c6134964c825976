"""The config of one variant: its schema, where it is found, and how YAML, overrides and seeds become one."""

from bnlab.config.differences import changes, computed_fields, differing_keys, seeds_text, value_text
from bnlab.config.explain import explain
from bnlab.config.fields import FieldDescription, describe_fields, json_schema
from bnlab.config.finding import configs_folder, find_config, find_sweep, shipped_configs, shipped_sweeps
from bnlab.config.loading import change_config, load_config, parse_config, parse_fields, read_text
from bnlab.config.overrides import parse_seeds, parse_setting
from bnlab.config.own_data import find_own_data
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
    Section,
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
    "Section",
    "SeedPair",
    "SeedsConfig",
    "Takers",
    "change_config",
    "changes",
    "computed_fields",
    "configs_folder",
    "describe_fields",
    "differing_keys",
    "explain",
    "find_config",
    "find_own_data",
    "find_sweep",
    "json_schema",
    "load_config",
    "load_configs",
    "parse_config",
    "parse_fields",
    "parse_seeds",
    "parse_setting",
    "read_text",
    "seeds_text",
    "share_settings",
    "shipped_configs",
    "shipped_sweeps",
    "value_text",
]
