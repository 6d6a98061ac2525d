// A stand-in.
#include "kernels.hpp"

#define TRAINLAB_TEXT_OF(name) #name
#define TRAINLAB_TEXT(name) TRAINLAB_TEXT_OF(name)

namespace trainlab::TRAINLAB_ISA {

static float dot(const float* x, const float* y, std::size_t n) {
    float sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        sum = __builtin_fmaf(x[i], y[i], sum);
    }
    return sum;
}

extern const Kernels kernels = {TRAINLAB_TEXT(TRAINLAB_ISA), dot};

}  // namespace trainlab::TRAINLAB_ISA
