// The scratch memory of a step: what layers leave for their backward passes, and tiles.

#pragma once

#include "memory.hpp"
#include "network.hpp"

namespace trainlab::TRAINLAB_ISA {

// Rows of W whose gradient is computed at a time: it stays in the nearest cache.
template <class T>
inline Index tile_rows(const Layer& layer) {
    constexpr Index bytes = 16384, most = 48, least = 6;
    const Index fitting = bytes / (layer.row * static_cast<Index>(sizeof(T)));
    return fitting > most ? most : fitting < least ? least : fitting / least * least;
}

// What a layer leaves for its backward pass, and for the next layer.
template <class T>
struct Trace {
    T* y;         // (rows, row)
    T* x_hat;     // (rows, row), of norms
    T* inverse;   // 1 / sqrt(var + eps): (row,) of batch-norm, (rows,) of layer-norm
    T* statistics;  // (2, row), the new buffers of batch-norm
    T* mask;      // (rows, row), of dropout
};

// Whether an activation may overwrite its inputs: its derivative follows from its outputs, and the
// layer before does not need them any more.
inline bool works_in_place(const Network& network, Index i) {
    const Layer& layer = network.layers[i];
    const Index before = i > 0 ? network.layers[i - 1].kind : Index(ACTIVATE);
    const bool from_outputs = layer.function == IDENTITY || layer.function == RELU ||
                              layer.function == SIGMOID || layer.function == TANH ||
                              layer.function == SOFTPLUS;
    return layer.kind == ACTIVATE && from_outputs && before != ACTIVATE && before != DROPOUT;
}

// Whether a layer does nothing in evaluation: an inverted dropout.
inline bool is_skipped(const Layer& layer) { return layer.kind == DROPOUT && layer.flag; }

template <class T>
struct Scratch {
    Trace<T>* traces;
    T* tile;          // some rows of a gradient
    T* dy[2];         // (whole blocks of rows, widest)
    T* turned;        // (outputs, block)
    T* transposed;    // W of a layer, or dy and dx where these are smaller
    T* gradient;      // all of it, where its norm is clipped
    double* squares;  // the sum of each of its rows
    float* uniforms;  // (rows, most_drawn): a thread draws where its rows lie
    Index most_drawn = 0;  // for a row of any layer
    std::size_t bytes;

    // What each thread of a team has for itself lies at the beginning of `own`, the rest in
    // `shared`.
    Scratch(const Network& network, Index rows, bool training, char* own, char* shared) {
        Arena front(own);
        traces = front.take<Trace<T>>(network.count);
        tile = front.take<T>(longest_tile(network));
        Arena rest(shared ? shared + front.bytes() : nullptr);
        for (T*& each : dy) each = rest.take<T>(columns_of<T>(rows) * network.widest);
        turned = rest.take<T>(columns_of<T>(network.outputs) * Format<T>::block);
        if (training)
            for_training(network, rows, rest, own != nullptr);
        else
            for_evaluation(network, rows, rest, own != nullptr);
        bytes = front.bytes() + rest.bytes();
    }

  private:
    static Index longest_tile(const Network& network) {
        Index longest = 0;
        for (Index i = 0; i < network.count; ++i) {
            const Layer& layer = network.layers[i];
            const Index own = (layer.kind == DENSE ? tile_rows<T>(layer) : 2) * layer.row;
            if (own > longest) longest = own;
        }
        return longest;
    }

    void for_training(const Network& network, Index rows, Arena& arena, bool filled) {
        Index largest = 0, rows_of_all = 0;
        for (Index i = 0; i < network.count; ++i) {
            const Layer& layer = network.layers[i];
            const bool norm = layer.kind == BATCH_NORM || layer.kind == LAYER_NORM;
            Trace<T> trace{};
            if (!works_in_place(network, i))
                trace.y = arena.take<T>(rows * layer.row);
            else if (filled)
                trace.y = traces[i - 1].y;
            if (norm) trace.x_hat = arena.take<T>(rows * layer.row);
            if (norm) trace.inverse = arena.take<T>(rows > layer.row ? rows : layer.row);
            if (layer.kind == BATCH_NORM) trace.statistics = arena.take<T>(2 * layer.row);
            if (layer.kind == DROPOUT) trace.mask = arena.take<T>(rows * layer.row);
            if (filled) traces[i] = trace;
            if (layer.kind == DROPOUT && layer.outputs > most_drawn) most_drawn = layer.outputs;
            rows_of_all += layer.kind == DENSE ? layer.inputs + 1 : 2;
            const Index own = columns_of<T>(layer.outputs) * network.widest;
            if (layer.kind == DENSE && i > 0 && own > largest) largest = own;
        }
        transposed = arena.take<T>(largest);
        gradient = arena.take<T>(network.params);
        squares = arena.take<double>(rows_of_all);
        uniforms = arena.take<float>(rows * most_drawn);
    }

    // The outputs of two layers are enough.
    void for_evaluation(const Network& network, Index rows, Arena& arena, bool filled) {
        T* x_hat = arena.take<T>(rows * network.widest);
        T* inverse = arena.take<T>(rows > network.widest ? rows : network.widest);
        Index turn = 0;
        for (Index i = 0; filled && i < network.count; ++i) {
            traces[i] = {dy[turn], x_hat, inverse, nullptr, nullptr};
            if (!is_skipped(network.layers[i])) turn = 1 - turn;
        }
    }
};

template <class T>
std::size_t scratch_bytes(const Network& network, std::int64_t rows, bool training) {
    return Scratch<T>(network, rows, training, nullptr, nullptr).bytes;
}

}  // namespace trainlab::TRAINLAB_ISA
