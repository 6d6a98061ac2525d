// AVX2 with FMA: 8 floats or 4 doubles.

#pragma once

#include <immintrin.h>

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
    static constexpr int width = 8;
    __m256 v;
};

template <>
struct Mask<float> {
    __m256 m;  // all bits of a number, or none
};

template <>
struct Bits<float> {
    __m256i i;
};

template <>
TRAINLAB_INLINE Mask<float> first<float>(int n) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes))};
}

TRAINLAB_INLINE Vec<float> load(const float* p) { return {_mm256_load_ps(p)}; }
TRAINLAB_INLINE Vec<float> load_unaligned(const float* p) { return {_mm256_loadu_ps(p)}; }
TRAINLAB_INLINE Vec<float> load_part(const float* p, int n) {
    return {_mm256_maskload_ps(p, _mm256_castps_si256(first<float>(n).m))};
}
TRAINLAB_INLINE void store(float* p, Vec<float> a) { _mm256_store_ps(p, a.v); }
TRAINLAB_INLINE void store_unaligned(float* p, Vec<float> a) { _mm256_storeu_ps(p, a.v); }
TRAINLAB_INLINE void store_part(float* p, Vec<float> a, int n) {
    _mm256_maskstore_ps(p, _mm256_castps_si256(first<float>(n).m), a.v);
}
TRAINLAB_INLINE Vec<float> broadcast(float x) { return {_mm256_set1_ps(x)}; }

TRAINLAB_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) {
    return {_mm256_add_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) {
    return {_mm256_sub_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) {
    return {_mm256_mul_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) {
    return {_mm256_div_ps(a.v, b.v)};
}
TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<float> fnma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {_mm256_fnmadd_ps(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
TRAINLAB_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.v, b.v)}; }

TRAINLAB_INLINE Mask<float> operator<(Vec<float> a, Vec<float> b) {
    return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)};
}
TRAINLAB_INLINE Mask<float> operator<=(Vec<float> a, Vec<float> b) {
    return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)};
}
TRAINLAB_INLINE Mask<float> operator==(Vec<float> a, Vec<float> b) {
    return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)};
}
TRAINLAB_INLINE Mask<float> is_nan(Vec<float> a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
TRAINLAB_INLINE Vec<float> select(Mask<float> mask, Vec<float> a, Vec<float> b) {
    return {_mm256_blendv_ps(b.v, a.v, mask.m)};
}
TRAINLAB_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) {
    return {_mm256_and_ps(a.m, b.m)};
}
TRAINLAB_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) {
    return {_mm256_or_ps(a.m, b.m)};
}
TRAINLAB_INLINE Mask<float> operator~(Mask<float> a) {
    return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
TRAINLAB_INLINE bool any(Mask<float> mask) { return _mm256_movemask_ps(mask.m) != 0; }
TRAINLAB_INLINE int count(Mask<float> mask) {
    return _mm_popcnt_u32(static_cast<unsigned>(_mm256_movemask_ps(mask.m)));
}

TRAINLAB_INLINE Bits<float> bits_of(Vec<float> a) { return {_mm256_castps_si256(a.v)}; }
template <>
TRAINLAB_INLINE Vec<float> from_bits<float>(Bits<float> b) {
    return {_mm256_castsi256_ps(b.i)};
}
template <>
TRAINLAB_INLINE Bits<float> broadcast_bits<float>(std::uint32_t n) {
    return {_mm256_set1_epi32(static_cast<int>(n))};
}
TRAINLAB_INLINE Bits<float> operator+(Bits<float> a, Bits<float> b) {
    return {_mm256_add_epi32(a.i, b.i)};
}
TRAINLAB_INLINE Bits<float> operator-(Bits<float> a, Bits<float> b) {
    return {_mm256_sub_epi32(a.i, b.i)};
}
template <int n>
TRAINLAB_INLINE Bits<float> shift_left(Bits<float> a) {
    return {_mm256_slli_epi32(a.i, n)};
}
template <int n>
TRAINLAB_INLINE Bits<float> shift_right(Bits<float> a) {
    return {_mm256_srli_epi32(a.i, n)};
}

// ---- double ----

template <>
struct Vec<double> {
    static constexpr int width = 4;
    __m256d v;
};

template <>
struct Mask<double> {
    __m256d m;  // all bits of a number, or none
};

template <>
struct Bits<double> {
    __m256i i;
};

template <>
TRAINLAB_INLINE Mask<double> first<double>(int n) {
    const __m256i lanes = _mm256_setr_epi64x(0, 1, 2, 3);
    return {_mm256_castsi256_pd(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lanes))};
}

