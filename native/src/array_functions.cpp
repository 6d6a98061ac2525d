// Functions of NumPy's arrays of float64, for src/trainlab/book: shapes are checked at the door.

#include "array_functions.hpp"

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>

#include <array>
#include <optional>
#include <type_traits>

#include "checks.hpp"
#include "threads.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace trainlab {
namespace {

using Row = Given<double, 1>;
using Matrix = Given<double, 2>;
using FilledRow = Filled<double, 1>;
using FilledMatrix = Filled<double, 2>;
using Any = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using FilledAny = nb::ndarray<double, nb::c_contig, nb::device::cpu>;
using Marks = nb::ndarray<const bool, nb::c_contig, nb::device::cpu>;
using FilledMarks = nb::ndarray<bool, nb::c_contig, nb::device::cpu>;

const ArrayKernels* kernels;

// Scratch memory of this thread, which grows as it is needed.
char* scratch_of(std::size_t bytes) {
    thread_local Memory memory;
    memory.reserve(bytes);
    return memory.at();
}

// A product whose chains end as told; `copies` says whether it copies its right factor.
template <class Use>
void multiply(Sizes sizes, const Integers& ends, const FilledMatrix& out, bool copies, Use use) {
    const Chains chains{ends.data(), length(ends.shape(0))};
    require(sizes.rows > 0 && sizes.depth > 0 && sizes.columns > 0, "arrays must not be empty");
    require(sizes.rows < 1ll << 31 && sizes.depth < 1ll << 31 && sizes.columns < 1ll << 31,
            "arrays are too long");
    require(chains.count > 0 && chains.ends[0] > 0 && chains.ends[chains.count - 1] == sizes.depth,
            "ends do not fit");
    for (std::int64_t i = 1; i < chains.count; ++i)
        require(chains.ends[i - 1] < chains.ends[i], "ends must rise");
    require(length(out.shape(0)) == sizes.rows && length(out.shape(1)) == sizes.columns,
            "room for the product does not fit");
    nb::gil_scoped_release released;
    const std::int64_t copied = copies ? sizes.depth * sizes.columns : 0;
    use(chains, scratch_of(kernels->product_bytes(chains, copied)));
}

template <class X>
void product(const Given<X, 2>& x, const Matrix& w, const std::optional<Row>& bias,
             const Integers& ends, const FilledMatrix& out) {
    const Sizes sizes{length(x.shape(0)), length(x.shape(1)), length(w.shape(1))};
    require(length(w.shape(0)) == sizes.depth, "w does not fit x");
    require(!bias || length(bias->shape(0)) == sizes.columns, "the bias does not fit");
    const double* added = bias ? bias->data() : nullptr;
    multiply(sizes, ends, out, false, [&](Chains chains, char* scratch) {
        if constexpr (std::is_same_v<X, float>)
            kernels->product_of_float(sizes, chains, x.data(), w.data(), added, out.data(),
                                      scratch);
        else
            kernels->product_of_double(sizes, chains, x.data(), w.data(), added, out.data(),
                                       scratch);
    });
}

template <class X>
void transposed_product(const Given<X, 2>& x, const Matrix& w, const Integers& ends,
                        const FilledMatrix& out) {
    const Sizes sizes{length(x.shape(1)), length(x.shape(0)), length(w.shape(1))};
    require(length(w.shape(0)) == sizes.depth, "w does not fit x");
    multiply(sizes, ends, out, false, [&](Chains chains, char* scratch) {
        if constexpr (std::is_same_v<X, float>)
            kernels->transposed_product_of_float(sizes, chains, x.data(), w.data(), out.data(),
                                                 scratch);
        else
            kernels->transposed_product_of_double(sizes, chains, x.data(), w.data(), out.data(),
                                                  scratch);
    });
}

void product_with_transposed(const Matrix& x, const Matrix& w, const Integers& ends,
                             const FilledMatrix& out) {
    const Sizes sizes{length(x.shape(0)), length(x.shape(1)), length(w.shape(0))};
    require(length(w.shape(1)) == sizes.depth, "w does not fit x");
    multiply(sizes, ends, out, true, [&](Chains chains, char* scratch) {
        kernels->product_with_transposed(sizes, chains, x.data(), w.data(), out.data(), scratch);
    });
}

void sum_rows(const Matrix& x, const FilledRow& out) {
    require(out.shape(0) == x.shape(1), "room for the sums does not fit");
    kernels->sum_rows(length(x.shape(0)), length(x.shape(1)), x.data(), out.data());
}

void relu(const Any& x, const FilledAny& y, const FilledMarks& mask) {
    require(y.size() == x.size() && mask.size() == x.size(), "room does not fit x");
    kernels->relu(length(x.size()), x.data(), y.data(), mask.data());
}

void relu_backward(const Marks& mask, const Any& dy, const FilledAny& dx) {
    require(dy.size() == mask.size() && dx.size() == mask.size(), "dy does not fit the mask");
    kernels->relu_backward(length(mask.size()), mask.data(), dy.data(), dx.data());
}

void mask(const Marks& mask, const Any& x, const FilledAny& y) {
    require(x.size() == mask.size() && y.size() == mask.size(), "x does not fit the mask");
    kernels->mask(length(mask.size()), mask.data(), x.data(), y.data());
}

Normalized normalized(const FilledMatrix& xc, const FilledMatrix& xn, const FilledRow& std,
                      const Row& gamma, const Row& beta) {
    const std::size_t rows = xc.shape(0), columns = xc.shape(1);
    require(rows > 0 && columns > 0, "arrays must not be empty");
    require(xn.shape(0) == rows && xn.shape(1) == columns && std.shape(0) == columns &&
                gamma.shape(0) == columns && beta.shape(0) == columns,
            "arrays of the layer do not fit each other");
    return {length(rows), length(columns), gamma.data(), beta.data(),
            xc.data(),    xn.data(),       std.data()};
}

void batch_norm(const Matrix& x, const Row& gamma, const Row& beta, double offset,
                const FilledMatrix& xc, const FilledMatrix& xn, const FilledRow& std,
                const FilledRow& mean, const FilledRow& var, const FilledMatrix& y) {
    const Normalized norm = normalized(xc, xn, std, gamma, beta);
    require(length(x.shape(0)) == norm.rows && length(x.shape(1)) == norm.columns &&
                y.shape(0) == x.shape(0) && y.shape(1) == x.shape(1) &&
                mean.shape(0) == x.shape(1) && var.shape(0) == x.shape(1),
            "x does not fit the layer");
    kernels->batch_norm(norm, offset, x.data(), mean.data(), var.data(), y.data());
}

void batch_norm_backward(const Matrix& dy, const Row& gamma, const FilledMatrix& xc,
                         const FilledMatrix& xn, const FilledRow& std, const FilledRow& d_gamma,
                         const FilledRow& d_beta, const FilledMatrix& dx) {
    const Normalized norm = normalized(xc, xn, std, gamma, gamma);
    require(length(dy.shape(0)) == norm.rows && length(dy.shape(1)) == norm.columns &&
                dx.shape(0) == dy.shape(0) && dx.shape(1) == dy.shape(1) &&
                d_gamma.shape(0) == dy.shape(1) && d_beta.shape(0) == dy.shape(1),
            "dy does not fit the layer");
    kernels->batch_norm_backward(norm, dy.data(), dx.data(), d_gamma.data(), d_beta.data());
}

void update(std::int64_t rule, const std::array<double, ARRAY_NUMBERS>& numbers, const FilledAny& p,
            const Any& g, const std::optional<FilledAny>& first,
            const std::optional<FilledAny>& second) {
    require(rule >= 0 && rule < ARRAY_RULES, "there is no such rule");
    require(bool(first) == (rule != ARRAY_SGD) && bool(second) == (rule == ARRAY_ADAM),
            "the past does not fit the rule");
    const std::size_t count = p.size();
    require(g.size() == count && (!first || first->size() == count) &&
                (!second || second->size() == count),
            "arrays do not fit each other");
    kernels->update(rule, numbers.data(), length(count), p.data(), g.data(),
                    first ? first->data() : nullptr, second ? second->data() : nullptr);
}

}  // namespace

