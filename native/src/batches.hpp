// Batches: rows of a split brought together, dense or as lists of the numbers that are not zero.

#pragma once

#include <cstring>

#include "memory.hpp"
#include "network.hpp"

namespace trainlab::TRAINLAB_ISA {

// The places of a row of targets.
template <class T>
inline Index target_places(const Rows<T>& rows) {
    constexpr Index block = Format<T>::block;
    return (rows.outputs + block - 1) / block * block;
}

// Lays a batch out; measures alone where the memory is null.
template <class T>
struct BatchLayout {
    T *x = nullptr, *values = nullptr, *column_values = nullptr, *targets = nullptr,
      *weight = nullptr;
    std::int32_t *starts = nullptr, *columns = nullptr, *column_starts = nullptr,
                 *column_rows = nullptr;
    std::int64_t* classes = nullptr;
    std::size_t bytes = 0;

    BatchLayout(const Rows<T>& rows, Index count, char* memory) {
        Arena arena(memory);
        if (rows.is_sparse) {
            const Index most = count * rows.longest;
            starts = arena.take<std::int32_t>(count + 1);
            columns = arena.take<std::int32_t>(most);
            values = arena.take<T>(most);
            column_starts = arena.take<std::int32_t>(rows.features + 1);
            column_rows = arena.take<std::int32_t>(most);
            column_values = arena.take<T>(most);
        } else {
            x = arena.take<T>(count * rows.features);
        }
        if (rows.classes) classes = arena.take<std::int64_t>(count);
        if (rows.targets) targets = arena.take<T>(count * target_places(rows));
        if (rows.weight) weight = arena.take<T>(count);
        bytes = arena.bytes();
    }
};

template <class T>
std::size_t batch_bytes(const Rows<T>& rows, Index count) {
    return BatchLayout<T>(rows, count, nullptr).bytes;
}

// The numbers of a row that are not zero; returns how many.
template <class T>
inline Index list_row(const Rows<T>& rows, Index row, std::int32_t* columns, T* values) {
    Index found = 0;
    if (rows.starts) {
        for (Index at = rows.starts[row]; at < rows.starts[row + 1]; ++at) {
            columns[found] = rows.columns[at];
            values[found] = rows.x[at];
            ++found;
        }
        return found;
    }
    const T* x = rows.x + row * rows.features;
    // The place is written even where the number is zero, so that nothing is to be predicted;
    // the last place of the lists is checked by hand.
    Index c = 0;
    for (; c < rows.features && found < rows.longest; ++c) {
        columns[found] = static_cast<std::int32_t>(c);
        values[found] = x[c];
        found += x[c] != 0;
    }
    return found;
}

// The same numbers by column, their rows rising.
template <class T>
inline void list_columns(Index features, Index rows, BatchLayout<T>& to) {
    const Index numbers = to.starts[rows];
    for (Index c = 0; c <= features; ++c) to.column_starts[c] = 0;
    for (Index at = 0; at < numbers; ++at) ++to.column_starts[to.columns[at]];
    std::int32_t before = 0;
    for (Index c = 0; c <= features; ++c) {
        const std::int32_t own = to.column_starts[c];
        to.column_starts[c] = before;
        before += own;
    }
    for (Index r = 0; r < rows; ++r)
        for (Index at = to.starts[r]; at < to.starts[r + 1]; ++at) {
            const std::int32_t place = to.column_starts[to.columns[at]]++;
            to.column_rows[place] = static_cast<std::int32_t>(r);
            to.column_values[place] = to.values[at];
        }
    // Every start has moved on to that of the next column.
    for (Index c = features; c > 0; --c) to.column_starts[c] = to.column_starts[c - 1];
    to.column_starts[0] = 0;
}

template <class T>
void gather(const Rows<T>& rows, const std::int64_t* chosen, std::int64_t first, std::int64_t count,
            bool by_column, Batch<T>& batch, char* memory) {
    BatchLayout<T> to(rows, count, memory);
    const Index outputs = rows.outputs, target_row = target_places(rows);
    Index numbers = 0;
    if (rows.is_sparse) to.starts[0] = 0;
    for (Index b = 0; b < count; ++b) {
        const Index row = chosen ? chosen[b] : first + b;
        if (rows.is_sparse) {
            numbers += list_row(rows, row, to.columns + numbers, to.values + numbers);
            to.starts[b + 1] = static_cast<std::int32_t>(numbers);
        } else if (rows.starts) {
            T* x = to.x + b * rows.features;
            for (Index c = 0; c < rows.features; ++c) x[c] = 0;
            for (Index at = rows.starts[row]; at < rows.starts[row + 1]; ++at)
                x[rows.columns[at]] = rows.x[at];
        } else {
            std::memcpy(to.x + b * rows.features, rows.x + row * rows.features,
                        static_cast<std::size_t>(rows.features) * sizeof(T));
        }
        if (rows.classes) to.classes[b] = rows.classes[row];
        if (rows.weight) to.weight[b] = rows.weight[row];
        if (rows.targets)
            for (Index c = 0; c < target_row; ++c)
                to.targets[b * target_row + c] = c < outputs ? rows.targets[row * outputs + c] : 0;
    }
    if (rows.is_sparse && by_column) list_columns(rows.features, count, to);
    batch = {count,
             to.x,
             rows.features,
             to.starts,
             to.columns,
             to.values,
             to.column_starts,
             to.column_rows,
             to.column_values,
             to.classes,
             to.targets,
             target_row,
             to.weight};
}

}  // namespace trainlab::TRAINLAB_ISA
