// Products of matrices as NumPy has them: without padding, aligned to single numbers.
//
// Each number is a sum of chains of fused multiply-adds over ascending k, each from +0, of which
// the caller says where they end: the products of a BLAS have such chains, and give these bits.
// Where all rows of a tile have a zero it is left out, which leaves a chain as it is: of images of
// digits that is more than half.

#pragma once

#include <cstring>

#include "arrays.hpp"
#include "norms.hpp"
#include "products.hpp"

namespace trainlab::TRAINLAB_ISA {

// A chain of a product.
struct Chain {
    Index depth;
    bool is_first;
    const double* bias;  // (columns,), added after the last chain, else null
};

// Rows of a tile, and vectors side by side in it.
constexpr int TILE_VECTORS = widest<double>, TILE_ROWS = tallest<double, TILE_VECTORS>;

constexpr Index TILES = 16;             // whose rows are multiplied by one panel after the other
constexpr Index GATHERED_DEPTH = 128;  // the shortest chain whose zeros are looked for

inline Index longest_of(Chains chains) {
    Index longest = 0;
    for (Index i = 0; i < chains.count; ++i) {
        const Index own = chains.ends[i] - (i ? chains.ends[i - 1] : 0);
        if (own > longest) longest = own;
    }
    return longest;
}

// Scratch memory of a product, laid out.
struct ProductScratch {
    std::uint64_t* bits;  // of the factors of a tile, those of all rows together
    std::int32_t* at;     // of each tile, the places of those that are used
    double* factors;      // of each tile, TILE_ROWS for each place
    double* copy;         // a transposed matrix
    std::size_t bytes;

