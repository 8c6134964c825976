"""`bnlab configs`."""

import typer


def configs() -> None:
    """List the configs that come with bnlab: the name, the article, the variant, and one line about each."""
    from bnlab.cli.tables import print_table
    from bnlab.config import load_config, shipped_configs

    loaded = {name: load_config(path) for name, path in shipped_configs().items()}
    rows = [(name, config.article or "", config.variant, config.description) for name, config in loaded.items()]
    print_table(("config", "article", "variant", "description"), rows)
    typer.echo("Train a config with `bnlab train NAME`. Show all its fields with `bnlab train NAME --print-config`.")
