"""The book's known defects, which ours has not, and what readers' own classes rely on."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.book import gradient_2d, layers
from trainlab.book.gradient import numerical_gradient
from trainlab.book.layer_naive import MulLayer
from trainlab.book.multi_layer_net import ROWS, MultiLayerNet
from trainlab.book.multi_layer_net_extend import MultiLayerNetExtend
from trainlab.book.notices import notice
from trainlab.book.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from trainlab.book.samples import Samples
from trainlab.book.trainer import Trainer
from trainlab.book.two_layer_net import TwoLayerNet
from trainlab.book.two_layer_net_sigmoid import TwoLayerNet as SigmoidNet
from trainlab.book.util import shuffle_dataset, smooth_curve
from trainlab.errors import DataError, SettingError

NUMERIC = 1e-6
"""A central difference with h = 1e-4 is off by h² f‴/6, about 1e-8 for f‴ of the order of 10,
and by rounding, 1e-16 / 1e-4; the loss' 1e-7 inside the logarithm adds 1e-7 / y, y > 0.1."""
OPTIMIZERS = (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)
REMEMBER = (Momentum, Nesterov, AdaGrad, RMSprop, Adam)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Notices are told once per process: here once per test."""
    notice.cache_clear()
    np.random.seed(1)
    yield
    notice.cache_clear()


def batch(rows: int = 6) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, 5)), rng.integers(0, 3, rows)


def largest_difference(net: Any, x: Any, t: Any, numerical_first: bool = True) -> float:
    """Between `numerical_gradient` and `gradient`, in either order."""
    calls = [net.numerical_gradient, net.gradient]
    one, other = (call(x, t) for call in (calls if numerical_first else calls[::-1]))
    assert set(one) == set(other) == set(net.params)
    return max(float(np.abs(one[key] - other[key]).max()) for key in one)


def test_integers_are_not_truncated(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.array([3, 4])
    np.testing.assert_allclose(numerical_gradient(lambda x: np.sum(x**2), x), [6, 8], atol=1e-8)
    found = gradient_2d.numerical_gradient(gradient_2d.function_2, np.array([[3, 4], [0, 1]]))
    np.testing.assert_allclose(found, [[6, 8], [0, 2]], atol=1e-8)
    assert x.tolist() == [3, 4]
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("trainlab: numerical_gradient works on a float64 copy")


@pytest.mark.parametrize("numerical_first", [True, False])
@pytest.mark.parametrize("batchnorm", [True, False])
def test_a_gradient_with_dropout_can_be_checked(
    numerical_first: bool, batchnorm: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    net = MultiLayerNetExtend(
        5, [8, 7], 3, activation="sigmoid", use_dropout=True, use_batchnorm=batchnorm
    )
    x, t = batch()
    net.gradient(x, t)
    before = [layer.running_mean for key, layer in net.layers.items() if "BatchNorm" in key]
    assert largest_difference(net, x, t, numerical_first) < NUMERIC
    assert "dropout keeps its masks" in capsys.readouterr().err
    if numerical_first and batchnorm:  # `gradient` moved the statistics on, the check did not
        moved = [layer.running_mean for key, layer in net.layers.items() if "BatchNorm" in key]
        assert not np.array_equal(before, moved)


def test_masks_are_drawn_anew_when_the_check_is_over() -> None:
    net = MultiLayerNetExtend(5, [50], 3, use_dropout=True, dropout_ratio=0.5)
    x, t = batch()
    net.numerical_gradient(x, t)
    masks = []
    for _ in range(3):
        net.gradient(x, t)
        masks.append(net.layers["Dropout1"].mask)
    assert not np.array_equal(masks[1], masks[2])
    assert net.dropout_ration == 0.5


def test_one_sample_proves_nothing_about_batch_normalization(
    capsys: pytest.CaptureFixture[str],
) -> None:
    net = MultiLayerNetExtend(5, [4], 3, use_batchnorm=True)
    net.numerical_gradient(*batch(1))
    assert "check it with several samples" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [TwoLayerNet, SigmoidNet])
@pytest.mark.parametrize("one_hot", [True, False])
def test_both_two_layer_networks(kind: Any, one_hot: bool) -> None:
    net = kind(5, 4, 3, weight_init_std=0.5)
    x, t = batch()
    assert largest_difference(net, x, np.eye(3)[t] if one_hot else t) < NUMERIC
    assert net.accuracy(x, t) == net.accuracy(x, np.eye(3)[t])


def test_the_misspelt_key(capsys: pytest.CaptureFixture[str]) -> None:
    x, t = batch()
    net = TwoLayerNet(5, 4, 3)
    for key in ("rmsprpo", "RMSprop"):
        trainer = Trainer(net, x, t, x, t, optimizer=key, verbose=False)
        assert type(trainer.optimizer) is RMSprop
    assert capsys.readouterr().err.count("misspelt") == 1
    with pytest.raises(SettingError, match="optimizer of Trainer must be one of 'sgd'"):
        Trainer(net, x, t, x, t, optimizer="adm")


def test_an_evaluation_in_every_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    x, t = batch(100)
    trainer = Trainer(TwoLayerNet(5, 4, 3), x, t, x, t, epochs=20, mini_batch_size=64)
    trainer.train()
    out, told = capsys.readouterr()
    assert len(trainer.train_acc_list) == len(trainer.test_acc_list) == 20
    assert len(trainer.train_loss_list) == int(20 * 100 / 64)
    assert out.count("=== epoch:") == 20
    assert out.splitlines()[-2:] == [
        "=============== Final Test Accuracy ===============",
        f"test acc:{trainer.network.accuracy(x, t)}",
    ]
    assert "once in every epoch of 1.5625 steps" in told


@pytest.mark.parametrize("kind", REMEMBER)
def test_one_optimizer_for_two_networks(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Each moves as with an optimizer of its own, though one has parameters the other lacks."""

    def networks() -> list[Any]:
        np.random.seed(2)
        shapes = [(5, [4], 3), (5, [6], 3)]
        return [MultiLayerNetExtend(*shapes[i], use_batchnorm=i == 1) for i in (0, 1)]

    x, t = batch()
    shared, own = kind(), [kind(), kind()]
    one, other = networks(), networks()
    for _ in range(4):
        for i in (0, 1):
            shared.update(one[i].params, one[i].gradient(x, t))
            own[i].update(other[i].params, other[i].gradient(x, t))
    for mine, theirs in zip(one, other, strict=True):
        for key, value in theirs.params.items():
            np.testing.assert_array_equal(mine.params[key], value)
    assert "updates several networks" in capsys.readouterr().err


