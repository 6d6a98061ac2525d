// Sums along a row, in one order that does not know the width of the vectors.
//
// A row is padded to whole blocks of 16 floats or 8 doubles.  Number i of a row goes to the partial
// sum i mod 16 (or 8); the partial sums, starting at +0, take their numbers in ascending order, and
// are then folded in halves: s[i] += s[i + 8], s[i + 4], s[i + 2], s[i + 1].  Vectors of 16, 8, 4
// or 1 numbers all do these additions and no others.
//
// Sums down a column (over the rows of a batch) need no tree: each is one chain over ascending
// rows, whatever number of columns lies in a vector.

#pragma once

#include "vec.hpp"

namespace trainlab::TRAINLAB_ISA {

// The partial sums of one row: as many vectors as fill a block.
template <class T>
struct Partial {
    static constexpr int vectors = Format<T>::block / Vec<T>::width;
    Vec<T> part[vectors];
};

template <class T>
TRAINLAB_INLINE Partial<T> partial(T start) {
    Partial<T> sums;
    for (int i = 0; i < Partial<T>::vectors; ++i) sums.part[i] = broadcast(start);
    return sums;
}

template <class T>
TRAINLAB_INLINE T fold_sum(Partial<T> sums) {
    for (int n = Partial<T>::vectors / 2; n > 0; n /= 2) {
        for (int i = 0; i < n; ++i) sums.part[i] = sums.part[i] + sums.part[i + n];
    }
    return sum_lanes(sums.part[0]);
}

// Calls step(j, k) for each vector of a row of n numbers and of its padding: j is where it begins,
// k the vector of the partial sums it belongs to.
template <class T, class Step>
TRAINLAB_INLINE void for_row(Index n, Step step) {
    for (Index block = 0; block < n; block += Format<T>::block) {
        for (int k = 0; k < Partial<T>::vectors; ++k) step(block + k * Vec<T>::width, k);
    }
}

// v where the numbers of a row of n are, zero in the padding; v holds the numbers from j on.
template <class T>
TRAINLAB_INLINE Vec<T> without_padding(Index n, Index j, Vec<T> v) {
    return select(first<T>(static_cast<int>(n - j)), v, zero<T>());
}

// The sum of term(j), a Vec<T> for the numbers from j on, over a row of n numbers.  Terms in the
// padding must be zero.
template <class T, class Term>
TRAINLAB_INLINE T sum_row(Index n, Term term) {
    Partial<T> sums = partial(T(0));
    for_row<T>(n, [&](Index j, int k) { sums.part[k] = sums.part[k] + term(j); });
    return fold_sum(sums);
}

// The sum of term(j) for j < n, each by the tree of a row, for as many rows as term(j) has numbers.
template <class T, class Term>
TRAINLAB_INLINE Vec<T> sum_down(Index n, Term term) {
    constexpr Index block = Format<T>::block;
    Vec<T> part[block];
    for (Index i = 0; i < block; ++i) part[i] = zero<T>();
    for (Index first = 0; first < n; first += block)
        for (Index i = 0; i < block && first + i < n; ++i) part[i] = part[i] + term(first + i);
    for (Index half = block / 2; half > 0; half /= 2)
        for (Index i = 0; i < half; ++i) part[i] = part[i] + part[i + half];
    return part[0];
}

}  // namespace trainlab::TRAINLAB_ISA
