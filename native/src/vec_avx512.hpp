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
TRAINLAB_INLINE Mask<T> first(int n);
template <class T>
TRAINLAB_INLINE Vec<T> from_bits(Bits<T> b);
template <class T>
TRAINLAB_INLINE Bits<T> broadcast_bits(typename Format<T>::Integer n);

// ---- float ----

template <>
struct Vec<float> {
    static constexpr int width = 16;
    __m512 v;
};

template <>
struct Mask<float> {
    __mmask16 m;
};

template <>
struct Bits<float> {
    __m512i i;
};

template <>
TRAINLAB_INLINE Mask<float> first<float>(int n) {
    return {static_cast<__mmask16>(n >= 16 ? 0xffff : n > 0 ? (1 << n) - 1 : 0)};
}

TRAINLAB_INLINE Vec<float> load(const float* p) { return {_mm512_load_ps(p)}; }
TRAINLAB_INLINE Vec<float> load_unaligned(const float* p) { return {_mm512_loadu_ps(p)}; }
TRAINLAB_INLINE Vec<float> load_part(const float* p, int n) {
    return {_mm512_maskz_loadu_ps(first<float>(n).m, p)};
}
TRAINLAB_INLINE void store(float* p, Vec<float> a) { _mm512_store_ps(p, a.v); }
TRAINLAB_INLINE void store_unaligned(float* p, Vec<float> a) { _mm512_storeu_ps(p, a.v); }
TRAINLAB_INLINE void store_part(float* p, Vec<float> a, int n) {
    _mm512_mask_storeu_ps(p, first<float>(n).m, a.v);
}
TRAINLAB_INLINE Vec<float> broadcast(float x) { return {_mm512_set1_ps(x)}; }

TRAINLAB_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) {
    return {_mm512_add_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) {
    return {_mm512_sub_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) {
    return {_mm512_mul_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) {
    return {_mm512_div_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm512_sqrt_ps(a.v)}; }
TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<float> fnma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(a.v, b.v)}; }

TRAINLAB_INLINE Mask<float> operator<(Vec<float> a, Vec<float> b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
TRAINLAB_INLINE Mask<float> operator<=(Vec<float> a, Vec<float> b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
TRAINLAB_INLINE Mask<float> operator==(Vec<float> a, Vec<float> b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
TRAINLAB_INLINE Mask<float> is_nan(Vec<float> a) {
    return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)};
}
TRAINLAB_INLINE Vec<float> select(Mask<float> mask, Vec<float> a, Vec<float> b) {
    return {_mm512_mask_blend_ps(mask.m, b.v, a.v)};
}

TRAINLAB_INLINE Bits<float> bits_of(Vec<float> a) { return {_mm512_castps_si512(a.v)}; }
template <>
TRAINLAB_INLINE Vec<float> from_bits<float>(Bits<float> b) {
    return {_mm512_castsi512_ps(b.i)};
}
template <>
TRAINLAB_INLINE Bits<float> broadcast_bits<float>(std::uint32_t n) {
    return {_mm512_set1_epi32(static_cast<int>(n))};
}
TRAINLAB_INLINE Bits<float> operator+(Bits<float> a, Bits<float> b) {
    return {_mm512_add_epi32(a.i, b.i)};
}
TRAINLAB_INLINE Bits<float> operator-(Bits<float> a, Bits<float> b) {
    return {_mm512_sub_epi32(a.i, b.i)};
}
template <int n>
TRAINLAB_INLINE Bits<float> shift_left(Bits<float> a) {
    return {_mm512_slli_epi32(a.i, n)};
}
template <int n>
TRAINLAB_INLINE Bits<float> shift_right(Bits<float> a) {
    return {_mm512_srli_epi32(a.i, n)};
}

TRAINLAB_INLINE Vec<float> scale(Vec<float> a, Vec<float> n) {
    return {_mm512_scalef_ps(a.v, n.v)};
}

// ---- double ----

template <>
struct Vec<double> {
    static constexpr int width = 8;
    __m512d v;
};

template <>
struct Mask<double> {
    __mmask8 m;
};

template <>
struct Bits<double> {
    __m512i i;
};

template <>
TRAINLAB_INLINE Mask<double> first<double>(int n) {
    return {static_cast<__mmask8>(n >= 8 ? 0xff : n > 0 ? (1 << n) - 1 : 0)};
}

TRAINLAB_INLINE Vec<double> load(const double* p) { return {_mm512_load_pd(p)}; }
TRAINLAB_INLINE Vec<double> load_unaligned(const double* p) { return {_mm512_loadu_pd(p)}; }
TRAINLAB_INLINE Vec<double> load_part(const double* p, int n) {
    return {_mm512_maskz_loadu_pd(first<double>(n).m, p)};
}
TRAINLAB_INLINE void store(double* p, Vec<double> a) { _mm512_store_pd(p, a.v); }
TRAINLAB_INLINE void store_unaligned(double* p, Vec<double> a) { _mm512_storeu_pd(p, a.v); }
TRAINLAB_INLINE void store_part(double* p, Vec<double> a, int n) {
    _mm512_mask_storeu_pd(p, first<double>(n).m, a.v);
}
TRAINLAB_INLINE Vec<double> broadcast(double x) { return {_mm512_set1_pd(x)}; }

TRAINLAB_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) {
    return {_mm512_add_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) {
    return {_mm512_sub_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) {
    return {_mm512_mul_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) {
    return {_mm512_div_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm512_sqrt_pd(a.v)}; }
TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<double> fnma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {_mm512_fnmadd_pd(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
TRAINLAB_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm512_min_pd(a.v, b.v)}; }

TRAINLAB_INLINE Mask<double> operator<(Vec<double> a, Vec<double> b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)};
}
TRAINLAB_INLINE Mask<double> operator<=(Vec<double> a, Vec<double> b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)};
}
TRAINLAB_INLINE Mask<double> operator==(Vec<double> a, Vec<double> b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)};
}
TRAINLAB_INLINE Mask<double> is_nan(Vec<double> a) {
    return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)};
}
TRAINLAB_INLINE Vec<double> select(Mask<double> mask, Vec<double> a, Vec<double> b) {
    return {_mm512_mask_blend_pd(mask.m, b.v, a.v)};
}

