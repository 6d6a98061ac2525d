// The backward pass of one member, which updates its parameters as it goes.
//
// Where there is a team, each of its threads takes some rows of dy and dx, and some rows of W, or
// some columns of gamma and beta, where these change.  They wait for each other where one needs
// what others have computed, or changes what others still read.

#pragma once

#include <limits>

#include "forward.hpp"
#include "optimizers.hpp"

namespace trainlab::TRAINLAB_ISA {

// What `Optimizer.delta` is told at one step.
template <class T>
Update<T> update_of(const Training<T>& training, const Member<T>& member, Index row, Index step) {
    const double* c =
        training.coefficients + (step * training.step_stride + row * training.member_stride);
    Update<T> u{};
    u.rule = member.rule;
    for (int i = 0; i < COEFFICIENTS; ++i) u.numbers.c[i] = broadcast(static_cast<T>(c[i]));
    u.weight_decay = static_cast<T>(member.settings[WEIGHT_DECAY]);
    u.l1 = static_cast<T>(member.settings[L1]);
    u.clip_value = static_cast<T>(member.settings[CLIP_VALUE]);
    u.shrink = static_cast<T>(c[SHRINK]);
    u.scale = T(1);
    return u;
}

// The gradient with its penalties, where it has to wait for its norm.
template <class T>
void keep_gradient(const Target<T>& t, const Update<T>& u, T* out) {
    for (Index r = 0; r < t.rows; ++r)
        for (Index c = 0; c < t.columns; c += Vec<T>::width) {
            const Vec<T> g = load(t.g + r * t.g_row + c), p = load(t.p + r * t.p_row + c);
            store(out + r * t.p_row + c, penalised(g, p, u, t.decays));
        }
}

// Sum of the squares of numbers, in double, each to the partial sum of its place modulo 8.
template <class T>
double sum_of_squares(Index count, const T* x) {
    constexpr Index parts = 8;
    double sums[parts] = {};
    for (Index i = 0; i < count; i += parts)
        for (Index j = 0; j < parts; ++j) {
            const double value = static_cast<double>(x[i + j]);
            sums[j] += value * value;
        }
    for (Index half = parts / 2; half > 0; half /= 2)
        for (Index j = 0; j < half; ++j) sums[j] += sums[j + half];
    return sums[0];
}

template <class T>
struct Backward {
    const Member<T>& member;
    const Batch<T>& batch;
    Scratch<T>& scratch;
    Update<T> update;
    const Team& team;
    bool is_large;
    bool waits;  // for the norm of the whole gradient, which is kept until it is known
    Vec<T> bad = zero<T>();
    Share own_rows = share_of(team, batch.rows, 1);

    // Does what is to be done with a part of the gradient: rows of the array at `first`.
    void use(T* g, Index g_row, Index first, Index rows, Index columns, Index row, bool decays) {
        Target<T> target{rows, columns, g, g_row, member.params + first, {}, row, decays};
        if (waits) {
            keep_gradient(target, update, scratch.gradient + first);
        } else {
            for (int i = 0; i < SLOTS; ++i)
                target.slots[i] = member.slots[i] ? member.slots[i] + first : nullptr;
            bad = trainlab::TRAINLAB_ISA::update(target, update, bad);
        }
    }

    // Has the parameters and slots brought into the cache that are updated next, unless a member
    // is so small that they are there.
    void fetch(Index first, Index count) const {
        if (!is_large) return;
        constexpr Index line = 64 / static_cast<Index>(sizeof(T));
        for (Index at = first; at < first + count; at += line) {
            prefetch(member.params + at);
            for (int i = 0; i < SLOTS; ++i)
                if (member.slots[i]) prefetch(member.slots[i] + at);
        }
    }

    // Clips the norm of the gradient that was kept, and updates all parameters.
    void finish(const Network& network) {
        Index known = 0;
        wait_for_all(team);  // until all of it is there
        for_arrays(network, [&](Index first, Index rows, Index columns, Index row, bool) {
            const Share own = share_of(team, rows, 1);
            for (Index r = own.from; r < own.to; ++r)
                scratch.squares[known + r] =
                    sum_of_squares(columns, scratch.gradient + first + r * row);
            known += rows;
        });
        wait_for_all(team);
        double total = 0;
        for (Index i = 0; i < known; ++i) total += scratch.squares[i];
        const double norm = __builtin_sqrt(total), most = member.settings[CLIP_NORM];
        update.is_ready = true;
        update.scale = static_cast<T>(norm > most ? most / norm : 1.0);
        waits = false;
        for_arrays(network, [&](Index first, Index rows, Index columns, Index row, bool decays) {
            const Share own = share_of(team, rows, 1);
            const Index at = first + own.from * row;
            use(scratch.gradient + at, row, at, own.count(), columns, row, decays);
        });
    }

    template <class Work>
    void for_arrays(const Network& network, const Work& work) {
        for (Index i = 0; i < network.count; ++i) {
            const Layer& layer = network.layers[i];
            if (layer.kind == ACTIVATE || layer.kind == DROPOUT) continue;
            const Index columns = columns_of<T>(layer.outputs);
            const bool is_dense = layer.kind == DENSE;
            work(layer.first, is_dense ? layer.inputs : 1, columns, layer.row, is_dense);
            work(layer.second, Index(1), columns, layer.row, false);
        }
    }

    // The same for some columns of an array of one row.
    void use_columns(T* g, Index first, const Layer& layer, Share columns) {
        use(g + columns.from, 0, first + columns.from, 1, columns.count(), layer.row, false);
    }

