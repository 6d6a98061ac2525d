// Vectors of one number, for every processor: the definition of what the others must give.
// fma is libm's, where the processor has no instruction for it or the compiler may not use it.

#pragma once

#include <cmath>

namespace trainlab::TRAINLAB_ISA {

template <class T>
struct Vec {
    static constexpr int width = 1;
    T v;
};

template <class T>
struct Mask {
    bool m;
};

template <class T>
struct Bits {
    typename Format<T>::Integer i;
};

template <class T>
TRAINLAB_INLINE Vec<T> load(const T* p) {
    return {*p};
}

template <class T>
TRAINLAB_INLINE Vec<T> load_unaligned(const T* p) {
    return {*p};
}

template <class T>
TRAINLAB_INLINE Vec<T> load_part(const T* p, int n) {
    return {n > 0 ? *p : T(0)};
}

template <class T>
TRAINLAB_INLINE void store(T* p, Vec<T> a) {
    *p = a.v;
}

template <class T>
TRAINLAB_INLINE void store_unaligned(T* p, Vec<T> a) {
    *p = a.v;
}

template <class T>
TRAINLAB_INLINE void store_part(T* p, Vec<T> a, int n) {
    if (n > 0) *p = a.v;
}

template <class T>
TRAINLAB_INLINE Vec<T> broadcast(T x) {
    return {x};
}

template <class T>
TRAINLAB_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) {
    return {a.v + b.v};
}

template <class T>
TRAINLAB_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) {
    return {a.v - b.v};
}

template <class T>
TRAINLAB_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) {
    return {a.v * b.v};
}

template <class T>
TRAINLAB_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) {
    return {a.v / b.v};
}

TRAINLAB_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
    return {::fmaf(a.v, b.v, c.v)};
}

TRAINLAB_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
    return {::fma(a.v, b.v, c.v)};
}

template <class T>
TRAINLAB_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
    return fma(Vec<T>{-a.v}, b, c);
}

TRAINLAB_INLINE Vec<float> sqrt(Vec<float> a) { return {::sqrtf(a.v)}; }
TRAINLAB_INLINE Vec<double> sqrt(Vec<double> a) { return {::sqrt(a.v)}; }

template <class T>
TRAINLAB_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
    return {a.v > b.v ? a.v : b.v};
}

template <class T>
TRAINLAB_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
    return {a.v < b.v ? a.v : b.v};
}

template <class T>
TRAINLAB_INLINE Mask<T> operator<(Vec<T> a, Vec<T> b) {
    return {a.v < b.v};
}

template <class T>
TRAINLAB_INLINE Mask<T> operator<=(Vec<T> a, Vec<T> b) {
    return {a.v <= b.v};
}

template <class T>
TRAINLAB_INLINE Mask<T> operator==(Vec<T> a, Vec<T> b) {
    return {a.v == b.v};
}

template <class T>
TRAINLAB_INLINE Mask<T> is_nan(Vec<T> a) {
    return {a.v != a.v};
}

template <class T>
TRAINLAB_INLINE Vec<T> select(Mask<T> mask, Vec<T> a, Vec<T> b) {
    return {mask.m ? a.v : b.v};
}

template <class T>
TRAINLAB_INLINE Mask<T> operator&(Mask<T> a, Mask<T> b) {
    return {a.m && b.m};
}

template <class T>
TRAINLAB_INLINE Mask<T> operator|(Mask<T> a, Mask<T> b) {
    return {a.m || b.m};
}

template <class T>
TRAINLAB_INLINE Mask<T> operator~(Mask<T> a) {
    return {!a.m};
}

template <class T>
TRAINLAB_INLINE bool any(Mask<T> mask) {
    return mask.m;
}

template <class T>
TRAINLAB_INLINE int count(Mask<T> mask) {
    return mask.m;
}

template <class T>
TRAINLAB_INLINE Mask<T> first(int n) {
    return {n > 0};
}

template <class T>
TRAINLAB_INLINE Bits<T> bits_of(Vec<T> a) {
    Bits<T> b;
    std::memcpy(&b.i, &a.v, sizeof(T));
    return b;
}

template <class T>
TRAINLAB_INLINE Vec<T> from_bits(Bits<T> b) {
    Vec<T> a;
    std::memcpy(&a.v, &b.i, sizeof(T));
    return a;
}

template <class T>
TRAINLAB_INLINE Bits<T> broadcast_bits(typename Format<T>::Integer n) {
    return {n};
}

template <class T>
TRAINLAB_INLINE Bits<T> operator+(Bits<T> a, Bits<T> b) {
    return {a.i + b.i};
}

template <class T>
TRAINLAB_INLINE Bits<T> operator-(Bits<T> a, Bits<T> b) {
    return {a.i - b.i};
}

template <class T>
TRAINLAB_INLINE Bits<T> operator&(Bits<T> a, Bits<T> b) {
    return {a.i & b.i};
}

template <class T>
TRAINLAB_INLINE Bits<T> operator|(Bits<T> a, Bits<T> b) {
    return {a.i | b.i};
}

template <class T>
TRAINLAB_INLINE Bits<T> operator^(Bits<T> a, Bits<T> b) {
    return {a.i ^ b.i};
}

template <int n, class T>
TRAINLAB_INLINE Bits<T> shift_left(Bits<T> a) {
    return {a.i << n};
}

template <int n, class T>
TRAINLAB_INLINE Bits<T> shift_right(Bits<T> a) {
    return {a.i >> n};
}

template <class T>
TRAINLAB_INLINE T sum_lanes(Vec<T> a) {
    return a.v;
}

template <class T>
TRAINLAB_INLINE T max_lanes(Vec<T> a) {
    return a.v;
}

// a0 b0 a1 b1 ...: the first half, and the second.
template <class T>
TRAINLAB_INLINE void interleave(Vec<T>&, Vec<T>&) {}

}  // namespace trainlab::TRAINLAB_ISA
