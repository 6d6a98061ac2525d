// The rules of the optimizers, on a tile of a gradient while it lies in the nearest cache.
//
// A rule mirrors `rule` of its class in src/trainlab/optimizers: it moves its slots on and turns
// g into the step.  What all share (penalties, clipping, decoupled decay) is done in the same
// pass, so that a gradient is never written to memory.

#pragma once

#include "functions.hpp"
#include "network.hpp"

namespace trainlab::TRAINLAB_ISA {

// g^2, or zero where a share of it would be denormal.
template <class T>
TRAINLAB_INLINE Vec<T> square(Vec<T> g) {
    constexpr T limit = sizeof(T) == 4 ? T(0x1p-57) : T(0x1p-500);
    g = select(abs(g) < broadcast(limit), zero<T>(), g);
    return g * g;
}

template <class T>
TRAINLAB_INLINE Vec<T> sign(Vec<T> x) {
    const Vec<T> one = broadcast(T(1));
    return select(x > zero<T>(), one, select(x < zero<T>(), negate(one), x));
}

// keep * mean + take * x, written back.
template <class T>
TRAINLAB_INLINE Vec<T> average(T* mean, Vec<T> x, Vec<T> keep, Vec<T> take) {
    const Vec<T> moved = flushed(fma(keep, load(mean), take * x));
    store(mean, moved);
    return moved;
}

// x / (sqrt(square) + eps), or x / sqrt(square + eps).
template <class T, bool inside = false>
TRAINLAB_INLINE Vec<T> divide(Vec<T> x, Vec<T> square, Vec<T> eps) {
    return x / (inside ? sqrt(square + eps) : sqrt(square) + eps);
}

// The coefficients of a step, cast once.
template <class T>
struct Numbers {
    Vec<T> c[COEFFICIENTS];
};

template <class T>
struct Sgd {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const*, std::int64_t, const Numbers<T>& n) {
        return g * n.c[RATE];
    }
};

template <class T, bool rate_inside>
struct Momentum {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        if (rate_inside) g = g * n.c[RATE];
        const Vec<T> v = flushed(fma(load(slots[0] + i), n.c[KEEP1], g));
        store(slots[0] + i, v);
        return rate_inside ? v : v * n.c[RATE];
    }
};

template <class T, bool rate_inside>
struct Nesterov {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        if (rate_inside) g = g * n.c[RATE];
        const Vec<T> v = flushed(fma(load(slots[0] + i), n.c[KEEP1], g));
        store(slots[0] + i, v);
        const Vec<T> ahead = fma(v, n.c[KEEP1], g);
        return rate_inside ? ahead : ahead * n.c[RATE];
    }
};

template <class T, bool inside>
struct AdaGrad {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        const Vec<T> h = flushed(fma(g, g, load(slots[0] + i)));
        store(slots[0] + i, h);
        return divide<T, inside>(g, h, n.c[EPS]) * n.c[RATE];
    }
};

template <class T, bool inside>
struct RmsProp {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        const Vec<T> v = average(slots[0] + i, square(g), n.c[KEEP1], n.c[TAKE1]);
        return divide<T, inside>(g, v, n.c[EPS]) * n.c[RATE];
    }
};

template <class T>
struct Adam {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        const Vec<T> m = average(slots[0] + i, g, n.c[KEEP1], n.c[TAKE1]);
        const Vec<T> v = average(slots[1] + i, square(g), n.c[KEEP2], n.c[TAKE2]);
        return divide<T>(m, v, n.c[EPS]) * n.c[RATE];
    }
};

// RATE is `rate_g`, EXTRA is `rate_m`.
template <class T>
struct NAdam {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        const Vec<T> m = average(slots[0] + i, g, n.c[KEEP1], n.c[TAKE1]);
        const Vec<T> v = average(slots[1] + i, square(g), n.c[KEEP2], n.c[TAKE2]);
        return divide<T>(fma(m, n.c[EXTRA], g * n.c[RATE]), v, n.c[EPS]);
    }
};

// EXTRA is `correction`.
template <class T, bool corrected>
struct AmsGrad {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        const Vec<T> m = average(slots[0] + i, g, n.c[KEEP1], n.c[TAKE1]);
        Vec<T> v = average(slots[1] + i, square(g), n.c[KEEP2], n.c[TAKE2]);
        if (corrected) v = v * n.c[EXTRA];
        v = max(load(slots[2] + i), v);
        store(slots[2] + i, v);
        return divide<T>(m, v, n.c[EPS]) * n.c[RATE];
    }
};

template <class T>
struct Lion {
    static TRAINLAB_INLINE Vec<T> step(Vec<T> g, T* const* slots, std::int64_t i,
                                       const Numbers<T>& n) {
        const Vec<T> mix = fma(load(slots[0] + i), n.c[KEEP1], g * n.c[TAKE1]);
        average(slots[0] + i, g, n.c[KEEP2], n.c[TAKE2]);
        return sign(mix) * n.c[RATE];
    }
};

