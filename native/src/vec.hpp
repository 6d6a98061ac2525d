// The vector type: vectors of GCC and Clang, which have operators.  The only files of the engine
// with intrinsics are the vec_*.hpp beside this one, one for each instruction set.
//
//   Vec<T>   `width` numbers of type T (float or double): 16/8, 8/4, 4/2 or 1 of them
//   Bits<T>  the same bits as unsigned integers of the size of T
//   Mask<T>  a truth value for each number
//
// Every function below gives each number the same bits on every instruction set:
//
//   load, load_unaligned, load_part(p, n)        n < 1: zeros; numbers from n on are zero
//   store, store_unaligned, store_part(p, v, n)  what lies from n on is not touched
//   broadcast(x), zero<T>()
//   a + b, a - b, a * b, a / b, sqrt(a)          IEEE, never contracted, never approximate
//   fma(a, b, c) = a b + c, fnma(a, b, c) = c - a b    rounded once
//   max(a, b), min(a, b)   the SECOND if either is NaN or both are equal (so max(-0, +0) = +0)
//   abs(a), negate(a)      the sign bit alone
//   a < b, a <= b, a > b, a >= b, a == b         false where one is NaN; is_nan(a)
//   select(mask, a, b)     a where the mask is true, else b
//   mask & mask, mask | mask, ~mask, any, all, count
//   first<T>(n)            true in the numbers 0 ... n-1
//   bits_of(a), from_bits<T>(b), broadcast_bits<T>(n); + - & | ^, shift_left<n>, shift_right<n>
//   power_of_two(n)        2^n, for whole n in the range of normal exponents
//   scale(a, n)            a 2^n for whole |n| <= 2 (largest exponent), rounded once
//   sum_lanes(a)           halves are folded onto each other: (i, i + width/2) ...
//   interleave(a, b)   a0 b0 a1 b1 ...: the first half in a, the second in b
//   list_numbers(a, place, places, values)  those that are not zero, one after the other, number
//                      i with place + i; how many; a whole vector of each may be written
//   prefetch(p)
//
// NaNs have no defined sign or payload.  Memory that `load` and `store` touch is aligned to
// 64 bytes.  Compile with -ffp-contract=off and never with -ffast-math.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

// One instruction set per translation unit, chosen by the flags of the compiler; everything
// lies in a namespace of its name, so that the linker can never mix two of them.
#if defined(TRAINLAB_PLAIN)
#define TRAINLAB_VECTORS "vec_plain.hpp"
#define TRAINLAB_CHOSEN plain
#elif defined(__AVX512F__) && defined(__AVX512DQ__)
#define TRAINLAB_VECTORS "vec_avx512.hpp"
#define TRAINLAB_CHOSEN avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define TRAINLAB_VECTORS "vec_avx2.hpp"
#define TRAINLAB_CHOSEN avx2
#elif defined(__aarch64__) || defined(_M_ARM64)
#define TRAINLAB_VECTORS "vec_neon.hpp"
#define TRAINLAB_CHOSEN neon
#else
#define TRAINLAB_VECTORS "vec_plain.hpp"
#define TRAINLAB_CHOSEN plain
#endif
#if !defined(TRAINLAB_ISA)
#define TRAINLAB_ISA TRAINLAB_CHOSEN
#endif

#define TRAINLAB_INLINE __attribute__((always_inline)) inline

namespace trainlab::TRAINLAB_ISA {

using Index = std::int64_t;

// What T is made of.
template <class T>
struct Format;

template <>
struct Format<float> {
    using Integer = std::uint32_t;
    static constexpr int fraction = 23;  // bits after the binary point
    static constexpr int bias = 127;     // of the exponent
    static constexpr int block = 16;     // rows are padded to a multiple of this
    static constexpr float infinity = std::numeric_limits<float>::infinity();
};

template <>
struct Format<double> {
    using Integer = std::uint64_t;
    static constexpr int fraction = 52;
    static constexpr int bias = 1023;
    static constexpr int block = 8;
    static constexpr double infinity = std::numeric_limits<double>::infinity();
};

// What a processor computes with at once, as Register<T>::type: a number, or a vector of GCC and
// Clang, whose operators work on each number.  What follows is the same text for both; the file
// of the instruction set adds what has no operator, and replaces what it has an instruction for.
template <class T>
struct Register;

template <class T>
struct Vec {
    static constexpr int width = static_cast<int>(sizeof(typename Register<T>::type) / sizeof(T));
    typename Register<T>::type v;
};

template <class T>
struct Bits {
    typename Register<typename Format<T>::Integer>::type i;
};

template <class T>
struct Mask {
    decltype(Vec<T>{}.v < Vec<T>{}.v) m;  // true or false; of a vector all bits of a number or none
};

template <class T>
Mask<T> first(int n);

template <class T>
TRAINLAB_INLINE Vec<T> load(const T* p) {
    Vec<T> a;
    std::memcpy(&a.v, __builtin_assume_aligned(p, sizeof(a.v)), sizeof(a.v));
    return a;
}

template <class T>
TRAINLAB_INLINE Vec<T> load_unaligned(const T* p) {
    Vec<T> a;
    std::memcpy(&a.v, p, sizeof(a.v));
    return a;
}

template <class T>
TRAINLAB_INLINE Vec<T> load_part(const T* p, int n) {
    T part[Vec<T>::width] = {};
    for (int i = 0; i < Vec<T>::width && i < n; ++i) part[i] = p[i];
    return load_unaligned(part);
}

template <class T>
TRAINLAB_INLINE void store(T* p, Vec<T> a) {
    std::memcpy(__builtin_assume_aligned(p, sizeof(a.v)), &a.v, sizeof(a.v));
}

template <class T>
TRAINLAB_INLINE void store_unaligned(T* p, Vec<T> a) {
    std::memcpy(p, &a.v, sizeof(a.v));
}

template <class T>
TRAINLAB_INLINE void store_part(T* p, Vec<T> a, int n) {
    T part[Vec<T>::width];
    store_unaligned(part, a);
    for (int i = 0; i < Vec<T>::width && i < n; ++i) p[i] = part[i];
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

template <class T>
TRAINLAB_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
    return fma(Vec<T>{-a.v}, b, c);
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
TRAINLAB_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
    return select(b < a, a, b);
}

template <class T>
TRAINLAB_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
    return select(a < b, a, b);
}

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
    return {a.m == 0};
}

