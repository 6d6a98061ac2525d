// One step of one member, forward, backward and update; evaluation.
//
// The order is that of `Architecture.loss_and_gradient` and `Optimizer.delta` in Python.

#pragma once

#include <limits>

#include "activations.hpp"
#include "batches.hpp"
#include "losses.hpp"
#include "norms.hpp"
#include "optimizers.hpp"
#include "philox.hpp"
#include "products.hpp"
#include "scratch.hpp"

namespace trainlab::TRAINLAB_ISA {

// The first layer reads a batch, the others a matrix.
template <class T>
struct Inputs {
    const Batch<T>* batch;  // of the first layer, or null
    Index rows;
    const T* x;
    Index row;
};

// The share of a thread in `count` things, cut between whole blocks of them.
inline Share share_of(const Team& team, Index count, Index block) {
    const Index blocks = (count + block - 1) / block;
    const Index from = blocks * team.place / team.size * block;
    const Index to = blocks * (team.place + 1) / team.size * block;
    return {from, to < count ? to : count};
}

TRAINLAB_INLINE void wait_for_all(const Team& team) {
    if (team.size > 1) team.wait(team.barrier);
}

template <class T>
void dense(const Layer& layer, const Member<T>& member, const Inputs<T>& in, Share rows, T* y) {
    const T *w = member.params + layer.first, *b = member.params + layer.second;
    const Index columns = columns_of<T>(layer.outputs);
    if (in.batch && in.batch->lists.starts) {
        listed_product(in.batch->lists, rows, w, layer.row, columns, b, y + rows.from * layer.row,
                       layer.row);
    } else {
        const Left<T> x{in.x + rows.from * in.row, in.row, 1};
        product(rows.to - rows.from, x, w, layer.row, layer.inputs, columns, b,
                y + rows.from * layer.row, layer.row);
    }
}

// The mask of a dropout at one step: 0, or what is kept is multiplied with.
template <class T>
void draw_mask(const Layer& layer, const Member<T>& member, Index step, Index rows,
               Scratch<T>& scratch, T* mask) {
    constexpr std::uint64_t purpose = 3;  // "dropout" in src/trainlab/streams.py
    const std::uint64_t key = purpose << 56 | static_cast<std::uint64_t>(step) << 28 |
                              static_cast<std::uint64_t>(layer.place);
    uniforms(member.seed, key, rows * layer.outputs, scratch.uniforms);
    const double ratio = member.settings[layer.setting];
    const T kept = layer.flag ? T(1) / static_cast<T>(1.0 - ratio) : T(1);
    const auto limit = static_cast<float>(ratio);
    for (Index r = 0; r < rows; ++r) {
        T* own = mask + r * layer.row;
        for (Index c = 0; c < layer.outputs; ++c)
            own[c] = scratch.uniforms[r * layer.outputs + c] >= limit ? kept : T(0);
        // The padding is multiplied as well, and what lies in new memory may be NaN.
        for (Index c = layer.outputs; c < columns_of<T>(layer.outputs); ++c) own[c] = T(0);
    }
}

template <class T>
void multiply(Index rows, const Layer& layer, const T* x, const T* factor, T* out) {
    for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < columns_of<T>(layer.outputs); c += Vec<T>::width) {
            const Index at = r * layer.row + c;
            store(out + at, load(x + at) * load(factor + at));
        }
}

template <class T>
void drop_out(const Layer& layer, const Member<T>& member, Index step, const T* x, Index rows,
              Scratch<T>& scratch, Trace<T>& trace, T* y) {
    if (step >= 0) {
        draw_mask(layer, member, step, rows, scratch, trace.mask);
        multiply(rows, layer, x, trace.mask, y);
        return;
    }
    const double kept = layer.flag ? 1.0 : 1.0 - member.settings[layer.setting];
    const Vec<T> factor = broadcast(static_cast<T>(kept));
    for (Index at = 0; at < rows * layer.row; at += Vec<T>::width)
        store(y + at, load(x + at) * factor);
}

TRAINLAB_INLINE bool is_finite(double x) { return x - x == 0; }

// Whether the running statistics that a step would leave are finite.
template <class T>
bool has_finite_statistics(const Network& network, const Scratch<T>& scratch) {
    Vec<T> bad = zero<T>();
    for (Index i = 0; i < network.count; ++i) {
        const Layer& layer = network.layers[i];
        if (layer.kind != BATCH_NORM) continue;
        for (Index half = 0; half < 2; ++half)
            for (Index c = 0; c < columns_of<T>(layer.outputs); c += Vec<T>::width)
                bad =
                    fma(load(scratch.traces[i].statistics + half * layer.row + c), zero<T>(), bad);
    }
    return !any(is_nan(bad));
}

