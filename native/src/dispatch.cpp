// A stand-in.
#include <cstdlib>
#include <cstring>

#include "kernels.hpp"

namespace trainlab {

static bool asked(const char* isa) {
    const char* given = std::getenv("TRAINLAB_NATIVE_ISA");
    return given == nullptr || std::strcmp(given, isa) == 0;
}

const Kernels& chosen() {
#ifdef TRAINLAB_HAS_AVX512
    if (asked("avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
        return avx512::kernels;
    }
#endif
#ifdef TRAINLAB_HAS_AVX2
    if (asked("avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return avx2::kernels;
    }
#endif
    return plain::kernels;
}

}  // namespace trainlab
