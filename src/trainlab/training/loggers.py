"""Callbacks that write what evaluations find for TensorBoard, MLflow, and Weights & Biases."""

from __future__ import annotations

import errno
import os
import re
import time
from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from trainlab.errors import SettingError, sentence
from trainlab.files import as_folder
from trainlab.members import Member, label, varied
from trainlab.settings import TEXT
from trainlab.training.callbacks import Callback, Moment
from trainlab.training.history import History

_STRANGE: Final = re.compile(r"[^\w.,=+× -]")
"""What the name of a folder or of a run does not have."""
_LONGEST: Final = 80
"""Characters of such a name."""


class Logger(Callback):
    """Base of the callbacks that write metrics down, a run for each member.

    A subclass opens, fills and closes what it calls a run.  `fit` may be called again: it begins
    other runs.
    """

    _runs: Mapping[int, Any] = MappingProxyType({})  # where no `__init__` of a base is called

    @abstractmethod
    def open(self, name: str, member: Member) -> Any:
        """Begin the run of a member.

        Parameters
        ----------
        name : str
            What tells it from the others, fit for a folder.
        member : Member
            Its settings.

        Returns
        -------
        object
            What `log` and `close` are given.
        """

    @abstractmethod
    def log(self, run: Any, metrics: Mapping[str, float], updates: int) -> None:
        """Write the metrics of an evaluation.

        Parameters
        ----------
        run : object
            What `open` returned.
        metrics : dict of str to float
            By the names of their series; those that are finite.
        updates : int
            How many the member has received.
        """

    @abstractmethod
    def close(self, run: Any, status: str) -> None:
        """End a run.

        Parameters
        ----------
        run : object
            What `open` returned.
        status : str
            How the member ended, as "finished" or "diverged".
        """

    def start(self, history: History) -> None:
        """Begin with the members of a training.

        Parameters
        ----------
        history : History
            The history of that training.
        """
        names = [*varied(history.members), "seed"]
        width = len(str(len(history.members) - 1))
        runs = self._runs = {**self._runs}
        for index, member in enumerate(history.members):
            about = " ".join(f"{name}={label(member.get(name))}" for name in names)
            name = _STRANGE.sub("_", f"{index:0{width}} {about}")[:_LONGEST].rstrip()
            runs[index] = self.open(name, member)

    def evaluation(self, moment: Moment) -> None:
        """Write what an evaluation of a member found.

        Parameters
        ----------
        moment : Moment
            The member, and what is known of it.
        """
        finite = {name: one for name, one in moment.metrics.items() if abs(one) < float("inf")}
        if finite:
            self.log(self._runs[moment.member], finite, moment.updates)

    def end(self, history: History) -> None:
        """Close all runs.

        Parameters
        ----------
        history : History
            The history of the training.
        """
        runs, self._runs = self._runs, {}
        for index, run in runs.items():
            self.close(run, history.status[index].kind)


def _missing(name: str, package: str, extra: str) -> ImportError:
    return ImportError(f"{name} needs {package}; try pip install 'trainlab[{extra}]'")


