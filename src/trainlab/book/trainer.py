"""What readers of the book import from `common.trainer`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from trainlab.book.notices import notice
from trainlab.book.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from trainlab.book.samples import whole
from trainlab.errors import DataError, SettingError, nearest, sentence
from trainlab.terminal import counted

__all__ = ["SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "RMSprop", "Trainer", "np"]

OPTIMIZERS: Final[dict[str, Any]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "rmsprpo": RMSprop,  # a misspelling in the book, which scripts have copied
    "adam": Adam,
}
DEFAULT_PARAM: Final = MappingProxyType({"lr": 0.01})


class Trainer:
    """Trains a network on batches drawn with replacement, and evaluates it once per epoch.

    A step draws a batch with `np.random.choice`, updates, and appends the loss of the same
    batch after the update to `train_loss_list`.  At the first step of every epoch (of
    train_size / mini_batch_size steps) accuracies are appended to `train_acc_list` and
    `test_acc_list`, on the first `evaluate_sample_num_per_epoch` samples if it is given.

    Differs: the book evaluates where step % (train_size / mini_batch_size) is exactly 0, for
    1,000 samples in batches of 128 twice in 20 epochs.  Here it is once in each.
    """

    def __init__(
        self,
        network: Any,
        x_train: Any,
        t_train: Any,
        x_test: Any,
        t_test: Any,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: str = "SGD",
        optimizer_param: Mapping[str, Any] = DEFAULT_PARAM,
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
    ) -> None:
        self.network = network
        self.verbose = verbose
        self.x_train, self.t_train = x_train, t_train
        self.x_test, self.t_test = x_test, t_test
        self.epochs = epochs
        self.batch_size = whole(mini_batch_size)
        self.evaluate_sample_num_per_epoch = whole(evaluate_sample_num_per_epoch)
        kind = find(optimizer)
        for name in optimizer_param:
            known = list(inspect.signature(kind).parameters)
            if name not in known:
                must = f"have fields of {kind.__name__}: {', '.join(known)}"
                near = "lr" if name in ("rate", "learning_rate") else nearest(name, known)
                raise SettingError(sentence("optimizer_param", "Trainer", must, name, near))
        self.optimizer = kind(**optimizer_param)

        self.train_size = x_train.shape[0]
        for name, x, t in (("t_train", x_train, t_train), ("t_test", x_test, t_test)):
            if len(t) < len(x):
                must = f"have a label for each of {counted(len(x), 'sample')}"
                raise DataError(sentence(name, "Trainer", must, t))
        self.iter_per_epoch = max(self.train_size / self.batch_size, 1)
        self.max_iter = int(epochs * self.iter_per_epoch)
        self.current_iter = 0
        self.current_epoch = 0
        self.train_loss_list: list[Any] = []
        self.train_acc_list: list[Any] = []
        self.test_acc_list: list[Any] = []
        if self.iter_per_epoch != int(self.iter_per_epoch):
            notice(
                f"Trainer evaluates once in every epoch of {self.iter_per_epoch:g} steps "
                "(the book's only where the number of the step is a multiple of it)"
            )

    def train_step(self) -> None:
        """One batch, one update, the loss after it; accuracies if an epoch begins."""
        rows = np.random.choice(  # noqa: NPY002 - np.random.seed is to repeat it
            self.train_size, self.batch_size
        )
        x, t = self.x_train[rows], self.t_train[rows]
        self.optimizer.update(self.network.params, self.network.gradient(x, t))
        loss = self.network.loss(x, t)
        self.train_loss_list.append(loss)
        self._say("train loss:" + str(loss))
        if self.current_iter >= self.current_epoch * self.iter_per_epoch:
            self.current_epoch += 1
            self._evaluate()
        self.current_iter += 1

    def _evaluate(self) -> None:
        some = slice(self.evaluate_sample_num_per_epoch)
        train = self.network.accuracy(self.x_train[some], self.t_train[some])
        test = self.network.accuracy(self.x_test[some], self.t_test[some])
        self.train_acc_list.append(train)
        self.test_acc_list.append(test)
        self._say(f"=== epoch:{self.current_epoch}, train acc:{train}, test acc:{test} ===")

    def train(self) -> None:
        """All steps, then the accuracy on all test samples."""
        for _ in range(self.max_iter):
            self.train_step()
        test = self.network.accuracy(self.x_test, self.t_test)
        self._say("=============== Final Test Accuracy ===============")
        self._say(f"test acc:{test}")

    def _say(self, line: str) -> None:
        if self.verbose:
            print(line)  # noqa: T201 - the book's trainer prints, and readers read it


def find(optimizer: str) -> Any:
    """The optimizer of this name, in any case of letters; SettingError if there is none."""
    name = str(optimizer).lower()
    if name == "rmsprpo":
        notice("the optimizer 'rmsprpo' of Trainer is RMSprop, misspelt; 'rmsprop' works too")
    if name not in OPTIMIZERS:
        names = [key for key in OPTIMIZERS if key != "rmsprpo"]
        must, near = "be one of " + ", ".join(map(repr, names)), nearest(optimizer, names)
        raise SettingError(sentence("optimizer", "Trainer", must, optimizer, near and repr(near)))
    return OPTIMIZERS[name]
