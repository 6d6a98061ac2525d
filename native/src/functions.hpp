// Elementary functions in float and in double, the same bits on every instruction set.
//
// Each is a fixed sequence of IEEE operations and fused multiply-adds; nothing comes from libm,
// whose last bits differ between versions and processors.  The polynomials are minimax fits with
// coefficients of the type itself (Sollya, fpminimax).  Errors, in units of the last place against
// 113-bit arithmetic, the largest found (native/tests/accuracy.cpp: every 509th float, 4 million
// doubles; of ndtr every 2,003rd and a million):
//
//              float   double
//   exp         0.96     0.96
//   expm1       1.26     1.46
//   log         0.80     0.85
//   log1p       1.39     1.32
//   tanh        1.28     1.29
//   sigmoid     2.23     2.42     where e^-x is finite
//   ndtr        3.05     4.38     where it is a normal number
//
// Right at +-0, +-inf, NaN and for denormal arguments.

#pragma once

#include <limits>

#include "vec.hpp"

namespace trainlab::TRAINLAB_ISA {

template <class T>
struct Coefficients;

template <>
struct Coefficients<float> {
    // ln 2 in two parts, the first so short that its product with an exponent is exact.
    static constexpr float ln2 = 0x1.62e4p-1f, ln2_rest = 0x1.7f7d1cp-20f;
    static constexpr float per_ln2 = 0x1.715476p0f;
    static constexpr float per_sqrt_2pi = 0x1.988454p-2f;
    static constexpr float exp_low = -105.0f, exp_high = 89.0f;  // beyond: 0 and infinity
    static constexpr float exp_normal = -87.0f;                  // beyond: denormal
    static constexpr float expm1_low = -30.0f;                   // beyond: -1
    static constexpr std::uint32_t sqrt_half = 0x3f3504f3;       // bits of sqrt(1/2)
    static constexpr float normal_scale = 4.0f, normal_high = 14.3f;  // beyond: 0 and 1
    static constexpr float exp[] = {0x1.fffffap-2f, 0x1.555492p-3f, 0x1.555a26p-5f, 0x1.123982p-7f,
                                    0x1.694ca8p-10f};
    static constexpr float log[] = {0x1.555554p-2f,  -0x1.ffffe6p-3f, 0x1.999d2cp-3f,
                                    -0x1.55628cp-3f, 0x1.23ddf2p-3f,  -0x1.fbbddep-4f,
                                    0x1.dc7b2ep-4f,  -0x1.ddbf6ap-4f, 0x1.2cb4ecp-4f};
    static constexpr float tanh[] = {-0x1.555552p-2f, 0x1.110e1p-3f, -0x1.b924cp-5f, 0x1.580274p-6f,
                                     -0x1.8f891cp-8f};
    static constexpr float normal[] = {
        0x1.82b4bcp-1f,  -0x1.373e3ap-1f, 0x1.8c6d8cp-2f, -0x1.7dffa8p-3f, 0x1.eed93ap-5f,
        -0x1.ed5be8p-8f, -0x1.cdadc6p-9f, 0x1.9bda7p-10f, 0x1.950be8p-13f, -0x1.0594a8p-13f};
};

template <>
struct Coefficients<double> {
    static constexpr double ln2 = 0x1.62e42fefap-1, ln2_rest = 0x1.cf79abc9e3b3ap-40;
    static constexpr double per_ln2 = 0x1.71547652b82fep0;
    static constexpr double per_sqrt_2pi = 0x1.9884533d43651p-2;
    static constexpr double exp_low = -746.0, exp_high = 710.0;
    static constexpr double exp_normal = -708.0;
    static constexpr double expm1_low = -60.0;
    static constexpr std::uint64_t sqrt_half = 0x3fe6a09e667f3bcd;
    static constexpr double normal_scale = 5.0, normal_high = 38.7;
    static constexpr double exp[] = {
        0x1.000000000000ap-1,  0x1.55555555554fep-3,  0x1.55555555506b5p-5,  0x1.1111111126b32p-7,
        0x1.6c16c18479738p-10, 0x1.a01a012ff3e9fp-13, 0x1.a0199956c1c17p-16, 0x1.71df18d75b9d1p-19,
        0x1.28ae058fecd46p-22, 0x1.ad93257bda817p-26};
    static constexpr double log[] = {
        0x1.5555555555558p-1, 0x1.9999999995276p-2, 0x1.2492492e04728p-2, 0x1.c71c62ca450fep-3,
        0x1.7462bcae96cb7p-3, 0x1.39fd53fd16ba3p-3, 0x1.2b6536149f134p-3};
    static constexpr double tanh[] = {
        -0x1.5555555555555p-2,  0x1.1111111111034p-3,   -0x1.ba1ba1ba07a0dp-5,
        0x1.664f487c44dffp-6,   -0x1.226e3437ad76cp-7,  0x1.d6d3911aceb42p-9,
        -0x1.7d9eec1a4c7f9p-10, 0x1.3522697e518a8p-11,  -0x1.f20fce644f9cep-13,
        0x1.838ade48ad34dp-14,  -0x1.043b551a22a8dp-15, 0x1.add36eb4dfad7p-18};
    static constexpr double normal[] = {
        0x1.89d3abe1f95aep-1,   -0x1.54ad03f27ca16p-1,  0x1.fb31653876f75p-2,
        -0x1.410ed5f875b15p-2,  0x1.51f6329f01ecdp-3,   -0x1.1b1c254c95228p-4,
        0x1.54b4d4f4866f5p-6,   -0x1.88590eb480946p-9,  -0x1.a2503795b63a5p-11,
        0x1.1daf1e88f453ap-11,  -0x1.f2147735c079fp-15, -0x1.a1713705bde9p-15,
        0x1.17dd995b538bcp-16,  0x1.0b311b2603f86p-18,  -0x1.73b271c6f26a5p-19,
        -0x1.6aa9ab014e589p-22, 0x1.d103a0ed999f2p-22,  0x1.775f222488a43p-25,
        -0x1.19c693066bc4fp-24, -0x1.628eafa75a803p-27, 0x1.f3c2270e6168ep-28,
        0x1.1b2736bd18c75p-29};
};

// c[0] + c[1] x + c[2] x^2 ... by Horner's rule.
template <class T, int n>
TRAINLAB_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[n]) {
    Vec<T> sum = broadcast(c[n - 1]);
#if defined(__GNUC__)
#pragma GCC unroll 32
#endif
    for (int i = n - 2; i >= 0; --i) sum = fma(sum, x, broadcast(c[i]));
    return sum;
}

