// AVX-512 (F and DQ): 16 floats or 8 doubles.

#pragma once

// GCC 12 takes an operand that its own header leaves undefined on purpose for a mistake of ours.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace trainlab::TRAINLAB_ISA {

template <class T>
struct Register {
    typedef T type __attribute__((vector_size(64)));
};

template <>
struct Mask<float> {
    __mmask16 m;  // one bit for each number
};

template <>
struct Mask<double> {
    __mmask8 m;
};

TRAINLAB_INLINE Vec<float> broadcast(float x) { return {_mm512_set1_ps(x)}; }
TRAINLAB_INLINE Vec<double> broadcast(double x) { return {_mm512_set1_pd(x)}; }

template <>
TRAINLAB_INLINE Mask<float> first<float>(int n) {
    return {static_cast<__mmask16>(n >= 16 ? 0xffff : n > 0 ? (1 << n) - 1 : 0)};
}
template <>
TRAINLAB_INLINE Mask<double> first<double>(int n) {
    return {static_cast<__mmask8>(n >= 8 ? 0xff : n > 0 ? (1 << n) - 1 : 0)};
}

TRAINLAB_INLINE Vec<float> load_part(const float* p, int n) {
    return {_mm512_maskz_loadu_ps(first<float>(n).m, p)};
}
TRAINLAB_INLINE Vec<double> load_part(const double* p, int n) {
    return {_mm512_maskz_loadu_pd(first<double>(n).m, p)};
}
TRAINLAB_INLINE void store_part(float* p, Vec<float> a, int n) {
    _mm512_mask_storeu_ps(p, first<float>(n).m, a.v);
}
TRAINLAB_INLINE void store_part(double* p, Vec<double> a, int n) {
    _mm512_mask_storeu_pd(p, first<double>(n).m, a.v);
}

TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm512_sqrt_ps(a.v)}; }
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm512_sqrt_pd(a.v)}; }
TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
TRAINLAB_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(a.v, b.v)}; }
TRAINLAB_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm512_min_pd(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> scale(Vec<float> a, Vec<float> n) {
    return {_mm512_scalef_ps(a.v, n.v)};
}
TRAINLAB_INLINE Vec<double> scale(Vec<double> a, Vec<double> n) {
    return {_mm512_scalef_pd(a.v, n.v)};
}

TRAINLAB_INLINE Mask<float> operator<(Vec<float> a, Vec<float> b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
TRAINLAB_INLINE Mask<double> operator<(Vec<double> a, Vec<double> b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)};
}
TRAINLAB_INLINE Mask<float> operator<=(Vec<float> a, Vec<float> b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
TRAINLAB_INLINE Mask<double> operator<=(Vec<double> a, Vec<double> b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)};
}
TRAINLAB_INLINE Mask<float> operator==(Vec<float> a, Vec<float> b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
TRAINLAB_INLINE Mask<double> operator==(Vec<double> a, Vec<double> b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)};
}
TRAINLAB_INLINE Mask<float> is_nan(Vec<float> a) {
    return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)};
}
TRAINLAB_INLINE Mask<double> is_nan(Vec<double> a) {
    return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)};
}
TRAINLAB_INLINE Vec<float> select(Mask<float> mask, Vec<float> a, Vec<float> b) {
    return {_mm512_mask_blend_ps(mask.m, b.v, a.v)};
}
TRAINLAB_INLINE Vec<double> select(Mask<double> mask, Vec<double> a, Vec<double> b) {
    return {_mm512_mask_blend_pd(mask.m, b.v, a.v)};
}
TRAINLAB_INLINE Mask<float> operator~(Mask<float> a) { return {static_cast<__mmask16>(~a.m)}; }
TRAINLAB_INLINE Mask<double> operator~(Mask<double> a) { return {static_cast<__mmask8>(~a.m)}; }

template <class T>
TRAINLAB_INLINE int count(Mask<T> mask) {
    return static_cast<int>(_mm_popcnt_u32(mask.m));
}

template <class Operation>
TRAINLAB_INLINE float fold(Vec<float> a, Operation of) {
    const __m256 eight = of(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 four = of(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = of(four, _mm_movehl_ps(four, four));
    return of(two[0], two[1]);
}
template <class Operation>
TRAINLAB_INLINE double fold(Vec<double> a, Operation of) {
    const __m256d four = of(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d two = of(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return of(two[0], two[1]);
}

TRAINLAB_INLINE Index list_numbers(Vec<float> a, std::int32_t place, std::int32_t* places,
                                   float* values) {
    const __mmask16 chosen = _mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i own = _mm512_add_epi32(lanes, _mm512_set1_epi32(place));
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi32(chosen, own));
    _mm512_storeu_ps(values, _mm512_maskz_compress_ps(chosen, a.v));
    return static_cast<Index>(_mm_popcnt_u32(chosen));
}
TRAINLAB_INLINE Index list_numbers(Vec<double> a, std::int32_t place, std::int32_t* places,
                                   double* values) {
    const __mmask8 chosen = _mm512_cmp_pd_mask(a.v, _mm512_setzero_pd(), _CMP_NEQ_UQ);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i own = _mm256_add_epi32(lanes, _mm256_set1_epi32(place));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(places),
                        _mm256_maskz_compress_epi32(chosen, own));
    _mm512_storeu_pd(values, _mm512_maskz_compress_pd(chosen, a.v));
    return static_cast<Index>(_mm_popcnt_u32(chosen));
}

TRAINLAB_INLINE void interleave(Vec<float>& a, Vec<float>& b) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    const __m512 first = _mm512_permutex2var_ps(a.v, low, b.v);
    b.v = _mm512_permutex2var_ps(a.v, high, b.v);
    a.v = first;
}
TRAINLAB_INLINE void interleave(Vec<double>& a, Vec<double>& b) {
    const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i high = _mm512_add_epi64(low, _mm512_set1_epi64(4));
    const __m512d first = _mm512_permutex2var_pd(a.v, low, b.v);
    b.v = _mm512_permutex2var_pd(a.v, high, b.v);
    a.v = first;
}

}  // namespace trainlab::TRAINLAB_ISA
