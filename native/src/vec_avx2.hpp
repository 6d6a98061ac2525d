// AVX2 with FMA: 8 floats or 4 doubles.

#pragma once

#include <immintrin.h>

namespace trainlab::TRAINLAB_ISA {

template <class T>
struct Register {
    typedef T type __attribute__((vector_size(32)));
};

TRAINLAB_INLINE Vec<float> broadcast(float x) { return {_mm256_set1_ps(x)}; }
TRAINLAB_INLINE Vec<double> broadcast(double x) { return {_mm256_set1_pd(x)}; }

template <>
TRAINLAB_INLINE Mask<float> first<float>(int n) {
    return {decltype(Mask<float>::m){0, 1, 2, 3, 4, 5, 6, 7} < n};
}
template <>
TRAINLAB_INLINE Mask<double> first<double>(int n) {
    return {decltype(Mask<double>::m){0, 1, 2, 3} < n};
}

TRAINLAB_INLINE Vec<float> load_part(const float* p, int n) {
    return {_mm256_maskload_ps(p, reinterpret_cast<__m256i>(first<float>(n).m))};
}
TRAINLAB_INLINE Vec<double> load_part(const double* p, int n) {
    return {_mm256_maskload_pd(p, reinterpret_cast<__m256i>(first<double>(n).m))};
}
TRAINLAB_INLINE void store_part(float* p, Vec<float> a, int n) {
    _mm256_maskstore_ps(p, reinterpret_cast<__m256i>(first<float>(n).m), a.v);
}
TRAINLAB_INLINE void store_part(double* p, Vec<double> a, int n) {
    _mm256_maskstore_pd(p, reinterpret_cast<__m256i>(first<double>(n).m), a.v);
}

TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
TRAINLAB_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.v, b.v)}; }
TRAINLAB_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm256_min_pd(a.v, b.v)}; }

TRAINLAB_INLINE int count(Mask<float> mask) {
    const int bits = _mm256_movemask_ps(reinterpret_cast<__m256>(mask.m));
    return _mm_popcnt_u32(static_cast<unsigned>(bits));
}
TRAINLAB_INLINE int count(Mask<double> mask) {
    const int bits = _mm256_movemask_pd(reinterpret_cast<__m256d>(mask.m));
    return _mm_popcnt_u32(static_cast<unsigned>(bits));
}

template <class Operation>
TRAINLAB_INLINE float fold(Vec<float> a, Operation of) {
    const __m128 four = of(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 two = of(four, _mm_movehl_ps(four, four));
    return of(two[0], two[1]);
}
template <class Operation>
TRAINLAB_INLINE double fold(Vec<double> a, Operation of) {
    const __m128d two = of(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return of(two[0], two[1]);
}

TRAINLAB_INLINE void interleave(Vec<float>& a, Vec<float>& b) {
    const __m256 low = _mm256_unpacklo_ps(a.v, b.v), high = _mm256_unpackhi_ps(a.v, b.v);
    a.v = _mm256_permute2f128_ps(low, high, 0x20);
    b.v = _mm256_permute2f128_ps(low, high, 0x31);
}
TRAINLAB_INLINE void interleave(Vec<double>& a, Vec<double>& b) {
    const __m256d low = _mm256_unpacklo_pd(a.v, b.v), high = _mm256_unpackhi_pd(a.v, b.v);
    a.v = _mm256_permute2f128_pd(low, high, 0x20);
    b.v = _mm256_permute2f128_pd(low, high, 0x31);
}

}  // namespace trainlab::TRAINLAB_ISA