    ProductScratch(Chains chains, Index copied, char* memory) {
        Arena arena(memory);
        const Index longest = longest_of(chains);
        bits = arena.take<std::uint64_t>(longest);
        at = arena.take<std::int32_t>(TILES * (longest + 1));
        factors = arena.take<double>(TILES * longest * TILE_ROWS);
        copy = arena.take<double>(copied);
        bytes = arena.bytes();
    }
};

// The left factors of at most TILE_ROWS rows: a (rows, count).  Their places in the chain are
// at[0], at[1] ... or, where that is null, 0, 1 ...
struct Tile {
    Index rows;
    Left<double> a;
    Index count;
    const std::int32_t* at;
};

// The bits of some rows together: only where all numbers are zero they are but a sign.
template <class X>
void gather_bits(Index rows, Left<X> a, Index depth, typename Format<X>::Integer* bits) {
    using Integer = typename Format<X>::Integer;
    for (Index k = 0; k < depth; ++k) bits[k] = 0;
    const auto add = [&](Index r, Index k) {
        Integer own;
        std::memcpy(&own, a.at + r * a.row + k * a.depth, sizeof(own));
        bits[k] |= own;
    };
    if (a.depth == 1) {
        for (Index r = 0; r < rows; ++r)
            for (Index k = 0; k < depth; ++k) add(r, k);
    } else {
        for (Index k = 0; k < depth; ++k)
            for (Index r = 0; r < rows; ++r) add(r, k);
    }
}

// Brings the factors of a tile together; unless `all`, without those that are zero in all rows.
template <class X>
Tile gathered(Index rows, Left<X> a, Index depth, bool all, auto* bits, std::int32_t* at,
              double* factors) {
    gather_bits(rows, a, depth, bits);
    Index count = 0;
    for (Index k = 0; k < depth; ++k) {
        at[count] = static_cast<std::int32_t>(k);  // so that nothing is to be predicted
        count += all | ((bits[k] << 1) != 0);
    }
    const auto gather = [&](Index some) {
        for (Index n = 0; n < count; ++n) {
            const X* from = a.at + at[n] * a.depth;
            for (Index r = 0; r < some; ++r)
                factors[n * TILE_ROWS + r] = static_cast<double>(from[r * a.row]);
        }
    };
    if (rows == TILE_ROWS)
        gather(TILE_ROWS);
    else
        gather(rows);
    return {rows, {factors, 1, TILE_ROWS}, count, at};
}

// The tile number t of a chain: gathered, or where it lies.
inline Tile tile_number(Index t, Index rows, Left<float> a, Index depth, bool all,
                        const ProductScratch& scratch) {
    return gathered(rows, a, depth, all, reinterpret_cast<std::uint32_t*>(scratch.bits),
                    scratch.at + t * (depth + 1), scratch.factors + t * depth * TILE_ROWS);
}
inline Tile tile_number(Index t, Index rows, Left<double> a, Index depth, bool all,
                        const ProductScratch& scratch) {
    if (depth < GATHERED_DEPTH) return {rows, a, depth, nullptr};
    return gathered(rows, a, depth, all, scratch.bits, scratch.at + t * (depth + 1),
                    scratch.factors + t * depth * TILE_ROWS);
}

template <class Last>
TRAINLAB_INLINE void finish(const Chain& chain, Vec<double> sum, const double* bias, double* out,
                            Last last) {
    sum = (chain.is_first ? zero<double>() : last.load(out)) + sum;
    if (bias) sum = sum + last.load(bias);
    last.store(out, sum);
}

// R rows of C vectors, the last of them as `last` says.
template <int R, int C, class Last>
void multiply_tile(const Chain& chain, const Tile& tile, const double* b, const double* bias,
                   double* out, Index row, Last last) {
    constexpr int W = Vec<double>::width;
    const Left<double> a = tile.a;
    Vec<double> sum[R][C];
    for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) sum[r][c] = zero<double>();
    const auto add = [&](const double* factor, const double* from) __attribute__((always_inline)) {
        Vec<double> own[C];
        for (int c = 0; c + 1 < C; ++c) own[c] = load_unaligned(from + c * W);
        own[C - 1] = last.load(from + (C - 1) * W);
        for (int r = 0; r < R; ++r) {
            const Vec<double> x = broadcast(factor[r * a.row]);
            for (int c = 0; c < C; ++c) sum[r][c] = fma(x, own[c], sum[r][c]);
        }
    };
    if (tile.at)
        for (Index n = 0; n < tile.count; ++n) add(a.at + n * a.depth, b + tile.at[n] * row);
    else
        for (Index n = 0; n < tile.count; ++n) add(a.at + n * a.depth, b + n * row);
#if defined(__GNUC__)
#pragma GCC unroll 32
#endif
    for (int r = 0; r < R; ++r, out += row) {  // unrolled, or the sums go through memory
        for (int c = 0; c + 1 < C; ++c)
            finish(chain, sum[r][c], bias ? bias + c * W : nullptr, out + c * W, Whole{});
        constexpr int c = C - 1;
        finish(chain, sum[r][c], bias ? bias + c * W : nullptr, out + c * W, last);
    }
}

template <int R, int C, class Last>
void multiply_rows(const Chain& chain, const Tile& tile, const double* b, const double* bias,
                   double* out, Index row, Last last) {
    if constexpr (R > 0) {
        if (tile.rows == R)
            multiply_tile<R, C>(chain, tile, b, bias, out, row, last);
        else
            multiply_rows<R - 1, C>(chain, tile, b, bias, out, row, last);
    }
}

// Calls use(constant, last) with constant.value = vectors <= C.
template <int C, class Use>
TRAINLAB_INLINE void with_vectors(Index vectors, Index columns, Use use) {
    if constexpr (C > 0) {
        const Index left = columns - (C - 1) * Vec<double>::width;
        if (vectors != C)
            with_vectors<C - 1>(vectors, columns, use);
        else if (left >= Vec<double>::width)
            use(Constant<C>{}, Whole{});
        else
            use(Constant<C>{}, Part{static_cast<int>(left)});
    }
}

