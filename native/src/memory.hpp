// Arrays that are cut from one piece of memory.

#pragma once

#include <cstddef>
#include <cstdint>

#include "vec.hpp"

namespace trainlab::TRAINLAB_ISA {

using Index = std::int64_t;

// Whole blocks: the places of a row that are computed with.
template <class T>
TRAINLAB_INLINE Index columns_of(Index features) {
    constexpr Index block = Format<T>::block;
    return (features + block - 1) / block * block;
}

// Cuts aligned arrays from the memory; measures alone where it is null.
class Arena {
  public:
    explicit Arena(char* at) : at_(at) {}

    template <class T>
    T* take(Index count) {
        char* found = at_ ? at_ + bytes_ : nullptr;
        bytes_ += (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
        return reinterpret_cast<T*>(found);
    }
    std::size_t bytes() const { return bytes_; }

  private:
    char* at_;
    std::size_t bytes_ = 0;
};

}  // namespace trainlab::TRAINLAB_ISA