TRAINLAB_INLINE Vec<double> load(const double* p) { return {_mm256_load_pd(p)}; }
TRAINLAB_INLINE Vec<double> load_unaligned(const double* p) { return {_mm256_loadu_pd(p)}; }
TRAINLAB_INLINE Vec<double> load_part(const double* p, int n) {
    return {_mm256_maskload_pd(p, _mm256_castpd_si256(first<double>(n).m))};
}
TRAINLAB_INLINE void store(double* p, Vec<double> a) { _mm256_store_pd(p, a.v); }
TRAINLAB_INLINE void store_unaligned(double* p, Vec<double> a) { _mm256_storeu_pd(p, a.v); }
TRAINLAB_INLINE void store_part(double* p, Vec<double> a, int n) {
    _mm256_maskstore_pd(p, _mm256_castpd_si256(first<double>(n).m), a.v);
}
TRAINLAB_INLINE Vec<double> broadcast(double x) { return {_mm256_set1_pd(x)}; }

TRAINLAB_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) {
    return {_mm256_add_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) {
    return {_mm256_sub_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) {
    return {_mm256_mul_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) {
    return {_mm256_div_pd(a.v, b.v)};
}
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<double> fnma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {_mm256_fnmadd_pd(a.v, b.v, c.v)};
}
TRAINLAB_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.v, b.v)}; }
TRAINLAB_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm256_min_pd(a.v, b.v)}; }

TRAINLAB_INLINE Mask<double> operator<(Vec<double> a, Vec<double> b) {
    return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)};
}
TRAINLAB_INLINE Mask<double> operator<=(Vec<double> a, Vec<double> b) {
    return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)};
}
TRAINLAB_INLINE Mask<double> operator==(Vec<double> a, Vec<double> b) {
    return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)};
}
TRAINLAB_INLINE Mask<double> is_nan(Vec<double> a) {
    return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)};
}
TRAINLAB_INLINE Vec<double> select(Mask<double> mask, Vec<double> a, Vec<double> b) {
    return {_mm256_blendv_pd(b.v, a.v, mask.m)};
}
TRAINLAB_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) {
    return {_mm256_and_pd(a.m, b.m)};
}
TRAINLAB_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) {
    return {_mm256_or_pd(a.m, b.m)};
}
TRAINLAB_INLINE Mask<double> operator~(Mask<double> a) {
    return {_mm256_xor_pd(a.m, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}
TRAINLAB_INLINE bool any(Mask<double> mask) { return _mm256_movemask_pd(mask.m) != 0; }
TRAINLAB_INLINE int count(Mask<double> mask) {
    return _mm_popcnt_u32(static_cast<unsigned>(_mm256_movemask_pd(mask.m)));
}

TRAINLAB_INLINE Bits<double> bits_of(Vec<double> a) { return {_mm256_castpd_si256(a.v)}; }
template <>
TRAINLAB_INLINE Vec<double> from_bits<double>(Bits<double> b) {
    return {_mm256_castsi256_pd(b.i)};
}
template <>
TRAINLAB_INLINE Bits<double> broadcast_bits<double>(std::uint64_t n) {
    return {_mm256_set1_epi64x(static_cast<long long>(n))};
}
TRAINLAB_INLINE Bits<double> operator+(Bits<double> a, Bits<double> b) {
    return {_mm256_add_epi64(a.i, b.i)};
}
TRAINLAB_INLINE Bits<double> operator-(Bits<double> a, Bits<double> b) {
    return {_mm256_sub_epi64(a.i, b.i)};
}
template <int n>
TRAINLAB_INLINE Bits<double> shift_left(Bits<double> a) {
    return {_mm256_slli_epi64(a.i, n)};
}
template <int n>
TRAINLAB_INLINE Bits<double> shift_right(Bits<double> a) {
    return {_mm256_srli_epi64(a.i, n)};
}

// ---- both ----

template <class T>
TRAINLAB_INLINE Bits<T> operator&(Bits<T> a, Bits<T> b) {
    return {_mm256_and_si256(a.i, b.i)};
}
template <class T>
TRAINLAB_INLINE Bits<T> operator|(Bits<T> a, Bits<T> b) {
    return {_mm256_or_si256(a.i, b.i)};
}
template <class T>
TRAINLAB_INLINE Bits<T> operator^(Bits<T> a, Bits<T> b) {
    return {_mm256_xor_si256(a.i, b.i)};
}

TRAINLAB_INLINE float sum_lanes(Vec<float> a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

TRAINLAB_INLINE double sum_lanes(Vec<double> a) {
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

TRAINLAB_INLINE float max_lanes(Vec<float> a) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

TRAINLAB_INLINE double max_lanes(Vec<double> a) {
    const __m128d two = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_max_sd(two, _mm_unpackhi_pd(two, two)));
}

// a0 b0 a1 b1 ...: the first half, and the second.
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
