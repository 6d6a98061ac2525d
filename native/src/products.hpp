// Products of matrices.
//
// Each number of a product is one chain of fused multiply-adds over ascending k, from the bias or
// from +0.  A chain is never split, and +0 is added at its end, so that a number has the same
// bits whatever the width of the vectors, the tile it lies in, and whether factors that are zero
// are skipped or not.

#pragma once

#include "memory.hpp"
#include "network.hpp"
#include "team.hpp"

namespace trainlab::TRAINLAB_ISA {

// A matrix to multiply from the left: a(r, k) = at[r * row + k * depth].
template <class T>
struct Left {
    const T* at;
    Index row, depth;
};

// Vectors side by side in a tile, and rows of it: the sums, a row of b and one factor fit into
// the registers, 32 or 16 of them, and so do the addresses of the rows.
template <class T>
constexpr int widest = sizeof(Vec<T>) == 64 ? 4 : 2;
template <class T, int C>
constexpr int tallest = sizeof(Vec<T>) == 64 && C > 1 ? 24 / C : 12 / C;

// What a product is added to: a row for all rows, a matrix, or nothing where there is none.
template <class T>
struct Start {
    const T* at;
    Index row;  // 0 where one is for all
};

// out (R, C vectors) = start + a b.
template <class T, int R, int C>
TRAINLAB_INLINE void tile(Left<T> a, const T* b, Index b_row, Index depth, Start<T> start, T* out,
                          Index out_row) {
    constexpr int W = Vec<T>::width;
    Vec<T> sum[R][C];
    for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c)
            sum[r][c] = start.at ? load(start.at + r * start.row + c * W) : zero<T>();
    const T* factor = a.at;
    for (Index k = 0; k < depth; ++k, b += b_row, factor += a.depth) {
        Vec<T> row[C];
        for (int c = 0; c < C; ++c) row[c] = load(b + c * W);
        for (int r = 0; r < R; ++r) {
            const Vec<T> x = broadcast(factor[r * a.row]);
            for (int c = 0; c < C; ++c) sum[r][c] = fma(x, row[c], sum[r][c]);
        }
    }
    for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) store(out + r * out_row + c * W, sum[r][c] + zero<T>());
}

// The last rows, fewer than make a whole tile.
template <class T, int R, int C>
void rest(Index rows, Left<T> a, const T* b, Index b_row, Index depth, Start<T> start, T* out,
          Index out_row) {
    if constexpr (R > 0) {
        if (rows == R)
            tile<T, R, C>(a, b, b_row, depth, start, out, out_row);
        else
            rest<T, R - 1, C>(rows, a, b, b_row, depth, start, out, out_row);
    }
}

// C vectors of columns of a product.
template <class T, int C>
void panel(Index rows, Left<T> a, const T* b, Index b_row, Index depth, Start<T> start, T* out,
           Index out_row) {
    constexpr int R = tallest<T, C>;
    while (rows >= R) {
        tile<T, R, C>(a, b, b_row, depth, start, out, out_row);
        a.at += R * a.row;
        if (start.at) start.at += R * start.row;
        out += R * out_row;
        rows -= R;
    }
    rest<T, R - 1, C>(rows, a, b, b_row, depth, start, out, out_row);
}

// The same, so many rows of b at a time as stay in the nearest cache for all rows of the product,
// whose sums wait in `out` meanwhile.
template <class T, int C>
void deep_panel(Index rows, Left<T> a, const T* b, Index b_row, Index depth, const T* start, T* out,
                Index out_row) {
    constexpr Index most = Index(32768) / static_cast<Index>(C * sizeof(Vec<T>));
    const Index blocks = (depth + most - 1) / most;
    Start<T> from{start, 0};
    for (Index i = 0, k = 0; i < blocks; ++i) {
        const Index end = depth * (i + 1) / blocks;
        panel<T, C>(rows, Left<T>{a.at + k * a.depth, a.row, a.depth}, b + k * b_row, b_row,
                    end - k, from, out, out_row);
        from = {out, out_row};
        k = end;
    }
}

template <class T, int C>
void last_panel(Index vectors, Index rows, Left<T> a, const T* b, Index b_row, Index depth,
                const T* start, T* out, Index out_row) {
    if constexpr (C > 0) {
        if (vectors == C)
            deep_panel<T, C>(rows, a, b, b_row, depth, start, out, out_row);
        else
            last_panel<T, C - 1>(vectors, rows, a, b, b_row, depth, start, out, out_row);
    }
}

