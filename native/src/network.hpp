// What a lane is told: the layers, where their arrays lie, and what each member brings.
//
// Plain records without functions: they are shared by code for different instruction sets.
// Names and formulas are those of src/trainlab/network and src/trainlab/optimizers.
//
// All numbers of a member lie in padded rows: a row of `n` numbers takes `padded(n)` places, a
// multiple of 64 bytes, and the padding of parameters and slots is always zero.

#pragma once

#include <cstdint>

namespace trainlab {

enum Kind : std::int64_t { DENSE, BATCH_NORM, LAYER_NORM, ACTIVATE, DROPOUT };

enum Function : std::int64_t {
    IDENTITY,
    RELU,
    LEAKY_RELU,
    ELU,
    SIGMOID,
    TANH,
    SOFTPLUS,
    GELU,
    FUNCTIONS
};

enum Loss : std::int64_t {
    MEAN_SQUARED_ERROR,
    HUBER,
    SIGMOID_CROSS_ENTROPY,
    SOFTMAX_CROSS_ENTROPY,
    LOSSES
};

enum Rule : std::int64_t {
    SGD,
    MOMENTUM,
    MOMENTUM_RATE_INSIDE,
    NESTEROV,
    NESTEROV_RATE_INSIDE,
    ADAGRAD,
    ADAGRAD_EPS_INSIDE,
    RMSPROP,
    RMSPROP_EPS_INSIDE,
    ADAM,
    NADAM,
    AMSGRAD,
    AMSGRAD_CORRECTED,
    LION,
    RULES
};

// What the optimizers' `coefficients` are called here, in their order in a row of numbers.
enum Coefficient : std::int64_t {
    RATE,
    EPS,
    KEEP1,
    TAKE1,
    KEEP2,
    TAKE2,
    EXTRA,
    SHRINK,
    COEFFICIENTS
};

// The settings of a member, in their order in a row of numbers; those of layers follow.
enum Setting : std::int64_t { WEIGHT_DECAY, L1, CLIP_VALUE, CLIP_NORM, LOSS, FIRST_OF_LAYERS };

constexpr std::int64_t SLOTS = 3;  // the most arrays that an optimizer has

// One layer.  Settings: leaky_relu slope, elu alpha, dropout ratio, norms eps, batch-norm eps
// and ema_decay.
struct Layer {
    std::int64_t kind;
    std::int64_t function;  // of ACTIVATE
    std::int64_t flag;      // DROPOUT: inverted; BATCH_NORM: unbiased_running_var
    std::int64_t place;     // among the layers of the reference: a part of the key of its stream
    std::int64_t setting;   // the column of its first setting
    std::int64_t inputs, outputs;
    std::int64_t row;       // places of a padded row of its outputs
    std::int64_t first;     // where W or gamma begins among the padded parameters
    std::int64_t second;    // where b or beta begins
    std::int64_t buffers;   // where running_mean begins, and running_var a row later
};

struct Network {
    const Layer* layers;
    std::int64_t count;
    std::int64_t loss;
    std::int64_t inputs, outputs;
    std::int64_t params, buffers;  // places of all parameters, of all buffers
    std::int64_t widest;           // places of the longest row
};

template <class T>
struct Member {
    T* params;
    T* slots[SLOTS];  // null where the optimizer has fewer
    T* buffers;
    const double* settings;
    std::int64_t rule;
    std::uint64_t seed;
    std::int64_t seed_place;  // among the seeds of the lane
};

// Rows of a split.
template <class T>
struct Rows {
    std::int64_t count, features, outputs;
    const T* x;                   // (count, features), or the numbers of a CSR array
    const std::int64_t* starts;   // of its rows, or null where x is dense
    const std::int32_t* columns;
    const std::int64_t* classes;  // (count,), or null
    const T* targets;             // (count, outputs), or null
    const T* weight;              // (count,), or null
    double density;               // the share of numbers that are not zero
    bool is_sparse;               // most numbers are zero: a batch lists those that are not
    std::int64_t longest;         // the most numbers of a row that are not zero
    std::int64_t deepest;         // the most columns, or rows, of a block of lists
};

// A matrix as lists of its numbers that are not zero, cut into blocks of columns.  The list of row
// r in block b lies from starts[b * rows + r] to the start that follows; its columns rise.
template <class T>
struct Lists {
    std::int64_t rows, blocks;
    const std::int32_t* starts;   // (blocks * rows + 1,), or null
    const std::int32_t* columns;
    const T* values;
};

// Some rows, brought together: dense, or as lists of numbers.
template <class T>
struct Batch {
    std::int64_t rows;
    const T* x;                   // (rows, x_row), or null
    std::int64_t x_row;
    Lists<T> lists;               // of the batch, (rows, features)
    Lists<T> transposed;          // (features, rows)
    const std::int64_t* classes;
    const T* targets;             // (rows, padded outputs)
    std::int64_t target_row;
    const T* weight;
};

// A call of `train`, for all members.
template <class T>
struct Training {
    const Network* network;
    const double* coefficients;   // (steps or 1, members or 1, COEFFICIENTS)
    std::int64_t step_stride, member_stride;
    std::int64_t first_step;      // of the training, for the streams of dropout
    std::int64_t steps;           // of the call
    T* losses;                    // (members, steps)
    std::int64_t* diverged;       // (members,): the step of the call, or -1
};

// Threads that share the steps of one member, as one of them sees it.  `wait` returns when all of
// them have called it; null where there is but one.
struct Team {
    std::int64_t place, size;
    void (*wait)(void* barrier);
    void* barrier;
};

constexpr Team ALONE{0, 1, nullptr, nullptr};

}  // namespace trainlab
