// All that computes, compiled once for each instruction set, in a namespace of its name.

#include "kernels.hpp"

#include "array_products.hpp"
#include "step.hpp"

#define TRAINLAB_TEXT_OF(name) #name
#define TRAINLAB_NAME_OF(name) TRAINLAB_TEXT_OF(name)

namespace trainlab::TRAINLAB_ISA {

template <class T>
constexpr Kernels<T> kernels{scratch_bytes<T>, batch_bytes<T>, gather<T>,
                             train<T>,         evaluate<T>,    outputs<T>};

extern const InstructionSet instructions;
const InstructionSet instructions{TRAINLAB_NAME_OF(TRAINLAB_ISA), kernels<float>, kernels<double>,
                                  array_kernels, permutation};

}  // namespace trainlab::TRAINLAB_ISA
