// Losses, each beside its derivative, in the order of src/trainlab/network/losses.py, whose
// formulas they are.
//
// A row function takes the outputs y of one sample, calls use(j, d) with the derivative of its
// loss for each vector of outputs from j on, and returns the loss of the sample.  The terms of a
// sample are added in the tree of sums.hpp, in the type of the network; its weight is multiplied
// in that type as well; the samples of a batch are added in double, in ascending order.

#pragma once

#include "functions.hpp"
#include "network.hpp"
#include "products.hpp"
#include "sums.hpp"

namespace trainlab::TRAINLAB_ISA {

// 1/2 sum (y - t)^2.
template <class T, class Use>
TRAINLAB_INLINE T squared_error(const T* y, const T* t, Index outputs, Use use) {
    return sum_row<T>(outputs, [&](Index j) {
        const Vec<T> residual = load(y + j) - load(t + j);
        use(j, residual);
        return (residual * residual) * broadcast(T(0.5));
    });
}

// Sum of c (r - c/2) with r = y - t, c = r clipped to +-delta.
template <class T, class Use>
TRAINLAB_INLINE T huber(const T* y, const T* t, Index outputs, T delta, Use use) {
    const Vec<T> high = broadcast(delta), low = broadcast(-delta);
    return sum_row<T>(outputs, [&](Index j) {
        const Vec<T> residual = load(y + j) - load(t + j);
        const Vec<T> clipped = min(high, max(low, residual));
        use(j, clipped);
        return (((residual + residual) - clipped) * clipped) * broadcast(T(0.5));
    });
}

// Sum of max(y, 0) - t y + ln(1 + e^-|y|).
template <class T, class Use>
TRAINLAB_INLINE T sigmoid_cross_entropy(const T* y, const T* t, Index outputs, Use use) {
    const Vec<T> one = broadcast(T(1));
    return sum_row<T>(outputs, [&](Index j) {
        const Vec<T> own = load(y + j), target = load(t + j);
        const Vec<T> small = exp(min(own, negate(own)));
        const Vec<T> entry = (log1p(small) + max(zero<T>(), own)) - own * target;
        // e/(1 + e) for y < 0, 1/(1 + e) for the others: each free of cancellation.
        const Vec<T> probability = select(own >= zero<T>(), one, small) / (small + one);
        use(j, without_padding(outputs, j, probability - target));
        return without_padding(outputs, j, entry);
    });
}

// Samples whose softmax is computed side by side: as many as a block holds.
template <class T>
struct Samples {
    alignas(64) T target[Format<T>::block];    // their classes
    alignas(64) T expected[Format<T>::block];  // their outputs for these
    alignas(64) T weight[Format<T>::block];
    alignas(64) T loss[Format<T>::block];
};

// Softmax cross-entropy of the samples from `first` on: their losses, and dy, unless it is null.
// `turned` (outputs, block) has room for their outputs, turned over: vectors go across samples, so
// that sums and maxima need no shuffles and nothing is computed for padding but that of a batch.
template <class T>
void softmax(const Network& network, double smoothing, const Batch<T>& batch, Index first,
             const T* y, Index row, T* dy, T* turned, Samples<T>& samples) {
    constexpr Index block = Format<T>::block;
    const Index outputs = network.outputs, left = batch.rows - first;
    const Index count = left < block ? left : block;
    y += first * row;
    for (Index i = 0; i < block; ++i) {
        const bool is_there = i < count;
        samples.target[i] = is_there ? static_cast<T>(batch.classes[first + i]) : T(0);
        samples.expected[i] = is_there ? y[i * row + batch.classes[first + i]] : T(0);
        samples.weight[i] = is_there && batch.weight ? batch.weight[first + i] : T(1);
    }
    transpose(count, columns_of<T>(outputs), y, row, turned, block);
    const T ratio = static_cast<T>(smoothing);
    const Vec<T> of_class = broadcast(static_cast<T>(1.0 - smoothing));
    const Vec<T> of_all = broadcast(static_cast<T>(smoothing / static_cast<double>(outputs)));
    const Vec<T> rows = broadcast(static_cast<T>(batch.rows));
    for (Index i = 0; i < block; i += Vec<T>::width) {
        T* own = turned + i;  // of the first output; the others follow at a distance of `block`
        Vec<T> top = broadcast(-Format<T>::infinity);
        for (Index j = 0; j < outputs; ++j) top = max(load(own + j * block), top);
        Vec<T> expected = load(samples.expected + i) - top;
        if (ratio > T(0)) {
            const Vec<T> sum =
                sum_down<T>(outputs, [&](Index j) { return load(own + j * block) - top; });
            const Vec<T> mean = sum / broadcast(static_cast<T>(outputs));
            expected = broadcast(T(1) - ratio) * expected + broadcast(ratio) * mean;
        }
        const Vec<T> total = sum_down<T>(outputs, [&](Index j) {
            const Vec<T> power = flushed_exp(load(own + j * block) - top);
            store(own + j * block, power);
            return power;
        });
        store(samples.loss + i, log(total) - expected);
        if (!dy) continue;
        const Vec<T> target = load(samples.target + i), weight = load(samples.weight + i);
        for (Index j = 0; j < outputs; ++j) {  // p - q
            Vec<T> d = load(own + j * block) / total - of_all;
            d = flushed(select(target == broadcast(static_cast<T>(j)), d - of_class, d));
            store(own + j * block, (batch.weight ? d * weight : d) / rows);
        }
    }
    if (dy) transpose(columns_of<T>(outputs), block, turned, block, dy + first * row, row);
}

// Stores dy = d w / B for the row r of a batch.
template <class T>
struct Store {
    T* dy;
    Vec<T> weight, rows;
    bool weighed;
    Store(const Batch<T>& batch, Index r, T* row) : dy(row), weight(broadcast(T(1))) {
        weighed = batch.weight != nullptr;
        if (weighed) weight = broadcast(batch.weight[r]);
        rows = broadcast(static_cast<T>(batch.rows));
    }
    void operator()(Index j, Vec<T> d) const {
        d = flushed(d);
        store(dy + j, (weighed ? d * weight : d) / rows);
    }
};

// Calls each(r, loss of the sample r) for the rows of a batch; fills dy with the derivative of
// their mean, unless it is null.  dy (rows, row) has room for whole blocks of rows, `turned` for a
// block of columns.
template <class T, bool derivative, class Each>
TRAINLAB_INLINE void each_loss(const Network& network, double setting, const Batch<T>& batch,
                               const T* y, Index row, T* dy, T* turned, Each each) {
    const Index outputs = network.outputs;
    const auto simple = [&](const auto& loss) {
        for (Index r = 0; r < batch.rows; ++r) {
            const T* t = batch.targets + r * batch.target_row;
            if constexpr (derivative)
                each(r, loss(y + r * row, t, Store<T>(batch, r, dy + r * row)));
            else
                each(r, loss(y + r * row, t, [](Index, Vec<T>) {}));
        }
    };
    if (network.loss == MEAN_SQUARED_ERROR)
        return simple([&](const T* own, const T* t, const auto& use) {
            return squared_error(own, t, outputs, use);
        });
    if (network.loss == HUBER)
        return simple([&](const T* own, const T* t, const auto& use) {
            return huber(own, t, outputs, static_cast<T>(setting), use);
        });
    if (network.loss == SIGMOID_CROSS_ENTROPY)
        return simple([&](const T* own, const T* t, const auto& use) {
            return sigmoid_cross_entropy(own, t, outputs, use);
        });
    Samples<T> samples;
    for (Index first = 0; first < batch.rows; first += Format<T>::block) {
        softmax(network, setting, batch, first, y, row, dy, turned, samples);
        for (Index i = 0; i < Format<T>::block && first + i < batch.rows; ++i)
            each(first + i, samples.loss[i]);
    }
}

// The sum of w times loss over the rows.
template <class T, bool derivative>
double summed_loss(const Network& network, double setting, const Batch<T>& batch, const T* y,
                   Index row, T* dy, T* turned) {
    double sum = 0;
    each_loss<T, derivative>(network, setting, batch, y, row, dy, turned, [&](Index r, T loss) {
        sum += static_cast<double>(batch.weight ? loss * batch.weight[r] : loss);
    });
    return sum;
}

// The loss of a batch, 1/B sum of w times loss, and dy (rows, row), its derivative in y.
template <class T>
T loss_and_gradient(const Network& network, const Member<T>& member, const Batch<T>& batch,
                    const T* y, Index row, T* dy, T* turned) {
    const double sum =
        summed_loss<T, true>(network, member.settings[LOSS], batch, y, row, dy, turned);
    return static_cast<T>(sum / static_cast<double>(batch.rows));
}

// Whether the outputs y say what the target is: the first of the largest is the class, or all of
// them are on the side of 0 where their targets are of 1/2.  False for losses on real targets.
template <class T>
bool is_right(const Network& network, const Batch<T>& batch, Index r, const T* y) {
    const Index outputs = network.outputs;
    bool right = true;
    if (network.loss == SOFTMAX_CROSS_ENTROPY) {
        const Index target = batch.classes[r];
        const Vec<T> own = broadcast(y[target]);
        for_row<T>(outputs, [&](Index j, int) {
            const Vec<T> each = load(y + j);
            const Mask<T> here = first<T>(static_cast<int>(outputs - j));
            const Mask<T> before = first<T>(static_cast<int>(target - j));
            // `own` is NaN, or one before is as large, or one behind is larger.
            right = right && !any(here & ~((each < own) | (~before & (each <= own))));
        });
    } else if (network.loss == SIGMOID_CROSS_ENTROPY) {
        const T* t = batch.targets + r * batch.target_row;
        for (Index j = 0; j < outputs; ++j) right = right && (y[j] > T(0)) == (t[j] > T(0.5));
    } else {
        right = false;
    }
    return right;
}

// Adds the losses of the rows to `loss` and the number of right predictions to `right`, each times
// its weight.
template <class T>
void sum_losses(const Network& network, const Member<T>& member, const Batch<T>& batch, const T* y,
                Index row, T* turned, double& loss, double& right) {
    loss += summed_loss<T, false>(network, member.settings[LOSS], batch, y, row,
                                  static_cast<T*>(nullptr), turned);
    for (Index r = 0; r < batch.rows; ++r)
        if (is_right(network, batch, r, y + r * row))
            right += batch.weight ? static_cast<double>(batch.weight[r]) : 1.0;
}

}  // namespace trainlab::TRAINLAB_ISA