template <class T>
TRAINLAB_INLINE bool any(Mask<T> mask) {
    return count(mask) != 0;
}

template <class T>
TRAINLAB_INLINE Bits<T> bits_of(Vec<T> a) {
    Bits<T> b;
    std::memcpy(&b.i, &a.v, sizeof(b.i));
    return b;
}

template <class T>
TRAINLAB_INLINE Vec<T> from_bits(Bits<T> b) {
    Vec<T> a;
    std::memcpy(&a.v, &b.i, sizeof(a.v));
    return a;
}

template <class T>
TRAINLAB_INLINE Bits<T> broadcast_bits(typename Format<T>::Integer n) {
    return {n | decltype(Bits<T>::i){}};
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

}  // namespace trainlab::TRAINLAB_ISA

#include TRAINLAB_VECTORS

namespace trainlab::TRAINLAB_ISA {

template <class T>
TRAINLAB_INLINE T sum_lanes(Vec<T> a) {
    return fold(a, [](auto x, auto y) { return x + y; });
}

template <class T>
TRAINLAB_INLINE Vec<T> zero() {
    return broadcast(T(0));
}

template <class T>
TRAINLAB_INLINE Mask<T> operator>(Vec<T> a, Vec<T> b) {
    return b < a;
}

template <class T>
TRAINLAB_INLINE Mask<T> operator>=(Vec<T> a, Vec<T> b) {
    return b <= a;
}

template <class T>
TRAINLAB_INLINE Vec<T> abs(Vec<T> a) {
    constexpr auto sign = typename Format<T>::Integer(1) << (8 * sizeof(T) - 1);
    return from_bits<T>(bits_of(a) & broadcast_bits<T>(sign - 1));
}

template <class T>
TRAINLAB_INLINE Vec<T> negate(Vec<T> a) {
    constexpr auto sign = typename Format<T>::Integer(1) << (8 * sizeof(T) - 1);
    return from_bits<T>(bits_of(a) ^ broadcast_bits<T>(sign));
}

// The magnitude of a with the sign of b.
template <class T>
TRAINLAB_INLINE Vec<T> copy_sign(Vec<T> a, Vec<T> b) {
    constexpr auto sign = typename Format<T>::Integer(1) << (8 * sizeof(T) - 1);
    return from_bits<T>((bits_of(a) & broadcast_bits<T>(sign - 1)) |
                        (bits_of(b) & broadcast_bits<T>(sign)));
}

template <class T>
TRAINLAB_INLINE bool all(Mask<T> mask) {
    return count(mask) == Vec<T>::width;
}

// 1.5 times 2^fraction: added to a number below 2^(fraction-1) it rounds it to a whole one, half
// to even, and leaves that in the low bits of the sum.
template <class T>
constexpr T rounder = T(typename Format<T>::Integer(3) << (Format<T>::fraction - 1));

// The nearest whole number, half to even, for |a| < 2^(fraction - 1).
template <class T>
TRAINLAB_INLINE Vec<T> round_even(Vec<T> a) {
    return (a + broadcast(rounder<T>)) - broadcast(rounder<T>);
}

// 2^n for whole n between the exponents of normal numbers.
template <class T>
TRAINLAB_INLINE Vec<T> power_of_two(Vec<T> n) {
    const Vec<T> biased = n + broadcast(rounder<T> + T(Format<T>::bias));
    return from_bits<T>(shift_left<Format<T>::fraction>(bits_of(biased)));
}

// a times 2^n in two factors, 2^h and 2^(n-h): neither leaves the range, and only the last product
// rounds.  AVX-512 has an instruction for it.
template <class T>
TRAINLAB_INLINE Vec<T> scale(Vec<T> a, Vec<T> n) {
    const Vec<T> half = round_even(n * broadcast(T(0.5)));
    return (a * power_of_two(half)) * power_of_two(n - half);
}

template <class T>
TRAINLAB_INLINE Index list_numbers(Vec<T> a, std::int32_t place, std::int32_t* places, T* values) {
    if (all(a == zero<T>())) return 0;
    T numbers[Vec<T>::width];
    store_unaligned(numbers, a);
    Index found = 0;
    for (int i = 0; i < Vec<T>::width; ++i) {
        places[found] = place + i;
        values[found] = numbers[i];
        found += numbers[i] != T(0);
    }
    return found;
}

TRAINLAB_INLINE void prefetch(const void* p) { __builtin_prefetch(p); }

}  // namespace trainlab::TRAINLAB_ISA