    // dx = dy W^T.  One of the factors has to be turned over: W, or where that is smaller dy, and
    // then what it gives, dx^T = W dy^T.  Each number is the same chain either way.
    void inputs_gradient(const Layer& layer, const T* dy, T* dx, Index dx_row) {
        const T *w = member.params + layer.first, *none = nullptr;
        T* turned = scratch.transposed;
        const Index columns = columns_of<T>(layer.outputs), samples = columns_of<T>(batch.rows);
        const Share own = share_of(team, layer.inputs, Format<T>::block);
        if (2 * samples * (layer.inputs + columns) > layer.inputs * columns) {
            transpose(own.count(), columns, w + own.from * layer.row, layer.row, turned + own.from,
                      dx_row);
            wait_for_all(team);
            const Left<T> left{dy + own_rows.from * layer.row, layer.row, 1};
            product(own_rows.count(), left, turned, dx_row, layer.outputs,
                    columns_of<T>(layer.inputs), none, dx + own_rows.from * dx_row, dx_row);
        } else {
            const Share part = columns_for<T>(team, layer.outputs);
            transpose(batch.rows, part.count(), dy + part.from, layer.row,
                      turned + part.from * samples, samples);
            wait_for_all(team);
            T* out = turned + (columns + own.from) * samples;
            const Left<T> left{w + own.from * layer.row, layer.row, 1};
            product(own.count(), left, turned, samples, layer.outputs, samples, none, out, samples);
            transpose(own.count(), samples, out, samples, dx + own.from, dx_row);
            wait_for_all(team);  // who need W, or whose columns of dx are needed
        }
    }

    // dx, unless it is not wanted; then dW = x^T dy and db = sum of dy.
    void dense(const Layer& layer, const Inputs<T>& in, const T* dy, T* dx, Index dx_row) {
        const Index columns = columns_of<T>(layer.outputs);
        wait_for_all(team);  // whose rows of dy are needed now
        if (dx) inputs_gradient(layer, dy, dx, dx_row);
        const Index most = tile_rows<T>(layer);
        for (Index i = most * team.place; i < layer.inputs; i += most * team.size) {
            const Index own = layer.inputs - i < most ? layer.inputs - i : most;
            fetch(layer.first + i * layer.row, own * layer.row);
            if (in.batch && in.batch->lists.starts) {
                listed_product(in.batch->transposed, Share{i, i + own}, dy, layer.row, columns,
                               static_cast<const T*>(nullptr), scratch.tile, columns);
            } else {
                product(own, Left<T>{in.x + i, 1, in.row}, dy, layer.row, batch.rows, columns,
                        static_cast<const T*>(nullptr), scratch.tile, columns);
            }
            use(scratch.tile, columns, layer.first + i * layer.row, own, columns, layer.row, true);
        }
        if (team.place == team.size - 1) {
            sum_of_rows(batch.rows, columns, dy, layer.row, scratch.tile);
            use_columns(scratch.tile, layer.second, layer, {0, columns});
        }
    }

    void norm(const Layer& layer, const Trace<T>& trace, const T* dy, T* dx) {
        const T* gamma = member.params + layer.first;
        T *of_gamma = scratch.tile, *of_beta = scratch.tile + layer.row;
        const Share columns = columns_for<T>(team, layer.outputs);
        wait_for_all(team);  // whose rows of dy are needed now
        scale_and_shift_gradients(trace.x_hat, layer.row, batch.rows, columns, dy, of_gamma,
                                  of_beta);
        if (layer.kind == BATCH_NORM)
            batch_norm_backward(layer, gamma, trace.x_hat, trace.inverse, batch.rows, columns, dy,
                                dx, of_gamma, of_beta);
        else
            layer_norm_backward(layer, gamma, trace.x_hat, trace.inverse, own_rows, dy, dx);
        wait_for_all(team);  // who need gamma, or whose columns of dx are needed
        use_columns(of_gamma, layer.first, layer, columns);
        use_columns(of_beta, layer.second, layer, columns);
    }
};

// The backward pass and the update of one step, from dy.  False where a parameter became infinite.
template <class T>
bool backward(const Network& network, Backward<T>& pass) {
    const Batch<T>& batch = pass.batch;
    T *dy = pass.scratch.dy[0], *other = pass.scratch.dy[1];
    for (Index i = network.count - 1; i >= 0; --i) {
        const Layer& layer = network.layers[i];
        const Trace<T>& trace = pass.scratch.traces[i];
        Inputs<T> in{&batch, batch.rows, batch.x, batch.x_row};
        if (i) in = {nullptr, batch.rows, pass.scratch.traces[i - 1].y, network.layers[i - 1].row};
        const Index from = pass.own_rows.from * layer.row;
        switch (layer.kind) {
            case DENSE: pass.dense(layer, in, dy, i ? other : nullptr, in.row); break;
            case BATCH_NORM:
            case LAYER_NORM: pass.norm(layer, trace, dy, other); break;
            case ACTIVATE:
                pull_back(layer, pass.member.settings + layer.setting, in.x + from, trace.y + from,
                          dy + from, pass.own_rows.count(), dy + from);
                continue;
            default: multiply(pass.own_rows, layer, dy, trace.mask, dy); continue;
        }
        T* swapped = dy;
        dy = other;
        other = swapped;
    }
    if (pass.waits) pass.finish(network);
    return !any(is_nan(pass.bad));
}

}  // namespace trainlab::TRAINLAB_ISA
