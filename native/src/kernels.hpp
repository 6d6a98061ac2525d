// What kernels.cpp offers for each instruction set.

#pragma once

#include <cstddef>

#include "array_kernels.hpp"
#include "network.hpp"

namespace trainlab {

template <class T>
struct Kernels {
    // Bytes of scratch memory for batches of so many rows, and for one batch of a split.
    std::size_t (*scratch_bytes)(const Network& network, std::int64_t rows, bool training);
    std::size_t (*batch_bytes)(const Rows<T>& rows, std::int64_t count);
    // Brings rows of a split together; null stands for `first`, `first` + 1, ...
    void (*gather)(const Rows<T>& rows, const std::int64_t* chosen, std::int64_t first,
                   std::int64_t count, bool by_column, Batch<T>& batch, char* memory);
    // Steps first ... last - 1 of a member.  False where a parameter is no longer finite after
    // step `diverged`; the parameters are of no use then.  A team has `shared` in common.
    bool (*train)(const Training<T>& training, Member<T>& member, std::int64_t row,
                  const Batch<T>* batches, std::int64_t first, std::int64_t last, char* scratch,
                  char* shared, const Team& team);
    // Adds to the sum of the losses and to that of the right predictions, weights included.
    void (*evaluate)(const Network& network, const Member<T>& member, const Batch<T>& batch,
                     double& loss, double& right, char* scratch);
    // Fills out (rows, outputs), without padding.
    void (*outputs)(const Network& network, const Member<T>& member, const Batch<T>& batch, T* out,
                    char* scratch);
};

struct InstructionSet {
    const char* name;
    Kernels<float> of_float;
    Kernels<double> of_double;
    ArrayKernels of_arrays;
    // Fills out (count,) with Generator(Philox(key=[seed, packed])).permutation(count).
    void (*permutation)(std::uint64_t seed, std::uint64_t packed, std::int64_t count,
                        std::int64_t* out);
};

// The best that the processor has, or the one that TRAINLAB_NATIVE_ISA names; null if there is
// none of that name.
const InstructionSet* instruction_set();

}  // namespace trainlab
