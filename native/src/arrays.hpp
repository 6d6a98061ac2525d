// Functions of arrays as NumPy has them: without padding, aligned to single numbers.
//
// The layers and optimizers of src/trainlab/book call them.  They do what NumPy does there, with
// the same roundings: nothing is fused but the chains of products, and sums down a column are
// chains over ascending rows.  Not one bit of a result depends on the instruction set.

#pragma once

#include <cstring>

#include "array_kernels.hpp"
#include "memory.hpp"

namespace trainlab::TRAINLAB_ISA {

// How a vector of an array is read and written: as a whole, or the `count` numbers that are left.
struct Whole {
    template <class T>
    TRAINLAB_INLINE Vec<T> load(const T* p) const {
        return load_unaligned(p);
    }
    template <class T>
    TRAINLAB_INLINE void store(T* p, Vec<T> a) const {
        store_unaligned(p, a);
    }
};

struct Part {
    int count;
    template <class T>
    TRAINLAB_INLINE Vec<T> load(const T* p) const {
        return load_part(p, count);
    }
    template <class T>
    TRAINLAB_INLINE void store(T* p, Vec<T> a) const {
        store_part(p, a, count);
    }
};

// Calls use(i, part) for each vector of `count` numbers, i being where it begins.
template <class Use>
TRAINLAB_INLINE void for_vectors(Index count, Use use) {
    constexpr int W = Vec<double>::width;
    Index i = 0;
    for (; i + W <= count; i += W) use(i, Whole{});
    if (i < count) use(i, Part{static_cast<int>(count - i)});
}

// --- layers ------------------------------------------------------------------------------------

inline void relu_of_array(Index count, const double* x, double* y, bool* mask) {
    for (Index i = 0; i < count; ++i) mask[i] = x[i] <= 0;
    for_vectors(count, [&](Index i, auto part) {
        const Vec<double> own = part.load(x + i);
        part.store(y + i, select(own <= zero<double>(), zero<double>(), own));
    });
}

inline void relu_backward_of_array(Index count, const bool* mask, const double* dy, double* dx) {
    for (Index i = 0; i < count; ++i) {
        std::uint64_t bits;
        std::memcpy(&bits, dy + i, sizeof(bits));
        bits &= static_cast<std::uint64_t>(mask[i]) - 1;  // all or none: no branch
        std::memcpy(dx + i, &bits, sizeof(bits));
    }
}

inline void mask_array(Index count, const bool* mask, const double* x, double* y) {
    for (Index i = 0; i < count; ++i) y[i] = x[i] * static_cast<double>(mask[i]);
}

inline void sum_rows_of_array(Index rows, Index columns, const double* x, double* out) {
    for_vectors(columns, [&](Index c, auto part) {
        Vec<double> sum = zero<double>();
        for (Index r = 0; r < rows; ++r) sum = sum + part.load(x + r * columns + c);
        part.store(out + c, sum);
    });
}

inline void batch_norm_of_array(const Normalized& norm, double offset, const double* x,
                                double* mean_of, double* var_of, double* y) {
    const Index rows = norm.rows, columns = norm.columns;
    const Vec<double> n = broadcast(static_cast<double>(rows));
    for_vectors(columns, [&](Index c, auto part) {
        Vec<double> mean = zero<double>(), var = zero<double>();
        for (Index r = 0; r < rows; ++r) mean = mean + part.load(x + r * columns + c);
        mean = mean / n;
        for (Index r = 0; r < rows; ++r) {
            const Index at = r * columns + c;
            const Vec<double> centred = part.load(x + at) - mean;
            part.store(norm.xc + at, centred);
            var = var + centred * centred;
        }
        var = var / n;
        const Vec<double> std = sqrt(var + broadcast(offset));
        const Vec<double> gamma = part.load(norm.gamma + c), beta = part.load(norm.beta + c);
        for (Index r = 0; r < rows; ++r) {
            const Index at = r * columns + c;
            const Vec<double> own = part.load(norm.xc + at) / std;
            part.store(norm.xn + at, own);
            part.store(y + at, gamma * own + beta);
        }
        part.store(mean_of + c, mean);
        part.store(var_of + c, var);
        part.store(norm.std + c, std);
    });
}

inline void batch_norm_backward_of_array(const Normalized& norm, const double* dy, double* dx,
                                         double* d_gamma, double* d_beta) {
    const Index rows = norm.rows, columns = norm.columns;
    const Vec<double> n = broadcast(static_cast<double>(rows)), half = broadcast(0.5);
    const Vec<double> twice = broadcast(2.0 / static_cast<double>(rows));
    for_vectors(columns, [&](Index c, auto part) {
        const Vec<double> gamma = part.load(norm.gamma + c), std = part.load(norm.std + c);
        const Vec<double> square = std * std;
        Vec<double> of_gamma = zero<double>(), of_beta = of_gamma, of_std = of_gamma;
        for (Index r = 0; r < rows; ++r) {
            const Index at = r * columns + c;
            const Vec<double> own = part.load(dy + at);
            of_beta = of_beta + own;
            of_gamma = of_gamma + part.load(norm.xn + at) * own;
            of_std = of_std + ((gamma * own) * part.load(norm.xc + at)) / square;
        }
        const Vec<double> of_var = (half * negate(of_std)) / std;
        Vec<double> of_mean = zero<double>();
        for (Index r = 0; r < rows; ++r) {
            const Index at = r * columns + c;
            const Vec<double> centred = (twice * part.load(norm.xc + at)) * of_var;
            const Vec<double> own = (gamma * part.load(dy + at)) / std + centred;
            part.store(dx + at, own);
            of_mean = of_mean + own;
        }
        of_mean = of_mean / n;
        for (Index r = 0; r < rows; ++r) {
            const Index at = r * columns + c;
            part.store(dx + at, part.load(dx + at) - of_mean);
        }
        part.store(d_gamma + c, of_gamma);
        part.store(d_beta + c, of_beta);
    });
}

// --- optimizers --------------------------------------------------------------------------------

// lr g / (sqrt(square) + eps).
TRAINLAB_INLINE Vec<double> divided(Vec<double> step, Vec<double> square, Vec<double> eps) {
    return step / (sqrt(square) + eps);
}

// The formulas of src/trainlab/book/optimizer.py.  numbers, by rule:
//   SGD      lr
//   Momentum momentum, lr
//   Nesterov momentum, lr, momentum^2, (1 + momentum) lr
//   AdaGrad  lr, eps
//   RMSprop  decay_rate, 1 - decay_rate, lr, eps
//   Adam     1 - beta1, 1 - beta2, rate, eps
inline void update_array(Index rule, const double* numbers, Index count, double* p, const double* g,
                         double* first, double* second) {
    Vec<double> n[ARRAY_NUMBERS];
    for (int i = 0; i < ARRAY_NUMBERS; ++i) n[i] = broadcast(numbers[i]);
    // Calls move(p, g, part, i), which returns the new p, for each vector.
    const auto each = [&](const auto& move) {
        for_vectors(count, [&](Index i, auto part) {
            part.store(p + i, move(part.load(p + i), part.load(g + i), part, i));
        });
    };
    switch (rule) {
        case ARRAY_MOMENTUM:
            return each([&](auto own, auto grad, auto part, Index i) {
                const Vec<double> v = part.load(first + i) * n[0] - n[1] * grad;
                part.store(first + i, v);
                return own + v;
            });
        case ARRAY_NESTEROV:
            return each([&](auto own, auto grad, auto part, Index i) {
                const Vec<double> v = part.load(first + i);
                part.store(first + i, v * n[0] - n[1] * grad);
                return (own + n[2] * v) - n[3] * grad;
            });
        case ARRAY_ADAGRAD:
            return each([&](auto own, auto grad, auto part, Index i) {
                const Vec<double> h = part.load(first + i) + grad * grad;
                part.store(first + i, h);
                return own - divided(n[0] * grad, h, n[1]);
            });
        case ARRAY_RMSPROP:
            return each([&](auto own, auto grad, auto part, Index i) {
                const Vec<double> h = part.load(first + i) * n[0] + (n[1] * grad) * grad;
                part.store(first + i, h);
                return own - divided(n[2] * grad, h, n[3]);
            });
        case ARRAY_ADAM:
            return each([&](auto own, auto grad, auto part, Index i) {
                const Vec<double> m = part.load(first + i), v = part.load(second + i);
                const Vec<double> mean = m + n[0] * (grad - m);
                const Vec<double> square = v + n[1] * (grad * grad - v);
                part.store(first + i, mean);
                part.store(second + i, square);
                return own - divided(n[2] * mean, square, n[3]);
            });
        default: return each([&](auto own, auto grad, auto, Index) { return own - n[0] * grad; });
    }
}

}  // namespace trainlab::TRAINLAB_ISA
