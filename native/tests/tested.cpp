#include "tested.hpp"

#include <vector>

#include "../src/activations.hpp"
#include "../src/losses.hpp"
#include "../src/norms.hpp"
#include "../src/philox.hpp"

namespace isa = trainlab::TRAINLAB_ISA;
using trainlab::Batch;
using trainlab::Layer;

namespace {

template <class T>
std::int64_t padded(std::int64_t n) {
    constexpr std::int64_t block = isa::Format<T>::block;
    return (n + block - 1) / block * block;
}

template <class T>
struct alignas(64) Block {
    T numbers[isa::Format<T>::block];
};

template <class T>
Layer layer_of(std::int64_t features) {
    Layer layer{};
    layer.inputs = layer.outputs = features;
    layer.row = padded<T>(features);
    return layer;
}

template <class T, class F>
void each(std::int64_t n, const T* x, T* y, F f) {
    constexpr int width = isa::Vec<T>::width;
    for (std::int64_t i = 0; i < n; i += width) {
        const int own = static_cast<int>(n - i);
        isa::store_part(y + i, f(isa::load_part(x + i, own)), own);
    }
}

}  // namespace

template <class T>
void Tested<T>::elementary(int which, std::int64_t n, const T* x, T* y) {
    using V = isa::Vec<T>;
    switch (which) {
        case 0: return each(n, x, y, [](V v) { return isa::exp(v); });
        case 1: return each(n, x, y, [](V v) { return isa::expm1(v); });
        case 2: return each(n, x, y, [](V v) { return isa::log(v); });
        case 3: return each(n, x, y, [](V v) { return isa::log1p(v); });
        case 4: return each(n, x, y, [](V v) { return isa::tanh(v); });
        case 5: return each(n, x, y, [](V v) { return isa::sigmoid(v); });
        default: return each(n, x, y, [](V v) { return isa::ndtr(v); });
    }
}

template <class T>
void Tested<T>::activation(int function, double setting, std::int64_t rows, std::int64_t features,
                           const T* x, const T* dy, T* y, T* dx) {
    Layer layer = layer_of<T>(features);
    layer.function = function;
    isa::activate(layer, &setting, x, rows, y);
    isa::pull_back(layer, &setting, x, y, dy, rows, dx);
}

template <class T>
void Tested<T>::loss(int which, double setting, std::int64_t rows, std::int64_t outputs, const T* y,
                     const std::int64_t* classes, const T* targets, const T* weight, T* dy,
                     double* results) {
    double settings[trainlab::FIRST_OF_LAYERS] = {};
    settings[trainlab::LOSS] = setting;
    trainlab::Member<T> member{};
    member.settings = settings;
    trainlab::Network network{};
    network.loss = which;
    network.outputs = outputs;
    Batch<T> batch{};
    batch.rows = rows;
    batch.classes = classes;
    batch.targets = targets;
    batch.target_row = padded<T>(outputs);
    batch.weight = weight;
    const std::int64_t row = padded<T>(outputs), rooms = padded<T>(rows) * row;
    std::vector<Block<T>> memory(static_cast<std::size_t>(rooms / isa::Format<T>::block + row));
    T *room = memory[0].numbers, *turned = room + rooms;
    results[0] = isa::loss_and_gradient(network, member, batch, y, row, room, turned);
    for (std::int64_t i = 0; i < rows * row; ++i) dy[i] = room[i];
    results[1] = results[2] = 0;
    isa::sum_losses(network, member, batch, y, row, turned, results[1], results[2]);
}

