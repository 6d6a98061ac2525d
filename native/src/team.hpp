// What a thread of a team does of a step: its share of rows or columns.

#pragma once

#include "memory.hpp"
#include "network.hpp"

namespace trainlab::TRAINLAB_ISA {

// Things from ... to - 1.
struct Share {
    Index from, to;
    Index count() const { return to - from; }
};

// The share of a thread in `count` things, cut between whole blocks of them.
inline Share share_of(const Team& team, Index count, Index block) {
    const Index blocks = (count + block - 1) / block;
    const Index from = blocks * team.place / team.size * block;
    const Index to = blocks * (team.place + 1) / team.size * block;
    return {from, to < count ? to : count};
}

// The share in the columns that are computed with: whole blocks.
template <class T>
inline Share columns_for(const Team& team, Index features) {
    return share_of(team, columns_of<T>(features), Format<T>::block);
}

TRAINLAB_INLINE void wait_for_all(const Team& team) {
    if (team.size > 1) team.wait(team.barrier);
}

}  // namespace trainlab::TRAINLAB_ISA
