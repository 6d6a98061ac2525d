// What arrays.hpp offers for each instruction set: functions of NumPy's arrays of float64.

#pragma once

#include <cstddef>
#include <cstdint>

namespace trainlab {

// Where the chains of a product end: `count` ascending places, the last one the depth.  The
// chains of a number are added in their order, beginning with +0.
struct Chains {
    const std::int64_t* ends;
    std::int64_t count;
};

// A product, out (rows, columns).  x is of float or double, w and out of double.
struct Sizes {
    std::int64_t rows, depth, columns;
};

enum ArrayRule : std::int64_t {
    ARRAY_SGD,
    ARRAY_MOMENTUM,
    ARRAY_NESTEROV,
    ARRAY_ADAGRAD,
    ARRAY_RMSPROP,
    ARRAY_ADAM,
    ARRAY_RULES
};

constexpr int ARRAY_NUMBERS = 4;  // the most numbers that a rule is given

// (rows, columns) and (columns,) of a batch normalization; which are written, its functions say.
struct Normalized {
    std::int64_t rows, columns;
    const double *gamma, *beta;
    double *xc, *xn, *std;
};

struct ArrayKernels {
    // Bytes of scratch memory for a product that copies so many numbers of its right factor: all of
    // them, if that is transposed, or none.
    std::size_t (*product_bytes)(Chains chains, std::int64_t copied);
    // out = x w + bias, x (rows, depth), w (depth, columns); bias (columns,) or null.
    void (*product_of_float)(Sizes sizes, Chains chains, const float* x, const double* w,
                             const double* bias, double* out, char* scratch);
    void (*product_of_double)(Sizes sizes, Chains chains, const double* x, const double* w,
                              const double* bias, double* out, char* scratch);
    // out = transposed x w, x (depth, rows), w (depth, columns).
    void (*transposed_product_of_float)(Sizes sizes, Chains chains, const float* x, const double* w,
                                        double* out, char* scratch);
    void (*transposed_product_of_double)(Sizes sizes, Chains chains, const double* x,
                                         const double* w, double* out, char* scratch);
    // out = x transposed w, x (rows, depth), w (columns, depth).
    void (*product_with_transposed)(Sizes sizes, Chains chains, const double* x, const double* w,
                                    double* out, char* scratch);
    // out (columns,) = the sums of the columns of x (rows, columns).
    void (*sum_rows)(std::int64_t rows, std::int64_t columns, const double* x, double* out);
    // y = x where x > 0 or NaN, else 0; mask = x <= 0.
    void (*relu)(std::int64_t count, const double* x, double* y, bool* mask);
    // dx = 0 where the mask is true, else dy.
    void (*relu_backward)(std::int64_t count, const bool* mask, const double* dy, double* dx);
    // y = x times 1 where the mask is true, else times 0.
    void (*mask)(std::int64_t count, const bool* mask, const double* x, double* y);
    // y, and xc, xn, std, mean, var of the batch.
    void (*batch_norm)(const Normalized& norm, double offset, const double* x, double* mean,
                       double* var, double* y);
    // dx, d_gamma, d_beta from xc, xn, std.
    void (*batch_norm_backward)(const Normalized& norm, const double* dy, double* dx,
                                double* d_gamma, double* d_beta);
    // Moves p and its past on; `numbers` as the rule names them.
    void (*update)(std::int64_t rule, const double* numbers, std::int64_t count, double* p,
                   const double* g, double* first, double* second);
};

}  // namespace trainlab
