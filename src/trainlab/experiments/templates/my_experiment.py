"""An experiment of your own: change it, and run it.

    trainlab run my_experiment.py                        # 10 seeds, and a page of what was found
    trainlab run my_experiment.py --quick                # a look: fewer steps and seeds
    trainlab run my_experiment.py --set lr=0.01          # another setting, for all arms
    trainlab run my_experiment.py --vary dropout=0,0.3   # other arms
    trainlab run my_experiment.py --fresh                # after a change of what is trained

An experiment is data: a base, what differs between its arms, what is measured, and what is
expected. Every arm is trained from the same seeds, and arms are compared seed by seed.
"""

import trainlab as tl
from trainlab.experiments import (
    Better,
    Measure,
    Setup,
    TrainingExperiment,
    mean_of_last,
    summary,
)

# One number for each run, taken from the series that training leaves: "train_loss" has a loss for
# each step; with `evaluate` and `on` in a Setup there are "test_loss", "test_accuracy" and more.
# Of an accuracy the higher is better, of all others the lower, unless `better="higher"` is given.
# A function of yours gets the series by name, with `.values`, a row for each run, as in
# lambda series: series["train_loss"].values.min(axis=1)
MEASURE = Measure("mean loss of the last 50 batches", mean_of_last("train_loss", 50))

EXPERIMENT = TrainingExperiment(
    # The name of its folder of results: small letters, digits and "-".
    name="my-experiment",
    title="ReLU and the logistic function",
    # What you think. It is judged by what you expect, below.
    claim="A network of three hidden layers learns the digits faster with ReLU than with the "
    "logistic function.",
    # What all arms share, for each data set: "digits", "mnist" or both.
    base={
        "digits": Setup(
            network=tl.MLP(hidden=(50, 50, 50), init="he"),
            optimizer=tl.Adam(0.001),
            batch_size=64,
            steps=400,
            quick_steps=100,  # with --quick
            # By default batches are those of the book, drawn with replacement. `Population.fit`
            # differs: batches="permutation" has every sample once per epoch, and can stand here.
        ),
    },
    # The arms: a name, and the fields of the network or the optimizer that differ. "optimizer"
    # itself may differ, too: {"optimizer": tl.SGD(0.1)}.
    vary={
        "ReLU": {"activation": "relu"},
        "logistic": {"activation": "sigmoid"},
    },
    measure=MEASURE,
    # The first arm is better than the second, seed by seed. Without any the claim is not judged.
    expect=(Better("ReLU", "logistic"),),
    # Lines of TeX, as matplotlib understands it; () for none.
    equations=(r"\mathrm{ReLU:}\quad y = \max(0, x)", r"\mathrm{logistic:}\quad y = 1/(1+e^{-x})"),
    # A function of the measurements and a theme; `summary` draws the curves and the measure.
    figure=summary(MEASURE),
    caption="Loss of each batch, smoothed, and the mean of the last 50 of each run.",
    # Series that the page draws with values to read off and runs to choose.
    curves=("train_loss",),
)