void bind_array_functions(nb::module_& module, const ArrayKernels& chosen) {
    kernels = &chosen;
    // Nothing is converted: what is written must be the caller's array, no copy of it.
    const auto as_given = [](const char* name) { return nb::arg(name).noconvert(); };
    const auto or_none = [](const char* name) { return nb::arg(name).noconvert().none(); };
    const auto x = as_given("x"), w = as_given("w"), ends = as_given("ends"), out = as_given("out");
    const auto dy = as_given("dy"), dx = as_given("dx"), y = as_given("y"), mask = as_given("mask");
    const auto gamma = as_given("gamma"), beta = as_given("beta");
    const auto xc = as_given("xc"), xn = as_given("xn"), std = as_given("std");
    module.def("product", &product<float>, x, w, or_none("bias"), ends, out);
    module.def("product", &product<double>, x, w, or_none("bias"), ends, out);
    module.def("transposed_product", &transposed_product<float>, x, w, ends, out);
    module.def("transposed_product", &transposed_product<double>, x, w, ends, out);
    module.def("product_with_transposed", &product_with_transposed, x, w, ends, out);
    module.def("sum_rows", &sum_rows, x, out);
    module.def("relu", &relu, x, y, mask);
    module.def("relu_backward", &relu_backward, mask, dy, dx);
    module.def("mask", &trainlab::mask, mask, x, y);
    module.def("batch_norm", &batch_norm, x, gamma, beta, "offset"_a, xc, xn, std, as_given("mean"),
               as_given("var"), y);
    module.def("batch_norm_backward", &batch_norm_backward, dy, gamma, xc, xn, std,
               as_given("d_gamma"), as_given("d_beta"), dx);
    module.def("update", &update, "rule"_a, "numbers"_a, as_given("p"), as_given("g"),
               or_none("first"), or_none("second"));
}

}  // namespace trainlab
