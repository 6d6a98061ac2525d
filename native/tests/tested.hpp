// What the tests call: the headers of the engine, behind plain functions for one instruction set.
//
// T is float or double.  Matrices have rows of padded(features) places, aligned to 64 bytes.

#pragma once

#include <cstdint>

template <class T>
struct Tested {
    // Elementary functions in their order in functions.hpp: exp ... ndtr.
    static void elementary(int which, std::int64_t n, const T* x, T* y);
    static void activation(int function, double setting, std::int64_t rows, std::int64_t features,
                           const T* x, const T* dy, T* y, T* dx);
    // results: the loss of the batch, and as evaluation sums them the losses and right predictions.
    static void loss(int which, double setting, std::int64_t rows, std::int64_t outputs, const T* y,
                     const std::int64_t* classes, const T* targets, const T* weight, T* dy,
                     double* results);
    // kind: 1 batch-norm, 2 layer-norm.  settings: eps, ema_decay.  The buffers are updated.
    static void norm(int kind, int unbiased, const double* settings, std::int64_t rows,
                     std::int64_t features, const T* gamma, const T* beta, T* buffers, const T* x,
                     const T* dy, T* evaluated, T* y, T* dx, T* d_gamma, T* d_beta);
    // The sum of each row, and that of each column by the tree of a row.
    static void sums(std::int64_t rows, std::int64_t features, const T* x, T* across, T* down);
};

void draw_uniforms(std::uint64_t seed, std::uint64_t key, std::int64_t n, float* out);
void draw_words(std::uint64_t seed, std::uint64_t key, std::int64_t n, std::uint64_t* out);