// x = n ln 2 + r with |r| <= ln 2 / 2.
template <class T>
struct Reduced {
    Vec<T> n, r;
};

template <class T>
TRAINLAB_INLINE Reduced<T> reduce(Vec<T> x, T low, T high) {
    using C = Coefficients<T>;
    x = min(broadcast(high), max(broadcast(low), x));  // in this order a NaN stays one
    const Vec<T> n = round_even(x * broadcast(C::per_ln2));
    Vec<T> r = fnma(n, broadcast(C::ln2), x);
    return {n, fnma(n, broadcast(C::ln2_rest), r)};
}

// Zero where a number is so small that its products would be denormal, with which processors are
// slow.
template <class T>
TRAINLAB_INLINE Vec<T> flushed(Vec<T> x) {
    constexpr T limit = std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon();
    return select(abs(x) < broadcast(limit), zero<T>(), x);
}

// e^r - 1 - r for small r.
template <class T>
TRAINLAB_INLINE Vec<T> exp_tail(Vec<T> r) {
    return (r * r) * polynomial(r, Coefficients<T>::exp);
}

// 2^n e^r.
template <class T>
TRAINLAB_INLINE Vec<T> exp_of(Reduced<T> a) {
    return scale((a.r + exp_tail(a.r)) + broadcast(T(1)), a.n);
}

// e^x.
template <class T>
TRAINLAB_INLINE Vec<T> exp(Vec<T> x) {
    using C = Coefficients<T>;
    return exp_of(reduce(x, C::exp_low, C::exp_high));
}

