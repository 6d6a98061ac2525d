// The errors of functions.hpp against libquadmath, in units of the last place.
//   accuracy STRIDE COUNT    every STRIDE-th float; COUNT random doubles for each function
// Exits with 1 where an error is larger than its bound or a special value is wrong.

#include <quadmath.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <limits>

#include "functions.hpp"

namespace isa = trainlab::TRAINLAB_ISA;
using Quad = __float128;

namespace {

Quad sigmoid_q(Quad x) { return 1 / (1 + expq(-x)); }
Quad ndtr_q(Quad x) { return erfcq(-x * M_SQRT1_2q) / 2; }

template <class T>
using Function = isa::Vec<T> (*)(isa::Vec<T>);

template <class T>
struct Case {
    const char* name;
    Function<T> function;
    Quad (*exact)(Quad);
    double bound, low, high;  // the random doubles lie in [low, high]
};

template <class T>
Case<T> cases[] = {
    {"exp", isa::exp<T>, expq, 1.0, -746, 710},
    {"expm1", isa::expm1<T>, expm1q, 1.5, -60, 710},
    {"log", isa::log<T>, logq, 1.0, 0, 1e300},
    {"log1p", isa::log1p<T>, log1pq, 1.5, -1, 1e300},
    {"tanh", isa::tanh<T>, tanhq, 2.0, -30, 30},
    {"sigmoid", isa::sigmoid<T>, sigmoid_q, 2.5, sizeof(T) == 4 ? -87.0 : -708.0, 40},
    {"ndtr", isa::ndtr<T>, ndtr_q, 4.5, sizeof(T) == 4 ? -12.9 : -37.4, 9},
};

template <class T>
T apply(Function<T> function, T x) {
    alignas(64) T out[isa::Vec<T>::width];
    isa::store(out, function(isa::broadcast(x)));
    return out[0];
}

// |y - exact| in units of the last place of the exact value.
template <class T>
double error(T y, Quad exact) {
    const Quad largest = std::numeric_limits<T>::max();
    if (std::isnan(y)) return isnanq(exact) ? 0 : HUGE_VAL;
    if (std::isinf(y)) return fabsq(exact) > largest && (y > 0) == (exact > 0) ? 0 : HUGE_VAL;
    int exponent;
    frexpq(exact, &exponent);
    const int smallest = std::numeric_limits<T>::min_exponent;
    const int last = (exact == 0 || exponent < smallest ? smallest : exponent);
    const Quad unit = ldexpq(1, last - std::numeric_limits<T>::digits);
    return static_cast<double>(fabsq(static_cast<Quad>(y) - exact) / unit);
}

template <class T>
struct Worst {
    double error = 0;
    T at = 0;
    void see(const Case<T>& c, T x) {
        const double e = ::error(apply(c.function, x), c.exact(x));
        if (e > error) error = e, at = x;
    }
};

std::uint64_t state = 1;
std::uint64_t next() {  // splitmix64
    std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

bool report(const char* type, const char* name, double error, double at, double bound) {
    const bool good = error <= bound;
    std::printf("%-7s %-8s %.3f ulp at %a (bound %.1f)%s\n", type, name, error, at, bound,
                good ? "" : "  TOO LARGE");
    return good;
}

template <class T>
bool special() {
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    const T tiny = std::numeric_limits<T>::denorm_min();
    bool good = true;
    const auto check = [&](const char* name, Function<T> f, T x, T expected) {
        const T y = apply(f, x);
        const bool same = std::isnan(expected)
                              ? std::isnan(y)
                              : y == expected && std::signbit(y) == std::signbit(expected);
        if (!same)
            std::printf("%s(%g) = %g, not %g\n", name, double(x), double(y), double(expected));
        good = good && same;
    };
    for (const auto& c : cases<T>) check(c.name, c.function, nan, nan);
    check("exp", isa::exp<T>, T(0), T(1)), check("exp", isa::exp<T>, inf, inf);
    check("exp", isa::exp<T>, -inf, T(0)), check("exp", isa::exp<T>, -tiny, T(1));
    check("expm1", isa::expm1<T>, inf, inf), check("expm1", isa::expm1<T>, -inf, T(-1));
    check("log", isa::log<T>, T(0), -inf), check("log", isa::log<T>, T(-0.0), -inf);
    check("log", isa::log<T>, inf, inf), check("log", isa::log<T>, T(1), T(0));
    check("log", isa::log<T>, T(-1), nan), check("log", isa::log<T>, -inf, nan);
    check("log1p", isa::log1p<T>, T(-1), -inf), check("log1p", isa::log1p<T>, inf, inf);
    check("log1p", isa::log1p<T>, T(-2), nan), check("log1p", isa::log1p<T>, -inf, nan);
    check("tanh", isa::tanh<T>, inf, T(1)), check("tanh", isa::tanh<T>, -inf, T(-1));
    check("sigmoid", isa::sigmoid<T>, T(0), T(0.5)), check("sigmoid", isa::sigmoid<T>, inf, T(1));
    check("sigmoid", isa::sigmoid<T>, -inf, T(0));
    check("ndtr", isa::ndtr<T>, T(0), T(0.5)), check("ndtr", isa::ndtr<T>, T(-0.0), T(0.5));
    check("ndtr", isa::ndtr<T>, inf, T(1)), check("ndtr", isa::ndtr<T>, -inf, T(0));
    for (const T x : {T(0), T(-0.0), tiny, -tiny, 100 * tiny}) {
        check("expm1", isa::expm1<T>, x, x), check("log1p", isa::log1p<T>, x, x);
        check("tanh", isa::tanh<T>, x, x);
    }
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t stride = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10007;
    const long count = argc > 2 ? std::atol(argv[2]) : 100000;
    bool good = special<float>() && special<double>();
    for (const auto& c : cases<float>) {
        Worst<float> worst;
        for (std::uint64_t bits = 0; bits < (std::uint64_t(1) << 32); bits += stride) {
            const auto word = static_cast<std::uint32_t>(bits);
            float x;
            std::memcpy(&x, &word, sizeof x);
            const bool narrow = c.exact == sigmoid_q || c.exact == ndtr_q;
            if (!narrow || (x >= c.low && x <= c.high)) worst.see(c, x);
        }
        good &= report("float", c.name, worst.error, worst.at, c.bound);
    }
    for (const auto& c : cases<double>) {
        Worst<double> worst;
        for (long i = 0; i < count; ++i) {
            worst.see(c, c.low + (c.high - c.low) * uniform());
            // Magnitudes from 1e-320 to `high`, evenly on a logarithmic scale.
            const double top = std::log(c.high < 1e300 ? c.high : 1e300), bottom = -737;
            const double size =
                std::exp(i % 2 ? bottom + (top - bottom) * uniform() : top - 12 + 12 * uniform());
            const double x = next() % 2 ? size : -size;
            if (x >= c.low) worst.see(c, x);
            if (c.exact == logq || c.exact == log1pq)
                worst.see(c, c.exact == logq ? 4 * uniform() : 4 * uniform() - 1);
        }
        good &= report("double", c.name, worst.error, worst.at, c.bound);
    }
    return good ? 0 : 1;
}