template <class T>
void take_statistics(const Network& network, Member<T>& member, const Scratch<T>& scratch) {
    for (Index i = 0; i < network.count; ++i) {
        const Layer& layer = network.layers[i];
        if (layer.kind != BATCH_NORM) continue;
        for (Index half = 0; half < 2; ++half)
            for (Index c = half * layer.row; c < half * layer.row + columns_of<T>(layer.outputs);
                 c += Vec<T>::width)
                store(member.buffers + layer.buffers + c, load(scratch.traces[i].statistics + c));
    }
}

// The outputs of the last layer; `step` is negative in evaluation.  A share of the rows is for
// networks of dense layers and activations alone.
template <class T>
T* forward(const Network& network, const Member<T>& member, const Batch<T>& batch, Index step,
           Share share, Scratch<T>& scratch) {
    Inputs<T> in{&batch, batch.rows, batch.x, batch.x_row};
    const Index rows = batch.rows;
    const bool training = step >= 0;
    T* y = nullptr;
    for (Index i = 0; i < network.count; ++i) {
        const Layer& layer = network.layers[i];
        Trace<T>& trace = scratch.traces[i];
        const double* settings = member.settings + layer.setting;
        const T *first = member.params + layer.first, *second = member.params + layer.second;
        const T* x = in.x;
        if (!training && is_skipped(layer)) continue;
        y = trace.y;
        switch (layer.kind) {
            case DENSE: dense(layer, member, in, share, y); break;
            case BATCH_NORM:
                batch_norm(layer, settings, first, second, member.buffers + layer.buffers, x, rows,
                           training, trace, y);
                break;
            case LAYER_NORM: layer_norm(layer, settings, first, second, x, rows, trace, y); break;
            case ACTIVATE:
                activate(layer, settings, x + share.from * layer.row, share.to - share.from,
                         y + share.from * layer.row);
                break;
            default: drop_out(layer, member, step, x, rows, scratch, trace, y);
        }
        in = {nullptr, rows, y, layer.row};
    }
    return y;
}

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