TRAINLAB_INLINE Bits<double> bits_of(Vec<double> a) { return {_mm512_castpd_si512(a.v)}; }
template <>
TRAINLAB_INLINE Vec<double> from_bits<double>(Bits<double> b) {
    return {_mm512_castsi512_pd(b.i)};
}
template <>
TRAINLAB_INLINE Bits<double> broadcast_bits<double>(std::uint64_t n) {
    return {_mm512_set1_epi64(static_cast<long long>(n))};
}
TRAINLAB_INLINE Bits<double> operator+(Bits<double> a, Bits<double> b) {
    return {_mm512_add_epi64(a.i, b.i)};
}
TRAINLAB_INLINE Bits<double> operator-(Bits<double> a, Bits<double> b) {
    return {_mm512_sub_epi64(a.i, b.i)};
}
template <int n>
TRAINLAB_INLINE Bits<double> shift_left(Bits<double> a) {
    return {_mm512_slli_epi64(a.i, n)};
}
template <int n>
TRAINLAB_INLINE Bits<double> shift_right(Bits<double> a) {
    return {_mm512_srli_epi64(a.i, n)};
}

TRAINLAB_INLINE Vec<double> scale(Vec<double> a, Vec<double> n) {
    return {_mm512_scalef_pd(a.v, n.v)};
}

// ---- both ----

template <class T>
TRAINLAB_INLINE Mask<T> operator&(Mask<T> a, Mask<T> b) {
    return {static_cast<decltype(a.m)>(a.m & b.m)};
}
template <class T>
TRAINLAB_INLINE Mask<T> operator|(Mask<T> a, Mask<T> b) {
    return {static_cast<decltype(a.m)>(a.m | b.m)};
}
template <class T>
TRAINLAB_INLINE Mask<T> operator~(Mask<T> a) {
    return {static_cast<decltype(a.m)>(~a.m)};
}
template <class T>
TRAINLAB_INLINE bool any(Mask<T> mask) {
    return mask.m != 0;
}
template <class T>
TRAINLAB_INLINE int count(Mask<T> mask) {
    return static_cast<int>(_mm_popcnt_u32(mask.m));
}

template <class T>
TRAINLAB_INLINE Bits<T> operator&(Bits<T> a, Bits<T> b) {
    return {_mm512_and_si512(a.i, b.i)};
}
template <class T>
TRAINLAB_INLINE Bits<T> operator|(Bits<T> a, Bits<T> b) {
    return {_mm512_or_si512(a.i, b.i)};
}
template <class T>
TRAINLAB_INLINE Bits<T> operator^(Bits<T> a, Bits<T> b) {
    return {_mm512_xor_si512(a.i, b.i)};
}

TRAINLAB_INLINE float sum_lanes(Vec<float> a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

TRAINLAB_INLINE double sum_lanes(Vec<double> a) {
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

TRAINLAB_INLINE float max_lanes(Vec<float> a) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

TRAINLAB_INLINE double max_lanes(Vec<double> a) {
    const __m256d four = _mm256_max_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d two = _mm_max_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_max_sd(two, _mm_unpackhi_pd(two, two)));
}

// a0 b0 a1 b1 ...: the first half, and the second.
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
