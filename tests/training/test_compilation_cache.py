"""Configs of one shape have one entry of the compilation cache for each compiled function."""

from pathlib import Path


def test_another_number_compiles_nothing_new(bnlab_process, tmp_path: Path):
    env = {"BNLAB_CACHE_DIR": str(tmp_path / "cache")}

    def entries(*overrides: str) -> set[str]:
        changes = [word for override in ("num_steps=4", *overrides) for word in ("--set", override)]
        answer = bnlab_process("train", "digits_bn", *changes, "--quiet", env=env)
        assert answer.code == 0, answer.err
        names = {path.name for path in (tmp_path / "cache/compiled").iterdir()}
        return {name for name in names if not name.endswith("-atime")}

    first = entries()
    assert {name.split("-")[0] for name in first} >= {"jit__start", "jit__train", "jit__evaluate"}
    assert entries("optimizer.learning_rate=0.5", "model.norm.momentum=0.5", "optimizer.epsilon=0.1") == first
    assert entries("batch_size=7") > first