// out (rows, columns) = start + a b, with b (depth, columns).  `columns` are whole blocks.
template <class T>
void product(Index rows, Left<T> a, const T* b, Index b_row, Index depth, Index columns,
             const T* start, T* out, Index out_row) {
    constexpr int C = widest<T>, W = Vec<T>::width;
    Index vectors = columns / W;
    while (vectors >= C) {
        deep_panel<T, C>(rows, a, b, b_row, depth, start, out, out_row);
        b += C * W;
        out += C * W;
        if (start) start += C * W;
        vectors -= C;
    }
    last_panel<T, C - 1>(vectors, rows, a, b, b_row, depth, start, out, out_row);
}

// C vectors of columns of a product whose left factor is given by lists.  Block by block of these:
// the rows of b that one needs stay in the nearest cache for all rows of the product, whose sums
// wait in `out` meanwhile.
template <class T, int C>
void listed_panel(const Lists<T>& a, Share rows, const T* b, Index b_row, const T* start, T* out,
                  Index out_row) {
    constexpr int W = Vec<T>::width;
    for (Index block = 0; block < a.blocks; ++block) {
        const std::int32_t* starts = a.starts + block * a.rows;
        const bool is_first = block == 0, is_last = block == a.blocks - 1;
        T* sums = out;
        for (Index r = rows.from; r < rows.to; ++r, sums += out_row) {
            const T* from = is_first ? start : sums;
            Vec<T> sum[C];
            for (int c = 0; c < C; ++c) sum[c] = from ? load(from + c * W) : zero<T>();
            for (Index i = starts[r]; i < starts[r + 1]; ++i) {
                const T* row = b + a.columns[i] * b_row;
                const Vec<T> x = broadcast(a.values[i]);
                for (int c = 0; c < C; ++c) sum[c] = fma(x, load(row + c * W), sum[c]);
            }
            for (int c = 0; c < C; ++c) store(sums + c * W, is_last ? sum[c] + zero<T>() : sum[c]);
        }
    }
}

template <class T, int C>
void last_listed(Index vectors, const Lists<T>& a, Share rows, const T* b, Index b_row,
                 const T* start, T* out, Index out_row) {
    if constexpr (C > 0) {
        if (vectors == C)
            listed_panel<T, C>(a, rows, b, b_row, start, out, out_row);
        else
            last_listed<T, C - 1>(vectors, a, rows, b, b_row, start, out, out_row);
    }
}

// out (rows of a share, columns) = start + a b, with b (depth, columns) and lists for a.
template <class T>
void listed_product(const Lists<T>& a, Share rows, const T* b, Index b_row, Index columns,
                    const T* start, T* out, Index out_row) {
    constexpr int C = 8, W = Vec<T>::width;
    Index vectors = columns / W;
    while (vectors >= C) {
        listed_panel<T, C>(a, rows, b, b_row, start, out, out_row);
        b += C * W;
        out += C * W;
        if (start) start += C * W;
        vectors -= C;
    }
    last_listed<T, C - 1>(vectors, a, rows, b, b_row, start, out, out_row);
}

// out (columns, rows) = a transposed, with whole blocks of columns of a, and zeros behind its rows
// up to a whole block.
template <class T>
void transpose(Index rows, Index columns, const T* a, Index a_row, T* out, Index out_row) {
    constexpr int W = Vec<T>::width, half = W / 2;
    constexpr Index block = Format<T>::block;
    for (Index r = 0; r < (rows + block - 1) / block * block; r += W)
        for (Index c = 0; c < columns; c += W) {
            Vec<T> tile[W];
            for (int i = 0; i < W; ++i)
                tile[i] = r + i < rows ? load(a + (r + i) * a_row + c) : zero<T>();
            // Rows i and i + half, shuffled into each other, become rows 2i and 2i + 1.
            for (int stage = 1; stage < W; stage *= 2) {
                Vec<T> next[W];
                for (int i = 0; i < half; ++i) {
                    next[2 * i] = tile[i];
                    next[2 * i + 1] = tile[i + half];
                    interleave(next[2 * i], next[2 * i + 1]);
                }
                for (int i = 0; i < W; ++i) tile[i] = next[i];
            }
            for (int i = 0; i < W; ++i) store(out + (c + i) * out_row + r, tile[i]);
        }
}

// out (columns) = the sum of the rows of a: one chain over ascending rows for each column.
template <class T>
void sum_of_rows(Index rows, Index columns, const T* a, Index a_row, T* out) {
    for (Index c = 0; c < columns; c += Vec<T>::width) {
        Vec<T> sum = zero<T>();
        for (Index r = 0; r < rows; ++r) sum = sum + load(a + r * a_row + c);
        store(out + c, sum);
    }
}

}  // namespace trainlab::TRAINLAB_ISA