@pytest.mark.parametrize("kind", REMEMBER)
def test_gradients_in_the_place_of_params_are_hinted_at(
    kind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    x, t = batch()
    network, optimizer = MultiLayerNet(5, [4], 3), kind()
    for _ in range(2):
        optimizer.update(network.gradient(x, t), network.params)
    told = "if there is only one, its params are new arrays at each step, or stand behind grads"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("kind", REMEMBER)
def test_a_new_dict_of_the_same_arrays_is_the_same_network(
    kind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.array([1.0, 2.0])
    p, q, one, other = {"x": x}, {"x": x.copy()}, kind(), kind()
    for _ in range(3):
        one.update({"x": p["x"]}, {"x": np.cos(p["x"])})
        other.update(q, {"x": np.cos(q["x"])})
    copied = copy.deepcopy(other)
    r = {"x": q["x"].copy()}
    other.update(q, {"x": np.ones(2)})
    copied.update(r, {"x": np.ones(2)})
    np.testing.assert_array_equal(r["x"], q["x"])
    one.update(p, {"x": np.ones(2)})
    np.testing.assert_array_equal(p["x"], q["x"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_arrays_move_where_they_are_and_numbers_are_bound_anew(kind: Any) -> None:
    array, params = np.ones((3, 2)), {"x": -7.0, "n": 2}
    params["W"] = array
    kind().update(params, {"x": 1.0, "n": 1.0, "W": np.ones((3, 2))})
    assert params["W"] is array
    assert (array < 1).all()
    assert -7.5 < params["x"] < -7.0
    assert 1.5 < params["n"] < 2
    assert isinstance(params["x"], float)


def test_layers_share_the_arrays_of_the_parameters() -> None:
    net = MultiLayerNetExtend(5, [4], 3, use_batchnorm=True)
    x, t = batch()
    grads = net.gradient(x, t)
    Adam(0.1).update(net.params, grads)
    assert list(net.layers) == ["Affine1", "BatchNorm1", "Activation_function1", "Affine2"]
    for i in (1, 2):
        assert net.layers[f"Affine{i}"].W is net.params[f"W{i}"]
        assert net.layers[f"Affine{i}"].b is net.params[f"b{i}"]
    np.testing.assert_array_equal(net.layers["Affine1"].dW, grads["W1"])
    np.testing.assert_array_equal(net.layers["BatchNorm1"].dgamma, grads["gamma1"])


def test_layers_and_optimizers_of_the_readers_own() -> None:
    seen = []

    class Doubled(layers.Affine):
        def backward(self, dout: Any) -> Any:
            dx = super().backward(dout)
            self.dW = 2 * self.dW
            return dx

    class Centred:
        def forward(self, x: Any) -> Any:
            seen.append(len(x))
            return x - x.mean(axis=0)

        def backward(self, dout: Any) -> Any:
            return dout - dout.mean(axis=0)

    class Slow(Momentum):
        def __init__(self) -> None:
            self.lr, self.momentum, self.v = 0.01, 0.5, None

    x, t = batch(ROWS + 3)
    net = MultiLayerNet(5, [4], 3, weight_init_std=0.1)
    plain = net.gradient(x, t)["W1"]
    net.layers["Affine1"] = Doubled(net.params["W1"], net.params["b1"])
    np.testing.assert_array_equal(net.gradient(x, t)["W1"], 2 * plain)
    net.layers["Affine1"] = layers.Affine(net.params["W1"], net.params["b1"])
    net.layers["Activation_function1"] = Centred()
    assert largest_difference(net, x, t) < NUMERIC
    net.accuracy(x, t)
    assert set(seen) == {ROWS + 3}  # a layer that may look at the whole batch gets it whole
    optimizer = Slow()
    optimizer.update(net.params, net.gradient(x, t))
    assert optimizer.v is not None
    assert set(optimizer.v) == set(net.params)


def test_accuracies_in_blocks_are_those_of_all_rows() -> None:
    net = MultiLayerNetExtend(5, [40], 3, use_batchnorm=True, use_dropout=True)
    x, t = batch(3 * ROWS + 1)
    net.gradient(x, t)
    assert net.accuracy(x, t) == np.mean(net.predict(x).argmax(axis=1) == t)


def test_floating_bounds_of_slices(capsys: pytest.CaptureFixture[str]) -> None:
    x, t = shuffle_dataset(*batch(50))
    rows = len(x) * 0.2
    assert (len(x[:rows]), len(x[rows:]), len(t[:rows])) == (10, 40, 10)
    assert x[2.0, 1] == x[2, 1]
    x[:rows] = 0
    assert not x[:10].any()
    assert type(x * 2) is np.ndarray
    assert repr(t[:2]).startswith("array(")
    assert isinstance(x[3:].reshape(-1), Samples)
    assert capsys.readouterr().err.count("\n") == 1


def test_images_go_through_layers_of_two_axes() -> None:
    x = np.random.default_rng(0).standard_normal((4, 2, 3, 3))
    affine = layers.Affine(np.ones((18, 5)), np.zeros(5))
    assert affine.forward(x).shape == (4, 5)
    assert affine.backward(np.ones((4, 5))).shape == x.shape
    norm = layers.BatchNormalization(np.ones(18), np.zeros(18))
    assert norm.forward(x).shape == norm.backward(x).shape == x.shape
    np.testing.assert_allclose(norm.forward(x).mean(axis=0), 0, atol=1e-14)


@pytest.mark.parametrize("rows", [None, 4])
@pytest.mark.parametrize("one_hot", [True, False])
def test_the_gradient_of_the_loss(rows: int | None, one_hot: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(3 if rows is None else (rows, 3))
    t = np.asarray(rng.integers(0, 3, rows))
    t = np.eye(3)[t] if one_hot else t
    layer = layers.SoftmaxWithLoss()
    numeric = numerical_gradient(lambda x: layer.forward(x, t), x)
    layer.forward(x, t)
    np.testing.assert_allclose(layer.backward(), numeric, atol=NUMERIC)
    np.testing.assert_allclose(layer.backward(2.0), 2 * numeric, atol=2 * NUMERIC)


def test_what_is_no_setting() -> None:
    with pytest.raises(SettingError, match="activation of MultiLayerNet must be one of 'sigmoid'"):
        MultiLayerNet(5, [4], 3, activation="tanhh")
    with pytest.raises(SettingError, match="weight_init_std of MultiLayerNet must be one of"):
        MultiLayerNet(5, [4], 3, weight_init_std="hee")
    with pytest.raises(SettingError, match=r"hidden_size_list of .* widths; got 4; try \[4\]"):
        MultiLayerNet(5, 4, 3)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"dropout_ratio of Dropout .*got 20; try .*=0\.5"):
        MultiLayerNetExtend(5, [4], 3, use_dropout=True, dropout_ration=20)


def test_what_is_no_batch_and_no_gradient() -> None:
    net = MultiLayerNet(5, [4], 3)
    with pytest.raises(DataError, match=r"x of Affine must have 5 features in each row"):
        net.predict(np.ones((6, 4)))
    with pytest.raises(DataError, match=r"try x\.reshape\(1, -1\)"):
        net.predict(np.ones(5))
    assert net.predict(np.ones((6, 5, 1))).shape == (6, 3)
    gradients = net.gradient(*batch())
    del gradients["b1"]
    before = copy.deepcopy(net.params)
    with pytest.raises(DataError, match=r"grads of Adam must have a gradient of .* of 'b1' too"):
        Adam().update(net.params, gradients)
    for key, p in net.params.items():  # all or nothing
        np.testing.assert_array_equal(p, before[key])


def test_what_no_trainer_can_take() -> None:
    net, (x, t) = MultiLayerNet(5, [4], 3), batch()
    wrong = {"learning_rate": 0.1}
    with pytest.raises(SettingError, match=r"fields of Adam: lr, beta1, beta2; got .*; try lr"):
        Trainer(net, x, t, x, t, optimizer="Adam", optimizer_param=wrong)
    with pytest.raises(DataError, match="t_train of Trainer must have a label for each of 6 sampl"):
        Trainer(net, x, t[:4], x, t)
    with pytest.raises(DataError, match="t_test of Trainer must have a label for each of 6 sampl"):
        Trainer(net, x, t, x, t[:4])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_rate_that_is_none_is_said_at_once(kind: Any) -> None:
    name = kind.__name__
    for lr, tried in (("0.1", "0.1"), (-1, "0.01"), (None, "0.01"), (float("nan"), "0.01")):
        told = rf"^lr of {name} must be a number in \[0.0, inf\); got .*; try lr={tried}$"
        with pytest.raises(SettingError, match=told):
            kind(lr=lr)
    optimizer = kind(lr=np.array(0.5))
    optimizer.lr = -1  # an attribute is the reader's
    assert optimizer.lr == -1
    for share in {*inspect.signature(kind).parameters} - {"lr"}:
        with pytest.raises(SettingError, match=rf"^{share} of {name} must be .*; try {share}=0.9$"):
            kind(**{share: "0.9"})


@pytest.mark.parametrize(
    ("layer", "call"),
    [
        (layers.Relu(), "forward(x)"),
        (layers.Sigmoid(), "forward(x)"),
        (layers.Affine(np.ones((3, 2)), np.ones(2)), "forward(x)"),
        (layers.SoftmaxWithLoss(), "forward(x, t)"),
        (layers.Dropout(), "forward(x, train_flg=True)"),
        (layers.BatchNormalization(np.ones(2), np.ones(2)), "forward(x, train_flg=True)"),
        (layers.Convolution(np.ones((1, 1, 2, 2)), np.ones(1)), "forward(x)"),
        (layers.Pooling(2, 2), "forward(x)"),
        (MulLayer(), "forward(x, y)"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_backward_comes_after_forward(layer: Any, call: str) -> None:
    told = (
        f"backward of {type(layer).__name__} must come after the forward pass, which remembers what"
        f" it needs; got 'none before it'; try {call}"
    )
    with pytest.raises(DataError, match=f"^{re.escape(told)}$"):
        layer.backward(np.ones((4, 2)))


@pytest.mark.parametrize("lose", ["params", "one entry"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: TwoLayerNet(5, 4, 3),
        lambda: MultiLayerNet(5, [4], 3),
        lambda: MultiLayerNetExtend(5, [4], 3, use_batchnorm=True),
    ],
)
def test_parameters_that_no_layer_has_any_more_are_told_of(
    make: Any, lose: str, capsys: pytest.CaptureFixture[str]
) -> None:
    net, other, (x, t) = make(), make(), batch()
    SGD().update(net.params, net.gradient(x, t))
    copy.deepcopy(net).accuracy(x, t)
    net.params["own"] = np.zeros(3)
    before = net.predict(x)
    assert capsys.readouterr().err == ""
    if lose == "params":
        net.params = other.params
    else:
        net.params["W1"] = net.params["W1"] - 0.1
    assert (net.predict(x) == before).all()  # as in the book
    told = capsys.readouterr().err
    assert told.startswith("trainlab: params['W1'] is not the array of its layer any more")
    assert told.count("\n") == 1


def test_labels_in_a_column() -> None:
    x, t = batch(40)
    for net in (TwoLayerNet(5, 4, 3), MultiLayerNet(5, [4], 3), SigmoidNet(5, 4, 3)):
        right = net.accuracy(x, t)
        assert net.accuracy(x, t[:, np.newaxis]) == right == net.accuracy(x, np.eye(3)[t])
        one, column = net.gradient(x, t), net.gradient(x, t[:, np.newaxis])
        assert all((one[name] == column[name]).all() for name in one)


def test_samples_without_labels_are_not_shuffled() -> None:
    x, t = batch()
    starts = "t of shuffle_dataset must have a label for each of 6 samples; got"
    complains(lambda: shuffle_dataset(x, t[:5]), DataError, starts)


def test_curves_of_few_values_are_smoothed_too(rng: np.random.Generator) -> None:
    weights = np.kaiser(11, 2)
    for count in range(1, 40):
        x = rng.standard_normal(count)
        found = smooth_curve(x)
        assert found.shape == (count,)
        assert np.abs(found).max() <= np.abs(x).max() + 1e-12
        assert np.allclose(smooth_curve(np.full(count, 3.0)), 3.0)
        if count >= 11:
            mirrored = np.r_[x[10:0:-1], x, x[-1:-11:-1]]
            book = np.convolve(weights / weights.sum(), mirrored, mode="valid")
            assert (found == book[5:-5]).all()
            assert (smooth_curve(x.tolist()) == found).all()
    for nothing in ([], 3.0, [[1.0]]):
        starts = "x of smooth_curve must be a list of at least one number"
        complains(lambda x=nothing: smooth_curve(x), DataError, starts)
    starts = "x of smooth_curve must hold real numbers"
    complains(lambda: smooth_curve(["low", "high"]), DataError, starts)