// The same, flushed.
template <class T>
TRAINLAB_INLINE Vec<T> flushed_exp(Vec<T> x) {
    using C = Coefficients<T>;
    return flushed(exp_of(reduce(x, C::exp_normal, C::exp_high)));
}

// e^x - 1 = 2 (2^(n-1) (e^r - 1) + 2^(n-1) - 1/2), where 2^(n-1) cannot overflow.
template <class T>
TRAINLAB_INLINE Vec<T> expm1(Vec<T> x) {
    using C = Coefficients<T>;
    const Reduced<T> a = reduce(x, C::expm1_low, C::exp_high);
    const Vec<T> half = power_of_two(a.n - broadcast(T(1)));
    Vec<T> y = fma(half, a.r, half - broadcast(T(0.5)));
    y = fma(half, exp_tail(a.r), y);
    const Vec<T> tiny = broadcast(T(1) / T(std::uint64_t(2) << Format<T>::fraction));
    return select(abs(x) < tiny, x, y + y);
}

// e ln 2 + f + tail, where |tail| << |f| <= |e ln 2|, or e = 0.
template <class T>
TRAINLAB_INLINE Vec<T> add_multiple_of_ln2(Vec<T> e, Vec<T> f, Vec<T> tail) {
    using C = Coefficients<T>;
    const Vec<T> exact = e * broadcast(C::ln2), sum = exact + f;
    const Vec<T> rest = f - (sum - exact);  // what rounding took from the sum
    return sum + (rest + fma(e, broadcast(C::ln2_rest), tail));
}

// ln(1 + f) + e ln 2 for f in [sqrt(1/2) - 1, sqrt(2) - 1].
TRAINLAB_INLINE Vec<float> log_sum(Vec<float> f, Vec<float> e) {
    using C = Coefficients<float>;
    const Vec<float> square = f * f;
    Vec<float> tail = (square * f) * polynomial(f, C::log);
    return add_multiple_of_ln2(e, f, fma(square, broadcast(-0.5f), tail));
}

// In double by ln(1 + f) = 2 artanh(s) with s = f / (2 + f), where fewer terms are needed:
// 2 artanh(s) = f - f^2/2 + s (f^2/2 + R(s^2)).
TRAINLAB_INLINE Vec<double> log_sum(Vec<double> f, Vec<double> e) {
    using C = Coefficients<double>;
    const Vec<double> s = f / (f + broadcast(2.0));
    const Vec<double> z = s * s, half_square = (f * f) * broadcast(0.5);
    const Vec<double> tail = s * fma(z, polynomial(z, C::log), half_square);
    return add_multiple_of_ln2(e, f, tail - half_square);
}

// x = 2^e m with m in [sqrt(1/2), sqrt(2)), for normal x > 0.
template <class T>
struct Split {
    Vec<T> e, m;
};

template <class T>
TRAINLAB_INLINE Split<T> split(Vec<T> x) {
    constexpr int fraction = Format<T>::fraction;
    using Integer = typename Format<T>::Integer;
    constexpr Integer one = Integer(Format<T>::bias) << fraction,
                      below = (Integer(1) << fraction) - 1;
    constexpr T shift = T(Integer(1) << fraction);  // 2^fraction + k has k in its low bits
    const Bits<T> moved = bits_of(x) + broadcast_bits<T>(one - Coefficients<T>::sqrt_half);
    const Bits<T> m =
        (moved & broadcast_bits<T>(below)) + broadcast_bits<T>(Coefficients<T>::sqrt_half);
    const Bits<T> e = shift_right<fraction>(moved) | bits_of(broadcast(shift));
    return {from_bits<T>(e) - broadcast(shift + T(Format<T>::bias)), from_bits<T>(m)};
}

// y where 0 < x < inf; -inf for 0, NaN below, x for inf and NaN.
template <class T>
TRAINLAB_INLINE Vec<T> log_limits(Vec<T> x, Vec<T> y) {
    const Vec<T> infinity = broadcast(Format<T>::infinity);
    const Vec<T> outside =
        select(x < zero<T>(), infinity - infinity, select(x == zero<T>(), negate(infinity), x));
    return select((x > zero<T>()) & (x < infinity), y, outside);
}

