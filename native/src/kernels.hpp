// A stand-in: the table of functions that kernels.cpp fills, once for each instruction set.
#pragma once

#include <cstddef>

namespace trainlab {

struct Kernels {
    const char* isa;
    float (*dot)(const float* x, const float* y, std::size_t n);
};

namespace avx512 {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace plain {
extern const Kernels kernels;
}

const Kernels& chosen();

}  // namespace trainlab
