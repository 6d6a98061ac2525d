// Layers that normalise: LayerNorm, BatchNorm, forward and backward, with the formulas of
// src/trainlab/network/norms.py.
//
// x, y, x_hat, dy, dx: (rows, layer.row), with zeros in the padding on entry and on exit; gamma and
// beta likewise.  Sums over the rows of a batch are one chain over ascending rows for each column;
// sums over a row are taken in the tree of sums.hpp.

#pragma once

#include "network.hpp"
#include "sums.hpp"
#include "team.hpp"

namespace trainlab::TRAINLAB_ISA {

template <int n>
struct Constant {
    static constexpr int value = n;
};

template <class T, int C, class Use>
TRAINLAB_INLINE void last_panel_of(Index vectors, Index c, Use use) {
    if constexpr (C > 0) {
        if (vectors == C)
            use(c, Constant<C>{});
        else
            last_panel_of<T, C - 1>(vectors, c, use);
    }
}

// Calls use(c, C) for panels of at most `most` vectors of columns, c being where one begins.
// C is a constant: the sums of a panel stay in registers.
template <class T, int most, class Use>
TRAINLAB_INLINE void for_panels(Share columns, Use use) {
    Index vectors = columns.count() / Vec<T>::width, c = columns.from;
    for (; vectors >= most; vectors -= most, c += most * Vec<T>::width) use(c, Constant<most>{});
    last_panel_of<T, most - 1>(vectors, c, use);
}

// d_gamma = sum over the batch of dy x_hat, d_beta = sum of dy.
template <class T>
void scale_and_shift_gradients(const T* x_hat, Index row, Index rows, Share columns, const T* dy,
                               T* d_gamma, T* d_beta) {
    for_panels<T, 4>(columns, [&](Index c, auto count) {
        constexpr int C = decltype(count)::value, W = Vec<T>::width;
        Vec<T> gamma[C], beta[C];
        for (int i = 0; i < C; ++i) gamma[i] = beta[i] = zero<T>();
        for (Index r = 0; r < rows; ++r) {
            for (int i = 0; i < C; ++i) {
                const Index at = r * row + c + i * W;
                const Vec<T> own = load(dy + at);
                gamma[i] = fma(own, load(x_hat + at), gamma[i]);
                beta[i] = beta[i] + own;
            }
        }
        for (int i = 0; i < C; ++i) {
            store(d_gamma + c + i * W, gamma[i]);
            store(d_beta + c + i * W, beta[i]);
        }
    });
}

// settings: eps.  inverse (rows,) gets 1 / sqrt(var + eps); x_hat and inverse are for the backward
// pass.
template <class T>
void layer_norm(const Layer& layer, const double* settings, const T* gamma, const T* beta,
                const T* x, Share rows, T* x_hat, T* inverse, T* y) {
    const Index features = layer.outputs;
    const T n = static_cast<T>(features), eps = static_cast<T>(settings[0]);
    x += rows.from * layer.row;
    x_hat += rows.from * layer.row;
    y += rows.from * layer.row;
    for (Index r = rows.from; r < rows.to;
         ++r, x += layer.row, x_hat += layer.row, y += layer.row) {
        const T sum = sum_row<T>(features, [&](Index j) { return load(x + j); });
        const Vec<T> mean = broadcast(sum / n);
        const T squares = sum_row<T>(features, [&](Index j) {
            const Vec<T> centred = without_padding(features, j, load(x + j) - mean);
            store(x_hat + j, centred);
            return centred * centred;
        });
        alignas(64) T root[Format<T>::block];
        store(root, sqrt(broadcast(squares / n + eps)));
        inverse[r] = T(1) / root[0];
        const Vec<T> scale = broadcast(inverse[r]);
        for_row<T>(features, [&](Index j, int) {
            const Vec<T> own = load(x_hat + j) * scale;
            store(x_hat + j, own);
            store(y + j, fma(own, load(gamma + j), load(beta + j)));
        });
    }
}

// dx, before gamma changes.
template <class T>
void layer_norm_backward(const Layer& layer, const T* gamma, const T* x_hat, const T* inverse,
                         Share rows, const T* dy, T* dx) {
    const Index features = layer.outputs;
    const T n = static_cast<T>(features);
    x_hat += rows.from * layer.row;
    dy += rows.from * layer.row;
    dx += rows.from * layer.row;
    for (Index r = rows.from; r < rows.to;
         ++r, x_hat += layer.row, dy += layer.row, dx += layer.row) {
        const T sum = sum_row<T>(features, [&](Index j) {
            const Vec<T> g = load(dy + j) * load(gamma + j);
            store(dx + j, g);
            return g;
        });
        const T product =
            sum_row<T>(features, [&](Index j) { return load(dx + j) * load(x_hat + j); });
        const Vec<T> mean = broadcast(sum / n), projection = broadcast(product / n);
        const Vec<T> scale = broadcast(inverse[r]);
        for_row<T>(features, [&](Index j, int) {
            const Vec<T> own = fnma(load(x_hat + j), projection, load(dx + j) - mean);
            store(dx + j, without_padding(features, j, own * scale));
        });
    }
}

// The statistics of the batch, in training.  settings: eps, ema_decay.  inverse (row,) gets
// 1 / sqrt(var + eps), `updated` (2, row) the running mean and variance that follow `buffers`
// (2, row).
template <class T>
void batch_norm_training(const Layer& layer, const double* settings, const T* gamma, const T* beta,
                         const T* buffers, const T* x, Index rows, Share columns, T* x_hat,
                         T* inverse, T* updated, T* y) {
    const double decay = settings[1], count = static_cast<double>(rows);
    const double correction = layer.flag && rows > 1 ? count / (count - 1.0) : 1.0;
    const Vec<T> old = broadcast(static_cast<T>(decay));
    const Vec<T> of_mean = broadcast(static_cast<T>(1.0 - decay));
    const Vec<T> of_var = broadcast(static_cast<T>((1.0 - decay) * correction));
    const Vec<T> n = broadcast(static_cast<T>(rows)), one = broadcast(T(1));
    const Vec<T> eps = broadcast(static_cast<T>(settings[0]));
    for_panels<T, 4>(columns, [&](Index c, auto constant) {
        constexpr int C = decltype(constant)::value, W = Vec<T>::width;
        Vec<T> mean[C], var[C];
        for (int i = 0; i < C; ++i) mean[i] = var[i] = zero<T>();
        for (Index r = 0; r < rows; ++r)
            for (int i = 0; i < C; ++i) mean[i] = mean[i] + load(x + r * layer.row + c + i * W);
        for (int i = 0; i < C; ++i) mean[i] = mean[i] / n;
        for (Index r = 0; r < rows; ++r) {
            for (int i = 0; i < C; ++i) {
                const Vec<T> centred = load(x + r * layer.row + c + i * W) - mean[i];
                var[i] = fma(centred, centred, var[i]);
            }
        }
        Vec<T> scale[C];
        for (int i = 0; i < C; ++i) {
            const Index at = c + i * W;
            var[i] = var[i] / n;
            scale[i] = one / sqrt(var[i] + eps);
            store(inverse + at, scale[i]);
            store(updated + at, mean[i] * of_mean + load(buffers + at) * old);
            const Index second = layer.row + at;
            store(updated + second, var[i] * of_var + load(buffers + second) * old);
        }
        for (Index r = 0; r < rows; ++r) {
            for (int i = 0; i < C; ++i) {
                const Index column = c + i * W, at = r * layer.row + column;
                const Vec<T> own = (load(x + at) - mean[i]) * scale[i];
                store(x_hat + at, own);
                store(y + at, fma(own, load(gamma + column), load(beta + column)));
            }
        }
    });
}

// The running statistics, in evaluation.
template <class T>
void batch_norm_evaluation(const Layer& layer, const double* settings, const T* gamma,
                           const T* beta, const T* buffers, const T* x, Index rows, T* y) {
    const Vec<T> eps = broadcast(static_cast<T>(settings[0])), one = broadcast(T(1));
    for_row<T>(layer.outputs, [&](Index j, int) {
        const Vec<T> mean = load(buffers + j);
        const Vec<T> inverse = one / sqrt(load(buffers + layer.row + j) + eps);
        const Vec<T> scale = load(gamma + j), shift = load(beta + j);
        for (Index r = 0; r < rows; ++r) {
            const Index at = r * layer.row + j;
            store(y + at, fma((load(x + at) - mean) * inverse, scale, shift));
        }
    });
}

// dx of a training step, from d_gamma and d_beta (row,) and before gamma changes.
template <class T>
void batch_norm_backward(const Layer& layer, const T* gamma, const T* x_hat, const T* inverse,
                         Index rows, Share columns, const T* dy, T* dx, const T* d_gamma,
                         const T* d_beta) {
    const Vec<T> n = broadcast(static_cast<T>(rows));
    for_panels<T, 4>(columns, [&](Index c, auto constant) {
        constexpr int C = decltype(constant)::value, W = Vec<T>::width;
        Vec<T> of_gamma[C], of_beta[C], scale[C];
        for (int i = 0; i < C; ++i) {
            const Index at = c + i * W;
            of_gamma[i] = load(d_gamma + at) / n;
            of_beta[i] = load(d_beta + at) / n;
            scale[i] = load(gamma + at) * load(inverse + at);
        }
        for (Index r = 0; r < rows; ++r) {
            for (int i = 0; i < C; ++i) {
                const Index at = r * layer.row + c + i * W;
                const Vec<T> own = fnma(load(x_hat + at), of_gamma[i], load(dy + at)) - of_beta[i];
                store(dx + at, own * scale[i]);
            }
        }
    });
}

// Either, as a layer of a forward pass; `trace` has x_hat, inverse and statistics (the updated
// buffers).
template <class T, class Trace>
void batch_norm(const Layer& layer, const double* settings, const T* gamma, const T* beta,
                const T* buffers, const T* x, Index rows, Share columns, bool training,
                Trace& trace, T* y) {
    if (training)
        batch_norm_training(layer, settings, gamma, beta, buffers, x, rows, columns, trace.x_hat,
                            trace.inverse, trace.statistics, y);
    else
        batch_norm_evaluation(layer, settings, gamma, beta, buffers, x, rows, y);
}

template <class T, class Trace>
void layer_norm(const Layer& layer, const double* settings, const T* gamma, const T* beta,
                const T* x, Share rows, Trace& trace, T* y) {
    layer_norm(layer, settings, gamma, beta, x, rows, trace.x_hat, trace.inverse, y);
}

}  // namespace trainlab::TRAINLAB_ISA