// ln x.
template <class T>
TRAINLAB_INLINE Vec<T> log(Vec<T> x) {
    constexpr T lift = T(std::uint64_t(1) << (Format<T>::fraction + 1));  // makes denormals normal
    const Mask<T> small = x < broadcast(std::numeric_limits<T>::min());
    const Split<T> a = split(select(small, x * broadcast(lift), x));
    const Vec<T> e = select(small, a.e - broadcast(T(Format<T>::fraction + 1)), a.e);
    return log_limits(x, log_sum(a.m - broadcast(T(1)), e));
}

// ln(1 + x).  With 1 + x = 2^e (1 + f), f = 2^-e x + (2^-e - 1) is rounded once.
template <class T>
TRAINLAB_INLINE Vec<T> log1p(Vec<T> x) {
    const Vec<T> one = broadcast(T(1)), u = one + x;
    const Split<T> a = split(u);
    const Mask<T> large = broadcast(T(std::uint64_t(1) << Format<T>::fraction)) < x;
    const Vec<T> inverse = power_of_two(select(large, zero<T>(), negate(a.e)));
    const Vec<T> f = select(large, a.m - one, fma(inverse, x, inverse - one));
    const Vec<T> tiny = broadcast(T(1) / T(std::uint64_t(2) << Format<T>::fraction));
    const Vec<T> y = log_limits(u, log_sum(f, a.e));
    return select(abs(x) < tiny, x, y);
}

// tanh x: x + x^3 P(x^2) up to 0.625, else 1 - 2 / (e^(2|x|) + 1) with the sign of x.
template <class T>
TRAINLAB_INLINE Vec<T> tanh(Vec<T> x) {
    const Vec<T> a = abs(x), z = a * a, one = broadcast(T(1));
    const Vec<T> small = fma(a * z, polynomial(z, Coefficients<T>::tanh), a);
    const Vec<T> large = one - broadcast(T(2)) / (exp(a + a) + one);
    return copy_sign(select(a < broadcast(T(0.625)), small, large), x);
}

// 1 / (1 + e^-x).  As in the reference it is 0 where e^-x overflows.
template <class T>
TRAINLAB_INLINE Vec<T> sigmoid(Vec<T> x) {
    const Vec<T> one = broadcast(T(1));
    return one / (one + exp(negate(x)));
}

// The standard normal distribution at x and, without its factor 1/sqrt(2 pi), its density.
template <class T>
struct Normal {
    Vec<T> distribution, bell;
};

// For y = |x|:  Phi(-y) = e^(-y^2/2) P(t) / (y + a) with t = (y - a)/(y + a).  The rounding error
// of y^2 is found by fma and put right, for it would grow with y^2; so are those of y + a and of w,
// which count double near 0.
template <class T>
TRAINLAB_INLINE Normal<T> normal(Vec<T> x) {
    using C = Coefficients<T>;
    const Vec<T> y = min(broadcast(C::normal_high), abs(x)), one = broadcast(T(1));
    const Vec<T> from = broadcast(C::normal_scale), sum = y + from, lost = y - (sum - from);
    const Vec<T> rough = one / sum;
    const Vec<T> miss = rough * fnma(rough, lost, fnma(rough, sum, one));
    const Vec<T> w = rough + miss;
    const Vec<T> t = fnma(from + from, miss, fnma(from + from, rough, one));
    const Vec<T> square = y * y, rest = fma(y, y, negate(square));
    Reduced<T> a = reduce(square * broadcast(T(-0.5)), C::exp_low, C::exp_high);
    a.r = fma(rest, broadcast(T(-0.5)), a.r);
    const Vec<T> bell = exp_of(a);
    const Vec<T> tail = bell * (polynomial(t, C::normal) * w);
    return {select(x < zero<T>(), tail, one - tail), bell};
}

// Phi(x), the standard normal distribution.
template <class T>
TRAINLAB_INLINE Vec<T> ndtr(Vec<T> x) {
    return normal(x).distribution;
}

}  // namespace trainlab::TRAINLAB_ISA
