// The rows of a split as Python brings them: every array is checked, and kept alive.

#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "checks.hpp"
#include "network.hpp"

namespace trainlab {

constexpr double SPARSE = 0.35;            // the largest density that pays for lists of numbers
constexpr std::int64_t SPARSE_FEATURES = 128;  // and the fewest features
constexpr double DEEPEST = 128;  // columns, or rows, of a block of lists: as many rows of a matrix
constexpr double SHORTEST = 16;  // fit into the nearest cache; and the numbers of a list, or more

// The rows of a split.  It keeps the arrays alive that it points to.
template <class T>
struct Samples {
    Samples(Given<T, 1> x, std::int64_t features, std::optional<Integers> starts,
            std::optional<Given<std::int32_t, 1>> columns, std::optional<Integers> classes,
            std::optional<Given<T, 2>> targets, std::optional<Given<T, 1>> weight)
        : x_(x), starts_(starts), columns_(columns), classes_(classes), targets_(targets),
          weight_(weight) {
        require(features > 0, "features must be positive");
        rows.features = features;
        rows.x = x.data();
        const std::int64_t numbers = length(x.shape(0));
        if (starts) {
            require(columns && length(columns->shape(0)) == numbers, "columns do not fit");
            rows.count = length(starts->shape(0)) - 1;
            rows.starts = starts->data();
            rows.columns = columns->data();
            check_lists(numbers);
        } else {
            rows.count = numbers / features;
            require(rows.count * features == numbers, "x does not fit");
        }
        require(rows.count > 0, "there must be rows");
        if (classes) {
            require(length(classes->shape(0)) == rows.count, "classes do not fit");
            rows.classes = classes->data();
            for (std::int64_t i = 0; i < rows.count; ++i)
                most_ = std::max(most_, rows.classes[i]),
                least_ = std::min(least_, rows.classes[i]);
        }
        if (targets) {
            require(length(targets->shape(0)) == rows.count, "targets do not fit");
            rows.targets = targets->data();
            rows.outputs = length(targets->shape(1));
        }
        if (weight) {
            require(length(weight->shape(0)) == rows.count, "weights do not fit");
            rows.weight = weight->data();
        }
        count_numbers(numbers);
    }

    // Whether a network of so many inputs and outputs can read them.
    void check(const Network& network, bool with_targets) const {
        require(rows.features == network.inputs, "features do not fit the network");
        if (!with_targets) return;
        if (network.loss == SOFTMAX_CROSS_ENTROPY)
            require(rows.classes && least_ >= 0 && most_ < network.outputs, "classes do not fit");
        else
            require(rows.targets && rows.outputs == network.outputs, "targets do not fit");
    }

    Rows<T> rows{};

  private:
    void check_lists(std::int64_t numbers) const {
        require(rows.count >= 0 && rows.starts[0] == 0 && rows.starts[rows.count] == numbers,
                "starts do not fit");
        for (std::int64_t i = 0; i < rows.count; ++i)
            require(rows.starts[i] <= rows.starts[i + 1], "starts must rise");
        for (std::int64_t i = 0; i < rows.count; ++i)
            for (std::int64_t at = rows.starts[i]; at < rows.starts[i + 1]; ++at) {
                require(rows.columns[at] >= 0 && rows.columns[at] < rows.features,
                        "columns must be features");
                require(at == rows.starts[i] || rows.columns[at - 1] < rows.columns[at],
                        "columns must rise");
            }
    }

    // Decides whether batches are lists of the numbers that are not zero.
    void count_numbers(std::int64_t numbers) {
        std::int64_t total = numbers;
        if (rows.starts) {
            for (std::int64_t i = 0; i < rows.count; ++i)
                rows.longest = std::max(rows.longest, rows.starts[i + 1] - rows.starts[i]);
        } else if (rows.features >= SPARSE_FEATURES) {
            total = 0;
            for (std::int64_t i = 0; i < rows.count; ++i) {
                const T* row = rows.x + i * rows.features;
                std::int32_t found = 0;
                for (std::int64_t c = 0; c < rows.features; ++c) found += row[c] != 0;
                rows.longest = std::max<std::int64_t>(rows.longest, found);
                total += found;
            }
        }
        rows.density = static_cast<double>(total) / static_cast<double>(rows.count) /
                       static_cast<double>(rows.features);
        rows.is_sparse = rows.features >= SPARSE_FEATURES && rows.density < SPARSE &&
                         rows.features < std::int64_t{1} << 31;
        // Nothing is gained by lists that are nearly empty.
        const double deepest = SHORTEST / std::max(1e-9, rows.density);
        rows.deepest = static_cast<std::int64_t>(std::clamp(deepest, DEEPEST, 1e9));
    }

    Given<T, 1> x_;
    std::optional<Integers> starts_;
    std::optional<Given<std::int32_t, 1>> columns_;
    std::optional<Integers> classes_;
    std::optional<Given<T, 2>> targets_;
    std::optional<Given<T, 1>> weight_;
    std::int64_t least_ = 0, most_ = 0;
};

}  // namespace trainlab
