// Vectors of one number, for every processor: the definition of what the others must give.
// fma is libm's, where the processor has no instruction for it or the compiler may not use it.

#pragma once

#include <cmath>

namespace trainlab::TRAINLAB_ISA {

template <class T>
struct Register {
    using type = T;
};

template <class T>
TRAINLAB_INLINE Vec<T> broadcast(T x) {
    return {x};
}

TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {::sqrtf(a.v)}; }
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {::sqrt(a.v)}; }

TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {::fmaf(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {::fma(a.v, b.v, c.v)};
}

template <class T>
TRAINLAB_INLINE Mask<T> first(int n) {
    return {n > 0};
}

template <class T>
TRAINLAB_INLINE int count(Mask<T> mask) {
    return mask.m;
}

template <class T, class Operation>
TRAINLAB_INLINE T fold(Vec<T> a, Operation) {
    return a.v;
}

template <class T>
TRAINLAB_INLINE void interleave(Vec<T>&, Vec<T>&) {}

}  // namespace trainlab::TRAINLAB_ISA
