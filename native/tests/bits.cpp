// Prints a hash of what each function gives for many numbers.  Every instruction set must print
// the same lines; see run.py.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "tested.hpp"

namespace {

std::uint64_t state;
std::uint64_t next() {  // splitmix64
    std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

template <class T>
struct alignas(64) Block {
    T numbers[64 / sizeof(T)];
};

// A matrix (rows, features) with zeros in its padding.
template <class T>
struct Matrix {
    std::int64_t rows, features, row;
    std::vector<Block<T>> blocks;
    Matrix(std::int64_t rows_, std::int64_t features_) : rows(rows_), features(features_) {
        constexpr std::int64_t block = 64 / sizeof(T);
        row = (features + block - 1) / block * block;
        blocks.resize(static_cast<std::size_t>(rows * row / block));
    }
    T* at() { return blocks[0].numbers; }
    Matrix& fill(double low, double high) {
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t c = 0; c < features; ++c)
                at()[r * row + c] = static_cast<T>(low + (high - low) * uniform());
        return *this;
    }
    bool padding_is_zero() {
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t c = features; c < row; ++c)
                if (at()[r * row + c] != 0) return false;
        return true;
    }
};

// FNV-1a over the bytes; a NaN counts as one NaN, whatever its sign and payload.
struct Hash {
    std::uint64_t value = 0xcbf29ce484222325u;
    template <class T>
    void add(const T* x, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) {
            T own = x[i];
            if (own != own) own = std::numeric_limits<T>::infinity(), value ^= 1;
            unsigned char bytes[sizeof(T)];
            std::memcpy(bytes, &own, sizeof(T));
            for (const unsigned char byte : bytes) value = (value ^ byte) * 0x100000001b3u;
        }
    }
    template <class T>
    void add(Matrix<T>& x) {
        add(x.at(), x.rows * x.row);
        if (!x.padding_is_zero()) std::printf("PADDING IS NOT ZERO\n");
    }
};

void print(const char* type, const char* name, int which, const Hash& hash) {
    std::printf("%s %s %d %016llx\n", type, name, which,
                static_cast<unsigned long long>(hash.value));
}

template <class T>
T any_bits() {
    const std::uint64_t word = next();
    T x;
    std::memcpy(&x, &word, sizeof(T));
    return x;
}

template <class T>
void all(const char* type) {
    using limits = std::numeric_limits<T>;
    constexpr std::int64_t count = 1 << 16;
    for (int which = 0; which < 7; ++which) {
        Hash hash;
        std::vector<T> x, y(count);
        for (const T each : {T(0), T(1), limits::min(), limits::max(), limits::denorm_min(),
                             limits::infinity(), limits::epsilon(), limits::quiet_NaN()})
            x.push_back(each), x.push_back(-each);
        while (x.size() < count / 2) x.push_back(any_bits<T>());
        while (x.size() < count) x.push_back(static_cast<T>(-40 + 80 * uniform()));
        Tested<T>::elementary(which, count, x.data(), y.data());
        hash.add(y.data(), count);
        print(type, "elementary", which, hash);
    }
    const std::int64_t shapes[][2] = {{1, 1}, {7, 10}, {32, 32}, {33, 100}, {100, 117}};
    for (int function = 0; function < 8; ++function) {
        Hash hash;
        for (const auto& [rows, features] : shapes) {
            Matrix<T> x(rows, features), dy(rows, features), y(rows, features), dx(rows, features);
            x.fill(-12, 12), dy.fill(-1, 1);
            Tested<T>::activation(function, 0.3, rows, features, x.at(), dy.at(), y.at(), dx.at());
            hash.add(y), hash.add(dx);
        }
        print(type, "activation", function, hash);
    }
    for (int which = 0; which < 4; ++which) {
        Hash hash;
        for (const auto& [rows, outputs] : shapes) {
            for (const double setting : {0.0, 0.1, 0.9}) {
                for (const bool weighed : {false, true}) {
                    Matrix<T> y(rows, outputs), t(rows, outputs), w(1, rows), dy(rows, outputs);
                    y.fill(-9, 9), t.fill(0, 1), w.fill(0, 3);
                    std::vector<std::int64_t> classes;
                    for (std::int64_t r = 0; r < rows; ++r)
                        classes.push_back(static_cast<std::int64_t>(
                            next() % static_cast<std::uint64_t>(outputs)));
                    double results[3];
                    Tested<T>::loss(which, setting, rows, outputs, y.at(), classes.data(), t.at(),
                                    weighed ? w.at() : nullptr, dy.at(), results);
                    hash.add(dy), hash.add(results, 3);
                }
            }
        }
        print(type, "loss", which, hash);
    }
    for (int kind = 1; kind < 3; ++kind) {
        Hash hash;
        for (const auto& [rows, features] : shapes) {
            for (const int unbiased : {0, 1}) {
                const double settings[] = {1e-5, 0.9};
                Matrix<T> x(rows, features), dy(rows, features), y(rows, features);
                Matrix<T> dx(rows, features), evaluated(rows, features), gamma(1, features);
                Matrix<T> beta(1, features), buffers(2, features), d_gamma(1, features);
                Matrix<T> d_beta(1, features);
                x.fill(-2, 5), dy.fill(-1, 1), gamma.fill(-1, 2), beta.fill(-1, 1);
                buffers.fill(0.1, 2);
                Tested<T>::norm(kind, unbiased, settings, rows, features, gamma.at(), beta.at(),
                                buffers.at(), x.at(), dy.at(), evaluated.at(), y.at(), dx.at(),
                                d_gamma.at(), d_beta.at());
                for (Matrix<T>* each : {&evaluated, &y, &dx, &d_gamma, &d_beta, &buffers})
                    hash.add(*each);
            }
        }
        print(type, "norm", kind, hash);
    }
    Hash hash;
    for (const auto& [rows, features] : shapes) {
        Matrix<T> x(rows, features), across(1, rows), down(1, features);
        x.fill(-3, 4);
        Tested<T>::sums(rows, features, x.at(), across.at(), down.at());
        hash.add(across), hash.add(down);
    }
    print(type, "sums", 0, hash);
}

}  // namespace

int main() {
    state = 1;
    all<float>("float");
    all<double>("double");
    Hash hash;
    std::vector<float> draws(1003);
    draw_uniforms(7, 3, 1003, draws.data());
    hash.add(draws.data(), 1003);
    print("float", "uniforms", 0, hash);
}
