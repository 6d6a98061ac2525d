// Activation functions, each beside its derivative, in the order of
// src/trainlab/network/activations.py, whose formulas they are.
//
// A struct for each: `value(x)` is y = f(x), `pullback(x, y, dy)` is dy f'(x), on one vector.
// `keeps_zero` says that f(0) = 0; where it is not so, the padding of a row is set to zero after.
// What is NaN stays NaN in `value`.

#pragma once

#include "functions.hpp"
#include "network.hpp"
#include "sums.hpp"

namespace trainlab::TRAINLAB_ISA {

template <class T>
struct Identity {
    static constexpr bool keeps_zero = true;
    Vec<T> value(Vec<T> x) const { return x; }
    Vec<T> pullback(Vec<T>, Vec<T>, Vec<T> dy) const { return dy; }
};

// max(x, 0), which keeps NaN.
template <class T>
TRAINLAB_INLINE Vec<T> positive_part(Vec<T> x) {
    return max(zero<T>(), x);
}

template <class T>
struct ReLU {
    static constexpr bool keeps_zero = true;
    Vec<T> value(Vec<T> x) const { return positive_part(x); }
    Vec<T> pullback(Vec<T>, Vec<T> y, Vec<T> dy) const {
        return select(y > zero<T>(), dy, zero<T>());
    }
};

template <class T>
struct LeakyReLU {
    static constexpr bool keeps_zero = true;
    Vec<T> slope;
    Vec<T> value(Vec<T> x) const { return max(x * slope, x); }
    Vec<T> pullback(Vec<T> x, Vec<T>, Vec<T> dy) const {
        return select(x > zero<T>(), dy, slope * dy);
    }
};

template <class T>
struct ELU {
    static constexpr bool keeps_zero = true;
    Vec<T> alpha;
    Vec<T> value(Vec<T> x) const { return expm1(min(zero<T>(), x)) * alpha + positive_part(x); }
    // Left of 0 it is y + alpha; on the right that is turned into 1.
    Vec<T> pullback(Vec<T> x, Vec<T> y, Vec<T> dy) const {
        const Vec<T> right = select(x > zero<T>(), broadcast(T(1)) - alpha, zero<T>());
        return ((min(zero<T>(), y) + alpha) + right) * dy;
    }
};

template <class T>
struct Sigmoid {
    static constexpr bool keeps_zero = false;
    Vec<T> value(Vec<T> x) const { return sigmoid(x); }
    Vec<T> pullback(Vec<T>, Vec<T> y, Vec<T> dy) const { return ((broadcast(T(1)) - y) * y) * dy; }
};

template <class T>
struct Tanh {
    static constexpr bool keeps_zero = true;
    Vec<T> value(Vec<T> x) const { return tanh(x); }
    Vec<T> pullback(Vec<T>, Vec<T> y, Vec<T> dy) const { return fnma(y, y, broadcast(T(1))) * dy; }
};

// max(x, 0) + ln(1 + e^-|x|).
template <class T>
TRAINLAB_INLINE Vec<T> softplus(Vec<T> x) {
    return log1p(exp(min(x, negate(x)))) + positive_part(x);
}

template <class T>
struct Softplus {
    static constexpr bool keeps_zero = false;
    Vec<T> value(Vec<T> x) const { return softplus(x); }
    Vec<T> pullback(Vec<T>, Vec<T> y, Vec<T> dy) const {  // f' = 1 - e^-y
        return negate(expm1(negate(y))) * dy;
    }
};

template <class T>
struct GELU {
    static constexpr bool keeps_zero = true;
    Vec<T> value(Vec<T> x) const { return normal(x).distribution * x; }
    Vec<T> pullback(Vec<T> x, Vec<T>, Vec<T> dy) const {  // f' = Phi(x) + x phi(x)
        const Normal<T> at = normal(x);
        const Vec<T> density = at.bell * broadcast(Coefficients<T>::per_sqrt_2pi);
        return fma(x, density, at.distribution) * dy;
    }
};

// Calls use(f) with the activation that a layer names.
template <class T, class Use>
TRAINLAB_INLINE void with_activation(const Layer& layer, const double* settings, Use use) {
    const Vec<T> setting = broadcast(static_cast<T>(settings[0]));
    switch (layer.function) {
        case RELU: return use(ReLU<T>{});
        case LEAKY_RELU: return use(LeakyReLU<T>{setting});
        case trainlab::ELU: return use(ELU<T>{setting});
        case SIGMOID: return use(Sigmoid<T>{});
        case TANH: return use(Tanh<T>{});
        case SOFTPLUS: return use(Softplus<T>{});
        case trainlab::GELU: return use(GELU<T>{});
        default: return use(Identity<T>{});
    }
}

// y = f(x) for rows of `layer.outputs` numbers, `layer.row` places each.  x, y: (rows, row).
template <class T>
void activate(const Layer& layer, const double* settings, const T* x, Index rows, T* y) {
    with_activation<T>(layer, settings, [&](const auto f) {
        for (Index r = 0; r < rows; ++r, x += layer.row, y += layer.row)
            for_row<T>(layer.outputs, [&](Index j, int) {
                const Vec<T> value = f.value(load(x + j));
                store(y + j, f.keeps_zero ? value : without_padding(layer.outputs, j, value));
            });
    });
}

// dx = dy f'(x) where y = f(x).  The padding of dy is zero, and so is that of dx.
template <class T>
void pull_back(const Layer& layer, const double* settings, const T* x, const T* y, const T* dy,
               Index rows, T* dx) {
    with_activation<T>(layer, settings, [&](const auto f) {
        for (Index r = 0; r < rows; ++r)
            for_row<T>(layer.outputs, [&](Index j, int) {
                const Index at = r * layer.row + j;
                store(dx + at, f.pullback(load(x + at), load(y + at), load(dy + at)));
            });
    });
}

}  // namespace trainlab::TRAINLAB_ISA
