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

// `count` things in as few even blocks of at most `deepest` as there can be.
struct Blocks {
    Index count, size;
    Blocks(Index things, Index deepest)
        : count((things + deepest - 1) / deepest), size((things + count - 1) / count) {}
};

// Lays a batch out; measures alone where the memory is null.
template <class T>
struct BatchLayout {
    Blocks columns, rows;  // of the lists
    T *x = nullptr, *values = nullptr, *transposed_values = nullptr, *targets = nullptr,
      *weight = nullptr;
    std::int32_t *starts = nullptr, *places = nullptr, *transposed_starts = nullptr,
                 *transposed_places = nullptr;
    std::int64_t* classes = nullptr;
    std::size_t bytes = 0;

    BatchLayout(const Rows<T>& from, Index count, char* memory)
        : columns(from.features, from.deepest), rows(count, from.deepest) {
        Arena arena(memory);
        if (from.is_sparse) {
            // A vector is written behind the last number.
            const Index most = count * from.longest + Vec<T>::width;
            starts = arena.take<std::int32_t>(columns.count * count + 1);
            places = arena.take<std::int32_t>(most);
            values = arena.take<T>(most);
            transposed_starts = arena.take<std::int32_t>(rows.count * from.features + 1);
            transposed_places = arena.take<std::int32_t>(most);
            transposed_values = arena.take<T>(most);
        } else {
            x = arena.take<T>(count * from.features);
        }
        if (from.classes) classes = arena.take<std::int64_t>(count);
        if (from.targets) targets = arena.take<T>(count * target_places(from));
        if (from.weight) weight = arena.take<T>(count);
        bytes = arena.bytes();
    }
};

template <class T>
std::size_t batch_bytes(const Rows<T>& rows, Index count) {
    return BatchLayout<T>(rows, count, nullptr).bytes;
}

// Lists the numbers of a row in columns from ... to - 1 that are not zero; returns how many.
template <class T>
inline Index list_row(const Rows<T>& rows, Index row, Index from, Index to, std::int32_t* places,
                      T* values) {
    Index found = 0;
    if (rows.starts) {
        Index at = rows.starts[row], end = rows.starts[row + 1];
        for (Index half; from > 0 && at < end;) {  // the first of them, by bisection
            half = at + (end - at) / 2;
            if (rows.columns[half] < from)
                at = half + 1;
            else
                end = half;
        }
        for (; at < rows.starts[row + 1] && rows.columns[at] < to; ++at) {
            places[found] = rows.columns[at];
            values[found] = rows.x[at];
            ++found;
        }
        return found;
    }
    const T* x = rows.x + row * rows.features;
    for (Index c = from; c < to; c += Vec<T>::width) {
        const Vec<T> own = load_part(x + c, static_cast<int>(to - c));
        found += list_numbers(own, static_cast<std::int32_t>(c), places + found, values + found);
    }
    return found;
}

// The lists of the transposed batch: those of a column, their rows rising.
template <class T>
inline void transpose_lists(Index features, Index count, BatchLayout<T>& to) {
    std::int32_t before = 0;
    for (Index first = 0; first < count; first += to.rows.size) {
        const Index end = first + to.rows.size < count ? first + to.rows.size : count;
        std::int32_t* starts = to.transposed_starts + first / to.rows.size * features;
        const auto each_column = [&](const auto& use) {
            for (Index block = 0; block < to.columns.count; ++block)
                for (Index r = first; r < end; ++r) {
                    const std::int32_t* own = to.starts + block * count + r;
                    for (Index at = own[0]; at < own[1]; ++at) use(r, at);
                }
        };
        for (Index c = 0; c < features; ++c) starts[c] = 0;
        each_column([&](Index, Index at) { ++starts[to.places[at]]; });
        const std::int32_t begin = before;
        for (Index c = 0; c < features; ++c) {
            const std::int32_t own = starts[c];
            starts[c] = before;
            before += own;
        }
        each_column([&](Index r, Index at) {
            const std::int32_t place = starts[to.places[at]]++;
            to.transposed_places[place] = static_cast<std::int32_t>(r);
            to.transposed_values[place] = to.values[at];
        });
        // Every start has moved on to that of the next column.
        for (Index c = features - 1; c > 0; --c) starts[c] = starts[c - 1];
        starts[0] = begin;
    }
    to.transposed_starts[to.rows.count * features] = before;
}

// The lists of the rows of a batch, block by block.
template <class T>
inline void list_rows(const Rows<T>& rows, const std::int64_t* chosen, Index first, Index count,
                      BatchLayout<T>& to) {
    constexpr Index ahead = 4;  // rows that are fetched: no pattern tells where they lie
    const auto row_of = [&](Index b) { return chosen ? chosen[b] : first + b; };
    Index numbers = 0;
    std::int32_t* start = to.starts;
    for (Index from = 0; from < rows.features; from += to.columns.size) {
        const Index left = rows.features - from;
        const Index end = from + (left < to.columns.size ? left : to.columns.size);
        for (Index b = 0; b < count; ++b) {
            if (!rows.starts && b + ahead < count) {
                const T* next = rows.x + row_of(b + ahead) * rows.features;
                for (Index c = from; c < end; c += Format<T>::block) prefetch(next + c);
            }
            *start++ = static_cast<std::int32_t>(numbers);
            numbers +=
                list_row(rows, row_of(b), from, end, to.places + numbers, to.values + numbers);
        }
    }
    *start = static_cast<std::int32_t>(numbers);
}

template <class T>
void gather(const Rows<T>& rows, const std::int64_t* chosen, std::int64_t first, std::int64_t count,
            bool by_column, Batch<T>& batch, char* memory) {
    BatchLayout<T> to(rows, count, memory);
    const Index outputs = rows.outputs, target_row = target_places(rows);
    if (rows.is_sparse) list_rows(rows, chosen, first, count, to);
    for (Index b = 0; b < count; ++b) {
        const Index row = chosen ? chosen[b] : first + b;
        if (rows.is_sparse) {
            // It has been listed.
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
    if (rows.is_sparse && by_column) transpose_lists(rows.features, count, to);
    batch = {count,
             to.x,
             rows.features,
             {count, to.columns.count, to.starts, to.places, to.values},
             {rows.features, to.rows.count, to.transposed_starts, to.transposed_places,
              to.transposed_values},
             to.classes,
             to.targets,
             target_row,
             to.weight};
}

}  // namespace trainlab::TRAINLAB_ISA