template <class T>
void Tested<T>::norm(int kind, int unbiased, const double* settings, std::int64_t rows,
                     std::int64_t features, const T* gamma, const T* beta, T* buffers, const T* x,
                     const T* dy, T* evaluated, T* y, T* dx, T* d_gamma, T* d_beta) {
    Layer layer = layer_of<T>(features);
    layer.flag = unbiased;
    const auto blocks = [](std::int64_t n) {
        return std::vector<Block<T>>(
            static_cast<std::size_t>(padded<T>(n) / isa::Format<T>::block));
    };
    auto x_hat = blocks(rows * layer.row), inverse = blocks(rows + layer.row);
    auto updated = blocks(2 * layer.row);
    T *hat = x_hat[0].numbers, *inv = inverse[0].numbers, *fresh = updated[0].numbers;
    const isa::Share columns{0, layer.row};
    if (kind == trainlab::BATCH_NORM) {
        isa::batch_norm_evaluation(layer, settings, gamma, beta, buffers, x, rows, evaluated);
        isa::batch_norm_training(layer, settings, gamma, beta, buffers, x, rows, columns, hat, inv,
                                 fresh, y);
        for (std::int64_t i = 0; i < 2 * layer.row; ++i) buffers[i] = fresh[i];
    } else {
        isa::layer_norm(layer, settings, gamma, beta, x, isa::Share{0, rows}, hat, inv, y);
    }
    isa::scale_and_shift_gradients(hat, layer.row, rows, columns, dy, d_gamma, d_beta);
    if (kind == trainlab::BATCH_NORM)
        isa::batch_norm_backward(layer, gamma, hat, inv, rows, columns, dy, dx, d_gamma, d_beta);
    else
        isa::layer_norm_backward(layer, gamma, hat, inv, isa::Share{0, rows}, dy, dx);
}

template <class T>
void Tested<T>::sums(std::int64_t rows, std::int64_t features, const T* x, T* across, T* down) {
    const std::int64_t row = padded<T>(features);
    for (std::int64_t r = 0; r < rows; ++r)
        across[r] =
            isa::sum_row<T>(features, [&](isa::Index j) { return isa::load(x + r * row + j); });
    for (std::int64_t c = 0; c < row; c += isa::Vec<T>::width)
        isa::store(down + c, isa::sum_down<T>(
                                 rows, [&](isa::Index r) { return isa::load(x + r * row + c); }));
}

void draw_uniforms(std::uint64_t seed, std::uint64_t key, std::int64_t n, float* out) {
    isa::uniforms(seed, key, 0, n, out);
}

void draw_words(std::uint64_t seed, std::uint64_t key, std::int64_t n, std::uint64_t* out) {
    isa::random_words(seed, key, n, out);
}

template struct Tested<float>;
template struct Tested<double>;

// The same for ctypes.
#define TRAINLAB_EXPORT(T, name)                                                                   \
    void elementary_##name(int which, std::int64_t n, const T* x, T* y) {                          \
        Tested<T>::elementary(which, n, x, y);                                                     \
    }                                                                                              \
    void activation_##name(int function, double setting, std::int64_t rows, std::int64_t features, \
                           const T* x, const T* dy, T* y, T* dx) {                                 \
        Tested<T>::activation(function, setting, rows, features, x, dy, y, dx);                    \
    }                                                                                              \
    void loss_##name(int which, double setting, std::int64_t rows, std::int64_t outputs,           \
                     const T* y, const std::int64_t* classes, const T* targets, const T* weight,   \
                     T* dy, double* results) {                                                     \
        Tested<T>::loss(which, setting, rows, outputs, y, classes, targets, weight, dy, results);  \
    }                                                                                              \
    void norm_##name(int kind, int unbiased, const double* settings, std::int64_t rows,            \
                     std::int64_t features, const T* gamma, const T* beta, T* buffers, const T* x, \
                     const T* dy, T* evaluated, T* y, T* dx, T* d_gamma, T* d_beta) {              \
        Tested<T>::norm(kind, unbiased, settings, rows, features, gamma, beta, buffers, x, dy,     \
                        evaluated, y, dx, d_gamma, d_beta);                                        \
    }                                                                                              \
    void sums_##name(std::int64_t rows, std::int64_t features, const T* x, T* across, T* down) {   \
        Tested<T>::sums(rows, features, x, across, down);                                          \
    }

extern "C" {
TRAINLAB_EXPORT(float, float32)
TRAINLAB_EXPORT(double, float64)
void uniforms(std::uint64_t seed, std::uint64_t key, std::int64_t n, float* out) {
    draw_uniforms(seed, key, n, out);
}
void words(std::uint64_t seed, std::uint64_t key, std::int64_t n, std::uint64_t* out) {
    draw_words(seed, key, n, out);
}
}