// The backward pass of one member, which updates its parameters as it goes.
template <class T>
struct Backward {
    const Member<T>& member;
    Scratch<T>& scratch;
    Update<T> update;
    const Team& team;
    bool is_large;
    bool waits;  // for the norm of the whole gradient, which is kept until it is known
    Vec<T> bad = zero<T>();

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
        double total = 0;
        for_arrays(network, [&](Index first, Index rows, Index columns, Index row, bool) {
            for (Index r = 0; r < rows; ++r)
                total += sum_of_squares(columns, scratch.gradient + first + r * row);
        });
        const double norm = __builtin_sqrt(total), most = member.settings[CLIP_NORM];
        update.is_ready = true;
        update.scale = static_cast<T>(norm > most ? most / norm : 1.0);
        waits = false;
        for_arrays(network, [&](Index first, Index rows, Index columns, Index row, bool decays) {
            use(scratch.gradient + first, row, first, rows, columns, row, decays);
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

    void use_row(T* g, Index first, const Layer& layer) {
        use(g, 0, first, 1, columns_of<T>(layer.outputs), layer.row, false);
    }

    // dx = dy W^T, unless it is not wanted; then dW = x^T dy and db = sum of dy.
    void dense(const Layer& layer, const Inputs<T>& in, Share share, const T* dy, T* dx,
               Index dx_row) {
        const Index columns = columns_of<T>(layer.outputs), rows = in.rows;
        const T* w = member.params + layer.first;
        wait_for_all(team);  // whose rows of dy are needed now
        if (dx) {
            const Index width = columns_of<T>(layer.inputs);
            const Share own = share_of(team, layer.inputs, Format<T>::block);
            transpose(own.to - own.from, columns, w + own.from * layer.row, layer.row,
                      scratch.transposed + own.from, dx_row);
            wait_for_all(team);
            const Left<T> left{dy + share.from * layer.row, layer.row, 1};
            product(share.to - share.from, left, scratch.transposed, dx_row, layer.outputs, width,
                    static_cast<const T*>(nullptr), dx + share.from * dx_row, dx_row);
        }
        const Index most = tile_rows<T>(layer);
        for (Index i = most * team.place; i < layer.inputs; i += most * team.size) {
            const Index own = layer.inputs - i < most ? layer.inputs - i : most;
            fetch(layer.first + i * layer.row, own * layer.row);
            if (in.batch && in.batch->lists.starts) {
                listed_product(in.batch->transposed, Share{i, i + own}, dy, layer.row, columns,
                               static_cast<const T*>(nullptr), scratch.tile, columns);
            } else {
                product(own, Left<T>{in.x + i, 1, in.row}, dy, layer.row, rows, columns,
                        static_cast<const T*>(nullptr), scratch.tile, columns);
            }
            use(scratch.tile, columns, layer.first + i * layer.row, own, columns, layer.row, true);
        }
        if (team.place == team.size - 1) {
            sum_of_rows(rows, columns, dy, layer.row, scratch.tile);
            use_row(scratch.tile, layer.second, layer);
        }
    }

    void norm(const Layer& layer, const Trace<T>& trace, Index rows, const T* dy, T* dx) {
        const T* gamma = member.params + layer.first;
        T *of_gamma = scratch.tile, *of_beta = scratch.tile + layer.row;
        const auto backward =
            layer.kind == BATCH_NORM ? batch_norm_backward<T> : layer_norm_backward<T>;
        backward(layer, gamma, trace.x_hat, trace.inverse, rows, dy, dx, of_gamma, of_beta);
        use_row(of_gamma, layer.first, layer);
        use_row(of_beta, layer.second, layer);
    }
};

// A team can share the rows of dense layers and activations; what sums over a batch, or draws for
// it, is left to one thread.
template <class T>
bool can_share(const Network& network, const Member<T>& member) {
    for (Index i = 0; i < network.count; ++i)
        if (network.layers[i].kind != DENSE && network.layers[i].kind != ACTIVATE) return false;
    return !(member.settings[CLIP_NORM] < std::numeric_limits<double>::infinity());
}

// The backward pass and the update of one step, from dy.  False where a parameter became infinite.
template <class T>
bool backward(const Network& network, Backward<T>& pass, const Batch<T>& batch, Share share) {
    T *dy = pass.scratch.dy[0], *other = pass.scratch.dy[1];
    for (Index i = network.count - 1; i >= 0; --i) {
        const Layer& layer = network.layers[i];
        const Trace<T>& trace = pass.scratch.traces[i];
        Inputs<T> in{&batch, batch.rows, batch.x, batch.x_row};
        if (i) in = {nullptr, batch.rows, pass.scratch.traces[i - 1].y, network.layers[i - 1].row};
        const Index from = share.from * layer.row, rows = share.to - share.from;
        switch (layer.kind) {
            case DENSE: pass.dense(layer, in, share, dy, i ? other : nullptr, in.row); break;
            case BATCH_NORM:
            case LAYER_NORM: pass.norm(layer, trace, rows, dy, other); break;
            case ACTIVATE:
                pull_back(layer, pass.member.settings + layer.setting, in.x + from, trace.y + from,
                          dy + from, rows, dy + from);
                continue;
            default: multiply(rows, layer, dy, trace.mask, dy); continue;
        }
        T* swapped = dy;
        dy = other;
        other = swapped;
    }
    if (pass.waits) pass.finish(network);
    return !any(is_nan(pass.bad));
}

// Steps first ... last - 1; see kernels.hpp.
template <class T>
bool train(const Training<T>& training, Member<T>& member, std::int64_t row,
           const Batch<T>* batches, std::int64_t first, std::int64_t last, char* memory,
           char* shared, const Team& team) {
    const Network& network = *training.network;
    Scratch<T> scratch(network, batches[0].rows, true, memory, shared);
    const Layer& output = network.layers[network.count - 1];
    const bool waits = member.settings[CLIP_NORM] < std::numeric_limits<double>::infinity();
    std::int64_t& diverged = training.diverged[row];
    for (Index step = first; step < last; ++step) {
        const Batch<T>& batch = batches[step - first];
        const Share share = share_of(team, batch.rows, 1);
        const T* y = forward(network, member, batch, training.first_step + step, share, scratch);
        wait_for_all(team);
        if (team.place == 0) {
            const T loss = loss_and_gradient(network, member, batch, y, output.row, scratch.dy[0],
                                             scratch.turned);
            training.losses[row * training.steps + step] = loss;
            if (!is_finite(loss) || !has_finite_statistics(network, scratch)) diverged = step;
        }
        wait_for_all(team);
        if (diverged >= 0) return true;
        take_statistics(network, member, scratch);
        Backward<T> pass{member,
                         scratch,
                         update_of(training, member, row, step),
                         team,
                         network.params > Index(1) << 16,
                         waits};
        const bool is_good = backward(network, pass, batch, share);
        if (!is_good) __atomic_store_n(&diverged, step, __ATOMIC_RELAXED);
        wait_for_all(team);
        if (diverged >= 0) return false;
    }
    return true;
}

template <class T>
void outputs(const Network& network, const Member<T>& member, const Batch<T>& batch, T* out,
             char* memory) {
    Scratch<T> scratch(network, batch.rows, false, memory, memory);
    const T* y = forward(network, member, batch, Index(-1), Share{0, batch.rows}, scratch);
    const Index row = network.layers[network.count - 1].row;
    for (Index r = 0; r < batch.rows; ++r)
        for (Index c = 0; c < network.outputs; ++c) out[r * network.outputs + c] = y[r * row + c];
}

template <class T>
void evaluate(const Network& network, const Member<T>& member, const Batch<T>& batch, double& loss,
              double& right, char* memory) {
    Scratch<T> scratch(network, batch.rows, false, memory, memory);
    const T* y = forward(network, member, batch, Index(-1), Share{0, batch.rows}, scratch);
    const Index row = network.layers[network.count - 1].row;
    sum_losses(network, member, batch, y, row, scratch.turned, loss, right);
}

}  // namespace trainlab::TRAINLAB_ISA
