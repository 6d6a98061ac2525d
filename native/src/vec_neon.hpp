// NEON on 64-bit Arm: 4 floats or 2 doubles.  Run under emulation alone (native/tests/run.py).

#pragma once

#include <arm_neon.h>

namespace trainlab::TRAINLAB_ISA {

template <class T>
TRAINLAB_INLINE Mask<T> first(int n);
template <class T>
TRAINLAB_INLINE Vec<T> from_bits(Bits<T> b);
template <class T>
TRAINLAB_INLINE Bits<T> broadcast_bits(typename Format<T>::Integer n);

// ---- float ----

template <>
struct Vec<float> {
    static constexpr int width = 4;
    float32x4_t v;
};

template <>
struct Mask<float> {
    uint32x4_t m;  // all bits of a number, or none
};

template <>
struct Bits<float> {
    uint32x4_t i;
};

template <>
TRAINLAB_INLINE Mask<float> first<float>(int n) {
    const int32_t lanes[4] = {0, 1, 2, 3};
    return {vcgtq_s32(vdupq_n_s32(n), vld1q_s32(lanes))};
}

TRAINLAB_INLINE Vec<float> load(const float* p) { return {vld1q_f32(p)}; }
TRAINLAB_INLINE Vec<float> load_unaligned(const float* p) { return {vld1q_f32(p)}; }
TRAINLAB_INLINE Vec<float> load_part(const float* p, int n) {
    float part[4] = {};
    for (int i = 0; i < 4 && i < n; ++i) part[i] = p[i];
    return {vld1q_f32(part)};
}
TRAINLAB_INLINE void store(float* p, Vec<float> a) { vst1q_f32(p, a.v); }
TRAINLAB_INLINE void store_unaligned(float* p, Vec<float> a) { vst1q_f32(p, a.v); }
TRAINLAB_INLINE void store_part(float* p, Vec<float> a, int n) {
    float part[4];
    vst1q_f32(part, a.v);
    for (int i = 0; i < 4 && i < n; ++i) p[i] = part[i];
}
TRAINLAB_INLINE Vec<float> broadcast(float x) { return {vdupq_n_f32(x)}; }

TRAINLAB_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {vaddq_f32(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {vsubq_f32(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {vmulq_f32(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {vdivq_f32(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {vfmaq_f32(c.v, a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> fnma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {vfmsq_f32(c.v, a.v, b.v)};
}
// Arm's own maximum and minimum treat NaN and zeros differently.
TRAINLAB_INLINE Vec<float> max(Vec<float> a, Vec<float> b) {
    return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> min(Vec<float> a, Vec<float> b) {
    return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)};
}

TRAINLAB_INLINE Mask<float> operator<(Vec<float> a, Vec<float> b) { return {vcltq_f32(a.v, b.v)}; }
TRAINLAB_INLINE Mask<float> operator<=(Vec<float> a, Vec<float> b) { return {vcleq_f32(a.v, b.v)}; }
TRAINLAB_INLINE Mask<float> operator==(Vec<float> a, Vec<float> b) { return {vceqq_f32(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> select(Mask<float> mask, Vec<float> a, Vec<float> b) {
    return {vbslq_f32(mask.m, a.v, b.v)};
}
TRAINLAB_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) {
    return {vandq_u32(a.m, b.m)};
}
TRAINLAB_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) {
    return {vorrq_u32(a.m, b.m)};
}
TRAINLAB_INLINE Mask<float> operator~(Mask<float> a) {
    return {veorq_u32(a.m, vdupq_n_u32(~std::uint32_t(0)))};
}
TRAINLAB_INLINE Mask<float> is_nan(Vec<float> a) { return ~(a == a); }
TRAINLAB_INLINE int count(Mask<float> mask) {
    return static_cast<int>(vaddvq_u32(vshrq_n_u32(mask.m, 31)));
}
TRAINLAB_INLINE bool any(Mask<float> mask) { return count(mask) != 0; }

TRAINLAB_INLINE Bits<float> bits_of(Vec<float> a) { return {vreinterpretq_u32_f32(a.v)}; }
template <>
TRAINLAB_INLINE Vec<float> from_bits<float>(Bits<float> b) {
    return {vreinterpretq_f32_u32(b.i)};
}
template <>
TRAINLAB_INLINE Bits<float> broadcast_bits<float>(std::uint32_t n) {
    return {vdupq_n_u32(n)};
}
TRAINLAB_INLINE Bits<float> operator+(Bits<float> a, Bits<float> b) {
    return {vaddq_u32(a.i, b.i)};
}
TRAINLAB_INLINE Bits<float> operator-(Bits<float> a, Bits<float> b) {
    return {vsubq_u32(a.i, b.i)};
}
TRAINLAB_INLINE Bits<float> operator&(Bits<float> a, Bits<float> b) {
    return {vandq_u32(a.i, b.i)};
}
TRAINLAB_INLINE Bits<float> operator|(Bits<float> a, Bits<float> b) {
    return {vorrq_u32(a.i, b.i)};
}
TRAINLAB_INLINE Bits<float> operator^(Bits<float> a, Bits<float> b) {
    return {veorq_u32(a.i, b.i)};
}
template <int n>
TRAINLAB_INLINE Bits<float> shift_left(Bits<float> a) {
    return {vshlq_n_u32(a.i, n)};
}
template <int n>
TRAINLAB_INLINE Bits<float> shift_right(Bits<float> a) {
    return {vshrq_n_u32(a.i, n)};
}

// ---- double ----

template <>
struct Vec<double> {
    static constexpr int width = 2;
    float64x2_t v;
};

template <>
struct Mask<double> {
    uint64x2_t m;  // all bits of a number, or none
};

template <>
struct Bits<double> {
    uint64x2_t i;
};

template <>
TRAINLAB_INLINE Mask<double> first<double>(int n) {
    const int64_t lanes[2] = {0, 1};
    return {vcgtq_s64(vdupq_n_s64(n), vld1q_s64(lanes))};
}

TRAINLAB_INLINE Vec<double> load(const double* p) { return {vld1q_f64(p)}; }
TRAINLAB_INLINE Vec<double> load_unaligned(const double* p) { return {vld1q_f64(p)}; }
TRAINLAB_INLINE Vec<double> load_part(const double* p, int n) {
    double part[2] = {};
    for (int i = 0; i < 2 && i < n; ++i) part[i] = p[i];
    return {vld1q_f64(part)};
}
TRAINLAB_INLINE void store(double* p, Vec<double> a) { vst1q_f64(p, a.v); }
TRAINLAB_INLINE void store_unaligned(double* p, Vec<double> a) { vst1q_f64(p, a.v); }
TRAINLAB_INLINE void store_part(double* p, Vec<double> a, int n) {
    double part[2];
    vst1q_f64(part, a.v);
    for (int i = 0; i < 2 && i < n; ++i) p[i] = part[i];
}
TRAINLAB_INLINE Vec<double> broadcast(double x) { return {vdupq_n_f64(x)}; }

TRAINLAB_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) {
    return {vaddq_f64(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) {
    return {vsubq_f64(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) {
    return {vmulq_f64(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) {
    return {vdivq_f64(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.v)}; }
TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {vfmaq_f64(c.v, a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> fnma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {vfmsq_f64(c.v, a.v, b.v)};
}
// Arm's own maximum and minimum treat NaN and zeros differently.
TRAINLAB_INLINE Vec<double> max(Vec<double> a, Vec<double> b) {
    return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> min(Vec<double> a, Vec<double> b) {
    return {vbslq_f64(vcltq_f64(a.v, b.v), a.v, b.v)};
}

TRAINLAB_INLINE Mask<double> operator<(Vec<double> a, Vec<double> b) {
    return {vcltq_f64(a.v, b.v)};
}
TRAINLAB_INLINE Mask<double> operator<=(Vec<double> a, Vec<double> b) {
    return {vcleq_f64(a.v, b.v)};
}
TRAINLAB_INLINE Mask<double> operator==(Vec<double> a, Vec<double> b) {
    return {vceqq_f64(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> select(Mask<double> mask, Vec<double> a, Vec<double> b) {
    return {vbslq_f64(mask.m, a.v, b.v)};
}
TRAINLAB_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) {
    return {vandq_u64(a.m, b.m)};
}
TRAINLAB_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) {
    return {vorrq_u64(a.m, b.m)};
}
TRAINLAB_INLINE Mask<double> operator~(Mask<double> a) {
    return {veorq_u64(a.m, vdupq_n_u64(~std::uint64_t(0)))};
}
TRAINLAB_INLINE Mask<double> is_nan(Vec<double> a) { return ~(a == a); }
TRAINLAB_INLINE int count(Mask<double> mask) {
    return static_cast<int>(vaddvq_u64(vshrq_n_u64(mask.m, 63)));
}
TRAINLAB_INLINE bool any(Mask<double> mask) { return count(mask) != 0; }

TRAINLAB_INLINE Bits<double> bits_of(Vec<double> a) { return {vreinterpretq_u64_f64(a.v)}; }
template <>
TRAINLAB_INLINE Vec<double> from_bits<double>(Bits<double> b) {
    return {vreinterpretq_f64_u64(b.i)};
}
template <>
TRAINLAB_INLINE Bits<double> broadcast_bits<double>(std::uint64_t n) {
    return {vdupq_n_u64(n)};
}
TRAINLAB_INLINE Bits<double> operator+(Bits<double> a, Bits<double> b) {
    return {vaddq_u64(a.i, b.i)};
}
TRAINLAB_INLINE Bits<double> operator-(Bits<double> a, Bits<double> b) {
    return {vsubq_u64(a.i, b.i)};
}
TRAINLAB_INLINE Bits<double> operator&(Bits<double> a, Bits<double> b) {
    return {vandq_u64(a.i, b.i)};
}
TRAINLAB_INLINE Bits<double> operator|(Bits<double> a, Bits<double> b) {
    return {vorrq_u64(a.i, b.i)};
}
TRAINLAB_INLINE Bits<double> operator^(Bits<double> a, Bits<double> b) {
    return {veorq_u64(a.i, b.i)};
}
template <int n>
TRAINLAB_INLINE Bits<double> shift_left(Bits<double> a) {
    return {vshlq_n_u64(a.i, n)};
}
template <int n>
TRAINLAB_INLINE Bits<double> shift_right(Bits<double> a) {
    return {vshrq_n_u64(a.i, n)};
}

// ---- both ----

TRAINLAB_INLINE float sum_lanes(Vec<float> a) {
    const float32x2_t two = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

TRAINLAB_INLINE double sum_lanes(Vec<double> a) {
    return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1);
}

TRAINLAB_INLINE float max_lanes(Vec<float> a) {
    const float32x2_t low = vget_low_f32(a.v), high = vget_high_f32(a.v);
    const float32x2_t two = vbsl_f32(vcgt_f32(low, high), low, high);
    const float even = vget_lane_f32(two, 0), odd = vget_lane_f32(two, 1);
    return even > odd ? even : odd;
}

TRAINLAB_INLINE double max_lanes(Vec<double> a) {
    const double even = vgetq_lane_f64(a.v, 0), odd = vgetq_lane_f64(a.v, 1);
    return even > odd ? even : odd;
}

// a0 b0 a1 b1 ...: the first half, and the second.
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
