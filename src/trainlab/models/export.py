"""`export_onnx`: a trained model as a file that other runtimes execute."""

from __future__ import annotations

import os
from typing import Any, Final

from trainlab import files
from trainlab.errors import SettingError, sentence
from trainlab.interrupts import uninterrupted
from trainlab.models.container import write
from trainlab.models.kinds import kind_of

MAX_BYTES: Final = (1 << 31) - (1 << 20)
"""What one file of protocol buffers holds, and room for the graph."""


def export_onnx(model: Any, path: str | os.PathLike[str], index: int | None = None) -> None:
    """Write a trained model as an ONNX graph (needs the extra `onnx`).

    Parameters
    ----------
    model : Network, Population, or a fitted estimator
        The model.
    path : str or path
        The file to write.
    index : int, optional
        Which member of a population.

    Raises
    ------
    SettingError
        For what is no model or has no graph, and for classes that are integers above int64.
    NotTrainedError
        For a model that has not been trained.
    ModelFileError
        Where the file cannot be written.

    Notes
    -----
    The graph is that of evaluation: running statistics in batch-norm, no dropout (or the
    book's factor 1 − ratio).  Input: `x` (N, in) in the dtype of the training, for an
    estimator as its `predict` takes it.  Outputs of networks: `outputs` (N, out) and, of
    classifiers, `probabilities` (N, out).  Of estimators, float64, the mean over their members:
    `predictions`, as `predict` gives them; or `probabilities` and `label`: int64 where the
    classes are integers, strings where they are strings, otherwise the place in `classes_`,
    and 0 or 1 (N, out) of indicators.

    It agrees with `predict_proba` up to rounding: exp, erf and sums are another library's; erf,
    of GELU, is float32 in any dtype.  The input of an ensemble is float32 unless its `dtype` is
    "float64": a row that a float32 cannot tell apart from a threshold of a tree may come to the
    neighbouring leaf.
    """
    try:
        with uninterrupted():
            import onnx
    except ImportError as error:
        text = "export_onnx needs onnx; try pip install 'trainlab[onnx]'"
        raise ImportError(text) from error
    path = files.as_path(path, "path", "export_onnx", file=True)
    graph = kind_of(model, "export_onnx").graph(model, index)
    if graph.nbytes > MAX_BYTES:
        must = f"have at most {MAX_BYTES} bytes, what an ONNX file holds"
        raise SettingError(sentence("parameters", "export_onnx", must, graph.nbytes))
    built = graph.model(onnx)
    onnx.checker.check_model(built, full_check=True)
    write(path, built.SerializeToString(deterministic=True))