class TensorBoardLogger(Logger):
    """Write event files for TensorBoard: a folder for each member (needs the extra `tensorboard`).

    Parameters
    ----------
    folder : str or path
        Where they go; `tensorboard --logdir FOLDER` shows them.

    Raises
    ------
    SettingError
        Where the folder cannot be written to.
    ImportError
        Where tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = as_folder(folder, "folder", "TensorBoardLogger")
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise _missing("TensorBoardLogger", "tensorboard", "tensorboard") from error
        self._writer = Writer

    def open(self, name: str, member: Member) -> Any:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        try:
            return self._writer(str(path))
        except (OSError, RuntimeError) as error:  # the latter is of a thread that cannot start
            if isinstance(error, OSError) and error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            must = "be fewer than there can be open files and threads, one of each for a member"
            got = f"{len(self._runs)} that are open, and more"
            raise SettingError(
                sentence("members", "TensorBoardLogger", must, got, "some members in a fit apart")
            ) from error

    def log(self, run: Any, metrics: Mapping[str, float], updates: int) -> None:
        for name, value in metrics.items():
            run.add_scalar(name, value, updates)

    def close(self, run: Any, status: str) -> None:
        run.close()


class MLflowLogger(Logger):
    """Write runs of an experiment of MLflow: one for each member (needs the extra `mlflow`).

    Parameters
    ----------
    experiment : str, default "trainlab"
        The name of the experiment, which is made if need be.
    tracking_uri : str, optional
        Where MLflow keeps it; by default where MLflow is told to.

    Raises
    ------
    ImportError
        Where mlflow is not installed.

    Notes
    -----
    Runs have the settings of their member as parameters.  A member that diverged is "FAILED", one
    that was interrupted "KILLED".
    """

    def __init__(self, experiment: str = "trainlab", tracking_uri: str | None = None) -> None:
        self.experiment = TEXT.check(experiment, "experiment", "MLflowLogger")
        try:
            from mlflow.entities import Metric
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise _missing("MLflowLogger", "mlflow", "mlflow") from error
        self._metric, self._client = Metric, MlflowClient(tracking_uri)

    def open(self, name: str, member: Member) -> Any:
        found = self._client.get_experiment_by_name(self.experiment)
        key = self._client.create_experiment(self.experiment) if found is None else None
        experiment = key if found is None else found.experiment_id
        run = self._client.create_run(experiment, run_name=name).info.run_id
        for setting, value in _flat(member.describe()):
            self._client.log_param(run, setting, value)
        return run

    def log(self, run: Any, metrics: Mapping[str, float], updates: int) -> None:
        now = int(time.time() * 1000)
        batch = [self._metric(name, value, now, updates) for name, value in metrics.items()]
        self._client.log_batch(run, metrics=batch)

    def close(self, run: Any, status: str) -> None:
        ended = {"diverged": "FAILED", "interrupted": "KILLED"}.get(status, "FINISHED")
        self._client.set_terminated(run, ended)


class WandbLogger(Logger):
    """Write runs of a project of Weights & Biases (needs the extra `wandb`).

    Parameters
    ----------
    project : str, default "trainlab"
        The name of the project.
    **options
        Of `wandb.init`, such as `entity` and `mode="offline"`.

    Raises
    ------
    ImportError
        Where wandb is not installed.

    Notes
    -----
    Each member is a run with its settings as its config; those of one `fit` are a group.
    """

    def __init__(self, project: str = "trainlab", **options: Any) -> None:
        self.project = TEXT.check(project, "project", "WandbLogger")
        for name in ("name", "config", "group", "reinit"):
            if name in options:
                must = "be left to the logger, which gives each run its own"
                raise SettingError(sentence(name, "WandbLogger", must, options[name]))
        try:
            import wandb
        except ImportError as error:
            raise _missing("WandbLogger", "wandb", "wandb") from error
        self._wandb, self._options, self._group = wandb, options, ""

    def start(self, history: History) -> None:
        """Begin with the members of a training.

        Parameters
        ----------
        history : History
            The history of that training.
        """
        self._group = time.strftime("%Y-%m-%d %H:%M:%S")
        super().start(history)

    def open(self, name: str, member: Member) -> Any:
        return self._wandb.init(
            project=self.project,
            name=name,
            group=self._group,
            config=member.describe(),
            reinit="create_new",
            **self._options,
        )

    def log(self, run: Any, metrics: Mapping[str, float], updates: int) -> None:
        run.log(dict(metrics), step=updates)

    def close(self, run: Any, status: str) -> None:
        run.summary["status"] = status
        run.finish(exit_code=1 if status == "diverged" else 0)


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Settings at any depth by dotted names."""
    if isinstance(value, dict):
        inside = ((f"{name}.{key}" if name else key, one) for key, one in value.items())
        return [pair for key, one in inside for pair in _flat(one, key)]
    return [(name, str(value))]
