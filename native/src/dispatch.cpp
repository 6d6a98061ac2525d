// Which instruction set computes.

#include <cstdlib>
#include <cstring>

#include "kernels.hpp"

namespace trainlab {

#if defined(TRAINLAB_HAS_AVX512)
namespace avx512 {
extern const InstructionSet instructions;
}
#endif
#if defined(TRAINLAB_HAS_AVX2)
namespace avx2 {
extern const InstructionSet instructions;
}
#endif
#if defined(TRAINLAB_HAS_NEON)
namespace neon {
extern const InstructionSet instructions;
}
#endif
namespace plain {
extern const InstructionSet instructions;
}

const InstructionSet* instruction_set() {
    const InstructionSet* found[4];
    int count = 0;
#if defined(TRAINLAB_HAS_AVX512)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        found[count++] = &avx512::instructions;
#endif
#if defined(TRAINLAB_HAS_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found[count++] = &avx2::instructions;
#endif
#if defined(TRAINLAB_HAS_NEON)
    found[count++] = &neon::instructions;
#endif
    found[count++] = &plain::instructions;
    const char* wanted = std::getenv("TRAINLAB_NATIVE_ISA");
    if (!wanted || !*wanted) return found[0];
    for (int i = 0; i < count; ++i)
        if (!std::strcmp(found[i]->name, wanted)) return found[i];
    return nullptr;
}

}  // namespace trainlab
