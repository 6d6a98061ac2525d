"""What the page makes of its numbers, in Node: the model needs no document."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainlab.live.looks import packed

STATIC = Path(__file__).parents[2] / "src" / "trainlab" / "live" / "static"
SERIES = ["train_loss", "train_accuracy", "loss", "accuracy"]
SCRIPT = """
import { readFileSync } from "node:fs";
import { Model } from "./model.js";
const model = new Model();
model.take(JSON.parse(readFileSync("message.json")));
const { leader, wins } = model.verdict();
const found = [leader.name, Object.fromEntries(wins), model.lastBand(leader.name, 3)];
console.log(JSON.stringify(found));
"""


def verdict(folder: Path, accuracies: dict[str, list[float]], task: str = "classification") -> Any:
    """Who is in front of arms whose seeds have these last accuracies, or losses."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    seeds = len(next(iter(accuracies.values())))
    about = {
        "arms": [{"name": name, "trains": True} for name in accuracies],
        "seeds": [*map(str, range(seeds))],
        "series": SERIES,
        "task": task,
    }
    values = {
        name: packed(np.tile(np.array(own)[None, :, None], (len(SERIES), 1, 1)))
        for name, own in accuracies.items()
    }
    curves = {"full": True, "every": 20, "steps": [0], "arms": values}
    message = {"status": {"step": 0}, "about": about, "curves": curves}
    for name in ("model.js", "dom.js"):
        shutil.copy(STATIC / name, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "message.json").write_text(json.dumps(message))
    (folder / "script.js").write_text(SCRIPT)
    done = subprocess.run(
        [node, "script.js"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_of_an_even_number_of_seeds_the_arm_in_front_has_the_best_median_too(
    tmp_path: Path,
) -> None:
    """The table shows the medians: the lower of the two in the middle is none."""
    arms = {"even": [0.6, 0.6], "wide": [0.9, 0.5]}
    leader, wins, band = verdict(tmp_path, arms)
    assert leader == "wide"
    assert wins == {"even": {"won": 1, "lost": 1}}
    assert band[1] == pytest.approx(0.7)
    assert verdict(tmp_path, arms, "regression")[0] == "even"  # of losses the lower is better


def test_seeds_that_diverged_are_behind_all_others(tmp_path: Path) -> None:
    arms = {"one": [0.5, 0.5, 0.5, 0.5], "other": [0.9, float("nan"), float("nan"), 0.9]}
    leader, wins, _ = verdict(tmp_path, arms)
    assert leader == "one"
    assert wins == {"other": {"won": 2, "lost": 2}}
