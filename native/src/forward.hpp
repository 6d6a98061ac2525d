// The forward pass of one member.
//
// The threads of a team share the rows of a batch.  Only batch-norm, which goes down its columns,
// has them wait for each other: each then takes some columns.

#pragma once

#include "activations.hpp"
#include "batches.hpp"
#include "norms.hpp"
#include "philox.hpp"
#include "products.hpp"
#include "scratch.hpp"
#include "team.hpp"

namespace trainlab::TRAINLAB_ISA {

// The first layer reads a batch, the others a matrix.
template <class T>
struct Inputs {
    const Batch<T>* batch;  // of the first layer, or null
    Index rows;
    const T* x;
    Index row;
};

template <class T>
void dense(const Layer& layer, const Member<T>& member, const Inputs<T>& in, Share rows, T* y) {
    const T *w = member.params + layer.first, *b = member.params + layer.second;
    const Index columns = columns_of<T>(layer.outputs);
    if (in.batch && in.batch->lists.starts) {
        listed_product(in.batch->lists, rows, w, layer.row, columns, b, y + rows.from * layer.row,
                       layer.row);
    } else {
        const Left<T> x{in.x + rows.from * in.row, in.row, 1};
        product(rows.count(), x, w, layer.row, layer.inputs, columns, b, y + rows.from * layer.row,
                layer.row);
    }
}

// The mask of a dropout at one step: 0, or what is kept is multiplied with.
template <class T>
void draw_mask(const Layer& layer, const Member<T>& member, Index step, Share rows,
               Scratch<T>& scratch, T* mask) {
    constexpr std::uint64_t purpose = 3;  // "dropout" in src/trainlab/streams.py
    const std::uint64_t key = purpose << 56 | static_cast<std::uint64_t>(step) << 28 |
                              static_cast<std::uint64_t>(layer.place);
    float* drawn = scratch.uniforms + rows.from * scratch.most_drawn;
    uniforms(member.seed, key, rows.from * layer.outputs, rows.count() * layer.outputs, drawn);
    const double ratio = member.settings[layer.setting];
    const T kept = layer.flag ? T(1) / static_cast<T>(1.0 - ratio) : T(1);
    const auto limit = static_cast<float>(ratio);
    for (Index r = rows.from; r < rows.to; ++r, drawn += layer.outputs) {
        T* own = mask + r * layer.row;
        for (Index c = 0; c < layer.outputs; ++c) own[c] = drawn[c] >= limit ? kept : T(0);
        // The padding is multiplied as well, and what lies in new memory may be NaN.
        for (Index c = layer.outputs; c < columns_of<T>(layer.outputs); ++c) own[c] = T(0);
    }
}

template <class T>
void multiply(Share rows, const Layer& layer, const T* x, const T* factor, T* out) {
    for (Index r = rows.from; r < rows.to; ++r)
        for (Index c = 0; c < columns_of<T>(layer.outputs); c += Vec<T>::width) {
            const Index at = r * layer.row + c;
            store(out + at, load(x + at) * load(factor + at));
        }
}

template <class T>
void drop_out(const Layer& layer, const Member<T>& member, Index step, const T* x, Share rows,
              Scratch<T>& scratch, Trace<T>& trace, T* y) {
    if (step >= 0) {
        draw_mask(layer, member, step, rows, scratch, trace.mask);
        multiply(rows, layer, x, trace.mask, y);
        return;
    }
    const double kept = layer.flag ? 1.0 : 1.0 - member.settings[layer.setting];
    const Vec<T> factor = broadcast(static_cast<T>(kept));
    for (Index at = rows.from * layer.row; at < rows.to * layer.row; at += Vec<T>::width)
        store(y + at, load(x + at) * factor);
}

// The outputs of the last layer; `step` is negative in evaluation.
template <class T>
T* forward(const Network& network, const Member<T>& member, const Batch<T>& batch, Index step,
           const Team& team, Scratch<T>& scratch) {
    Inputs<T> in{&batch, batch.rows, batch.x, batch.x_row};
    const Share rows = share_of(team, batch.rows, 1);
    const bool training = step >= 0;
    T* y = nullptr;
    for (Index i = 0; i < network.count; ++i) {
        const Layer& layer = network.layers[i];
        Trace<T>& trace = scratch.traces[i];
        const double* settings = member.settings + layer.setting;
        const T *first = member.params + layer.first, *second = member.params + layer.second;
        const T* x = in.x;
        const Index from = rows.from * layer.row;
        if (!training && is_skipped(layer)) continue;
        y = trace.y;
        switch (layer.kind) {
            case DENSE: dense(layer, member, in, rows, y); break;
            case BATCH_NORM:
                wait_for_all(team);
                batch_norm(layer, settings, first, second, member.buffers + layer.buffers, x,
                           batch.rows, columns_for<T>(team, layer.outputs), training, trace, y);
                wait_for_all(team);
                break;
            case LAYER_NORM: layer_norm(layer, settings, first, second, x, rows, trace, y); break;
            case ACTIVATE: activate(layer, settings, x + from, rows.count(), y + from); break;
            default: drop_out(layer, member, step, x, rows, scratch, trace, y);
        }
        in = {nullptr, batch.rows, y, layer.row};
    }
    return y;
}

}  // namespace trainlab::TRAINLAB_ISA
