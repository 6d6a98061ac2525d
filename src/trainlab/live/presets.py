"""Ready-made lessons: the experiments of the chapter that are trainings, and some on a plane.

Each has a question, a hint where to look, and what to try next.
"""

from __future__ import annotations

from typing import Any, Final

_DEEP: Final = {"hidden": [50, 50, 50, 50], "activation": "relu", "optimizer": "sgd", "lr": 0.01}
_FEW: Final = {"name": "digits", "rows": 300}


def _lesson(
    key: str,
    title: str,
    words: tuple[str, str, str],
    data: dict[str, Any],
    base: dict[str, Any],
    arms: list[dict[str, Any]],
    batch_size: int,
) -> dict[str, Any]:
    question, hint, following = words
    choice = {"data": data, "base": base, "arms": arms, "seeds": 10, "batch_size": batch_size}
    words_of = {"question": question, "hint": hint, "next": following}
    return {"key": key, "title": title, **words_of, "choice": choice}


PRESETS: Final[tuple[dict[str, Any], ...]] = (
    _lesson(
        "spiral",
        "The spiral",
        (
            "Which optimizer unrolls the spiral first, and do all seeds?",
            "Look at the surfaces: where they are pale, the seeds do not agree.",
            "Pause, clone Adam with a tenth of the rate, and run on: which branch is calmer?",
        ),
        {"name": "spiral", "rows": 400, "noise": 0.03},
        {"hidden": [16, 16], "activation": "tanh"},
        [
            {"optimizer": "sgd", "lr": 0.1},
            {"optimizer": "momentum", "lr": 0.1},
            {"optimizer": "adam", "lr": 0.01},
        ],
        20,
    ),
    _lesson(
        "xor",
        "What a hidden layer is for",
        (
            "Why can a network without hidden layers not learn XOR?",
            "What it decides changes along a straight line, wherever that lies.",
            "Give the second arm two units instead of eight: how many seeds find a solution?",
        ),
        {"name": "xor", "noise": 0.02},
        {"activation": "tanh", "optimizer": "adam", "lr": 0.03},
        [{"name": "linear", "hidden": []}, {"name": "8 hidden units", "hidden": [8]}],
        20,
    ),
    _lesson(
        "two-layer-network",
        "Two-layer network",
        (
            "How far does a small network with sigmoid get on the digits?",
            "Train and validation accuracy rise together: nothing is learnt by heart yet.",
            "Raise the rate while it trains. When does the loss jump instead of falling?",
        ),
        {"name": "digits"},
        {"hidden": [50], "optimizer": "sgd", "lr": 0.1},
        [{"activation": "sigmoid"}, {"activation": "relu"}],
        100,
    ),
    _lesson(
        "optimizer-comparison",
        "Optimizers compared",
        (
            "Which optimizers train a deep network faster than plain SGD?",
            "Compare arms in pairs by seed, not by their bands: bands overlap, pairs need not.",
            "Give SGD ten times its rate. How much of the difference was only the rate?",
        ),
        {"name": "digits"},
        _DEEP,
        [
            {"optimizer": "sgd", "lr": 0.01},
            {"optimizer": "momentum", "lr": 0.01},
            {"optimizer": "nesterov", "lr": 0.01},
            {"optimizer": "adagrad", "lr": 0.01},
            {"optimizer": "rmsprop", "lr": 0.001},
            {"optimizer": "adam", "lr": 0.001},
        ],
        64,
    ),
    _lesson(
        "learning-rates",
        "How much the rate matters",
        (
            "Between too slow and divergence, how wide is the range of good rates?",
            "Count the seeds that diverged: it begins with some, not with all.",
            "Wait until the best arm levels off, then divide its rate by ten.",
        ),
        {"name": "digits"},
        _DEEP,
        [{"lr": lr} for lr in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)],
        64,
    ),
    _lesson(
        "activation-histograms",
        "Histograms of activations",
        (
            "What do the layers of a deep network see when weights begin too large or too small?",
            "Look inside the layers before step 1: at std 1 tanh is saturated, at 0.01 it is 0.",
            "Train some steps: which of them recover, and which layers recover first?",
        ),
        {"name": "digits"},
        {"hidden": [100] * 5, "activation": "tanh", "optimizer": "sgd", "lr": 0.01},
        [
            {"name": "std 1", "init": 1.0},
            {"name": "std 0.01", "init": 0.01},
            {"name": "Xavier", "init": "xavier"},
            {"name": "He, ReLU", "init": "he", "activation": "relu"},
        ],
        64,
    ),
    _lesson(
        "weight-init-comparison",
        "Initial weights compared",
        (
            "Why does std = 0.01 not learn?",
            "Look at the gradients: almost 0, and smaller the nearer a layer is to the input.",
            "Clone it with a hundred times the rate. Does that help?",
        ),
        {"name": "digits"},
        _DEEP,
        [
            {"name": "std 0.01", "init": 0.01},
            {"name": "Xavier", "init": "xavier"},
            {"name": "He", "init": "he"},
        ],
        64,
    ),
    _lesson(
        "batch-norm",
        "Batch normalization",
        (
            "Does batch normalization forgive bad initial weights?",
            "Compare the two arms that begin with the same weights.",
            "Choose std 1 for all arms: what do those without normalization do?",
        ),
        {"name": "digits"},
        {"hidden": [50] * 5, "activation": "relu", "optimizer": "sgd", "lr": 0.01},
        [
            {"name": "std 0.01", "init": 0.01},
            {"name": "std 0.01, batch norm", "init": 0.01, "norm": "batch"},
            {"name": "He", "init": "he"},
            {"name": "He, batch norm", "init": "he", "norm": "batch"},
        ],
        100,
    ),
    _lesson(
        "gradient-norms",
        "Gradients by depth",
        (
            "Why does a deep network with sigmoid take so long to start learning?",
            "The norms of the gradients, layer by layer: the first layers get next to nothing.",
            "Take tanh, then ReLU, with the same depth.",
        ),
        {"name": "digits"},
        {"activation": "sigmoid", "init": "xavier", "optimizer": "sgd", "lr": 0.1},
        [{"name": f"{depth} hidden", "hidden": [50] * depth} for depth in (1, 3, 5, 7)],
        64,
    ),
    _lesson(
        "weight-decay",
        "Over-fitting and weight decay",
        (
            "300 images are learnt by heart. Does weight decay help on others?",
            "Watch the distance between train and validation loss.",
            "When the loss on others begins to rise, give the first arm a penalty.",
        ),
        _FEW,
        {**_DEEP, "lr": 0.05},
        [{"weight_decay": rate} for rate in (0.0, 0.003, 0.03, 0.1)],
        100,
    ),
    _lesson(
        "dropout",
        "Over-fitting and dropout",
        (
            "What does it cost, and what does it bring, to leave units out at random?",
            "With more dropout training is slower, and the two losses stay closer.",
            "Set dropout to 0 near the end: what happens to the training loss?",
        ),
        _FEW,
        {**_DEEP, "lr": 0.05},
        [{"dropout": ratio} for ratio in (0.0, 0.15, 0.3, 0.5)],
        100,
    ),
    _lesson(
        "few-points",
        "Thirty opinions on forty points",
        (
            "Where do networks disagree that differ in nothing but their seeds?",
            "Far from the points, and where the two classes are mixed.",
            "Ten times the points: where does the disagreement go?",
        ),
        {"name": "moons", "rows": 40, "noise": 0.2},
        {"hidden": [32, 32], "activation": "relu", "optimizer": "adam", "lr": 0.01},
        [{"name": "no penalty"}, {"name": "weight decay 0.03", "weight_decay": 0.03}],
        10,
    ),
)
