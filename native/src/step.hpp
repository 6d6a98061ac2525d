// One step of one member, forward, backward and update; evaluation.
//
// The order is that of `Architecture.loss_and_gradient` and `Optimizer.delta` in Python.

#pragma once

#include <limits>

#include "backward.hpp"
#include "forward.hpp"
#include "losses.hpp"

namespace trainlab::TRAINLAB_ISA {

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
        const T* y = forward(network, member, batch, training.first_step + step, team, scratch);
        wait_for_all(team);
        if (team.place == 0) {
            const T loss = loss_and_gradient(network, member, batch, y, output.row, scratch.dy[0],
                                             scratch.turned);
            training.losses[row * training.steps + step] = loss;
            if (!is_finite(loss) || !has_finite_statistics(network, scratch)) diverged = step;
        }
        wait_for_all(team);
        if (diverged >= 0) return true;
        if (team.place == 0) take_statistics(network, member, scratch);
        Backward<T> pass{member,  batch,
                         scratch, update_of(training, member, row, step),
                         team,    network.params > Index(1) << 16,
                         waits};
        const bool is_good = backward(network, pass);
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
    const T* y = forward(network, member, batch, Index(-1), ALONE, scratch);
    const Index row = network.layers[network.count - 1].row;
    for (Index r = 0; r < batch.rows; ++r)
        for (Index c = 0; c < network.outputs; ++c) out[r * network.outputs + c] = y[r * row + c];
}

template <class T>
void evaluate(const Network& network, const Member<T>& member, const Batch<T>& batch, double& loss,
              double& right, char* memory) {
    Scratch<T> scratch(network, batch.rows, false, memory, memory);
    const T* y = forward(network, member, batch, Index(-1), ALONE, scratch);
    const Index row = network.layers[network.count - 1].row;
    sum_losses(network, member, batch, y, row, scratch.turned, loss, right);
}

}  // namespace trainlab::TRAINLAB_ISA
