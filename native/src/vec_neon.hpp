// NEON on 64-bit Arm: 4 floats or 2 doubles.  Run under emulation alone (native/tests/run.py).
// Its own maximum and minimum treat NaN and zeros differently: ours select.

#pragma once

#include <arm_neon.h>

namespace trainlab::TRAINLAB_ISA {

template <class T>
struct Register {
    typedef T type __attribute__((vector_size(16)));
};

TRAINLAB_INLINE Vec<float> broadcast(float x) { return {vdupq_n_f32(x)}; }
TRAINLAB_INLINE Vec<double> broadcast(double x) { return {vdupq_n_f64(x)}; }

template <>
TRAINLAB_INLINE Mask<float> first<float>(int n) {
    return {decltype(Mask<float>::m){0, 1, 2, 3} < n};
}
template <>
TRAINLAB_INLINE Mask<double> first<double>(int n) {
    return {decltype(Mask<double>::m){0, 1} < n};
}

TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.v)}; }
TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {vfmaq_f32(c.v, a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {vfmaq_f64(c.v, a.v, b.v)};
}

TRAINLAB_INLINE int count(Mask<float> mask) {
    return -vaddvq_s32(reinterpret_cast<int32x4_t>(mask.m));
}
TRAINLAB_INLINE int count(Mask<double> mask) {
    return -static_cast<int>(vaddvq_s64(reinterpret_cast<int64x2_t>(mask.m)));
}

template <class Operation>
TRAINLAB_INLINE float fold(Vec<float> a, Operation of) {
    const float32x2_t two = of(vget_low_f32(a.v), vget_high_f32(a.v));
    return of(two[0], two[1]);
}
template <class Operation>
TRAINLAB_INLINE double fold(Vec<double> a, Operation of) {
    return of(a.v[0], a.v[1]);
}

TRAINLAB_INLINE void interleave(Vec<float>& a, Vec<float>& b) {
    const float32x4_t first = vzip1q_f32(a.v, b.v);
    b.v = vzip2q_f32(a.v, b.v);
    a.v = first;
}
TRAINLAB_INLINE void interleave(Vec<double>& a, Vec<double>& b) {
    const float64x2_t first = vzip1q_f64(a.v, b.v);
    b.v = vzip2q_f64(a.v, b.v);
    a.v = first;
}

}  // namespace trainlab::TRAINLAB_ISA