// How a member updates its parameters at one step.
template <class T>
struct Update {
    std::int64_t rule;
    Numbers<T> numbers;
    T weight_decay, l1, clip_value, shrink;
    bool is_ready;  // the gradient has its penalties, and its norm is clipped by `scale`
    T scale;
};

// A tile of a gradient, and where its parameters and slots lie.
template <class T>
struct Target {
    std::int64_t rows, columns;  // whole blocks
    T* g;
    std::int64_t g_row;
    T* p;
    T* slots[SLOTS];
    std::int64_t p_row;
    bool decays;
};

// g with its penalties, cut to +-clip_value.
template <class T>
TRAINLAB_INLINE Vec<T> penalised(Vec<T> g, Vec<T> p, const Update<T>& u, bool decays) {
    if (decays && u.weight_decay != 0) g = fma(p, broadcast(u.weight_decay), g);
    if (decays && u.l1 != 0) g = fma(sign(p), broadcast(u.l1), g);
    if (u.clip_value < std::numeric_limits<T>::infinity()) {
        // The bound comes first: min and max return their second where one is NaN.
        g = min(broadcast(u.clip_value), g);
        g = max(broadcast(-u.clip_value), g);
    }
    return g;
}

// Updates the parameters; returns NaN where one is not finite any more.  change(g, p) gives the
// gradient its penalties; where `shrinks`, decay is decoupled from it.
template <class T, class R, bool shrinks, class Change>
Vec<T> pass(const Target<T>& target, const Update<T>& u, Vec<T> bad, const Change& change) {
    const Target<T> t = target;  // copies, which no store can change
    const Numbers<T> numbers = u.numbers;
    const Vec<T> shrink = broadcast(-u.shrink);
    for (std::int64_t r = 0; r < t.rows; ++r) {
        const T* g_at = t.g + r * t.g_row;
        T* p_at = t.p + r * t.p_row;
        for (std::int64_t c = 0; c < t.columns; c += Vec<T>::width) {
            const Vec<T> p = load(p_at + c);
            Vec<T> step = R::step(change(load(g_at + c), p), t.slots, r * t.p_row + c, numbers);
            if constexpr (shrinks) step = fma(p, shrink, step);
            const Vec<T> moved = p + step;
            store(p_at + c, moved);
            bad = fma(moved, zero<T>(), bad);
        }
    }
    return bad;
}

template <class T, class R>
Vec<T> pass(const Target<T>& t, const Update<T>& u, Vec<T> bad) {
    const bool is_cut = u.clip_value < std::numeric_limits<T>::infinity();
    if (u.is_ready || is_cut || (t.decays && (u.l1 != 0 || u.shrink != 0))) {
        const Update<T> own = u;
        const Vec<T> scale = broadcast(own.scale);
        const auto change = [&](Vec<T> g, Vec<T> p) {
            return own.is_ready ? g * scale : penalised(g, p, own, t.decays);
        };
        return t.decays && u.shrink != 0 ? pass<T, R, true>(t, u, bad, change)
                                         : pass<T, R, false>(t, u, bad, change);
    }
    if (t.decays && u.weight_decay != 0) {
        const Vec<T> decay = broadcast(u.weight_decay);
        return pass<T, R, false>(t, u, bad, [&](Vec<T> g, Vec<T> p) { return fma(p, decay, g); });
    }
    return pass<T, R, false>(t, u, bad, [](Vec<T> g, Vec<T>) { return g; });
}

template <class T>
Vec<T> update(const Target<T>& t, const Update<T>& u, Vec<T> bad) {
    switch (u.rule) {
        case MOMENTUM: return pass<T, Momentum<T, false>>(t, u, bad);
        case MOMENTUM_RATE_INSIDE: return pass<T, Momentum<T, true>>(t, u, bad);
        case NESTEROV: return pass<T, Nesterov<T, false>>(t, u, bad);
        case NESTEROV_RATE_INSIDE: return pass<T, Nesterov<T, true>>(t, u, bad);
        case ADAGRAD: return pass<T, AdaGrad<T, false>>(t, u, bad);
        case ADAGRAD_EPS_INSIDE: return pass<T, AdaGrad<T, true>>(t, u, bad);
        case RMSPROP: return pass<T, RmsProp<T, false>>(t, u, bad);
        case RMSPROP_EPS_INSIDE: return pass<T, RmsProp<T, true>>(t, u, bad);
        case ADAM: return pass<T, Adam<T>>(t, u, bad);
        case NADAM: return pass<T, NAdam<T>>(t, u, bad);
        case AMSGRAD: return pass<T, AmsGrad<T, false>>(t, u, bad);
        case AMSGRAD_CORRECTED: return pass<T, AmsGrad<T, true>>(t, u, bad);
        case LION: return pass<T, Lion<T>>(t, u, bad);
        default: return pass<T, Sgd<T>>(t, u, bad);
    }
}

}  // namespace trainlab::TRAINLAB_ISA