// Some tiles of a chain: a panel of columns stays in the nearest cache for all of them.
inline void multiply_tiles(Index count, const Tile* tiles, Index columns, const Chain& chain,
                           const double* b, double* out) {
    constexpr int W = Vec<double>::width;
    Index left = (columns + W - 1) / W, c = 0;
    while (left > 0) {
        const Index vectors = left < TILE_VECTORS ? left : TILE_VECTORS;
        const double* bias = chain.bias ? chain.bias + c : nullptr;
        with_vectors<TILE_VECTORS>(vectors, columns - c, [&](auto constant, auto last) {
            for (Index t = 0; t < count; ++t)
                multiply_rows<TILE_ROWS, decltype(constant)::value>(
                    chain, tiles[t], b + c, bias, out + t * TILE_ROWS * columns + c, columns, last);
        });
        left -= vectors;
        c += vectors * W;
    }
}

inline std::size_t product_bytes(Chains chains, Index copied) {
    return ProductScratch(chains, copied, nullptr).bytes;
}

inline bool are_finite(Index count, const double* x) {
    Vec<double> sum = zero<double>();
    for_vectors(count, [&](Index i, auto part) { sum = sum + part.load(x + i) * zero<double>(); });
    return !any(is_nan(sum));
}

// out (rows, columns) = a b + bias, from a (rows, depth) and b (depth, columns).
template <class X>
void multiply_arrays(Sizes sizes, Chains chains, Left<X> a, const double* b, const double* bias,
                     double* out, const ProductScratch& scratch) {
    Tile tiles[TILES];
    const bool all = !are_finite(sizes.depth * sizes.columns, b);  // 0 times infinity is NaN
    for (Index i = 0; i < chains.count; ++i) {
        const Index from = i ? chains.ends[i - 1] : 0;
        const Chain chain{chains.ends[i] - from, i == 0, i + 1 == chains.count ? bias : nullptr};
        for (Index first = 0; first < sizes.rows; first += TILES * TILE_ROWS) {
            Index count = 0;
            for (Index r = first; r < sizes.rows && count < TILES; r += TILE_ROWS, ++count) {
                const Index rows = sizes.rows - r < TILE_ROWS ? sizes.rows - r : TILE_ROWS;
                const Left<X> own{a.at + r * a.row + from * a.depth, a.row, a.depth};
                tiles[count] = tile_number(count, rows, own, chain.depth, all, scratch);
            }
            multiply_tiles(count, tiles, sizes.columns, chain, b + from * sizes.columns,
                           out + first * sizes.columns);
        }
    }
}

template <class X>
void product_of_arrays(Sizes sizes, Chains chains, const X* x, const double* w, const double* bias,
                       double* out, char* memory) {
    multiply_arrays(sizes, chains, Left<X>{x, sizes.depth, 1}, w, bias, out,
                    ProductScratch(chains, 0, memory));
}

template <class X>
void transposed_product_of_arrays(Sizes sizes, Chains chains, const X* x, const double* w,
                                  double* out, char* memory) {
    multiply_arrays(sizes, chains, Left<X>{x, 1, sizes.rows}, w, nullptr, out,
                    ProductScratch(chains, 0, memory));
}

inline void product_with_transposed_array(Sizes sizes, Chains chains, const double* x,
                                          const double* w, double* out, char* memory) {
    const ProductScratch scratch(chains, sizes.depth * sizes.columns, memory);
    constexpr Index block = 8;  // rows of w that are read side by side
    for (Index first = 0; first < sizes.columns; first += block) {
        const Index last = first + block < sizes.columns ? first + block : sizes.columns;
        for (Index k = 0; k < sizes.depth; ++k)
            for (Index c = first; c < last; ++c)
                scratch.copy[k * sizes.columns + c] = w[c * sizes.depth + k];
    }
    multiply_arrays(sizes, chains, Left<double>{x, sizes.depth, 1}, scratch.copy, nullptr, out,
                    scratch);
}

constexpr ArrayKernels array_kernels{product_bytes,
                                     product_of_arrays<float>,
                                     product_of_arrays<double>,
                                     transposed_product_of_arrays<float>,
                                     transposed_product_of_arrays<double>,
                                     product_with_transposed_array,
                                     sum_rows_of_array,
                                     relu_of_array,
                                     relu_backward_of_array,
                                     mask_array,
                                     batch_norm_of_array,
                                     batch_norm_backward_of_array,
                                     update_array};

}  // namespace trainlab::TRAINLAB_ISA
