// Functions of arrays for the Python module.

#pragma once

#include <nanobind/nanobind.h>

#include "array_kernels.hpp"

namespace trainlab {

// Adds them to the module; the kernels are those of one instruction set.
void bind_array_functions(nanobind::module_& module, const ArrayKernels& kernels);

}  // namespace trainlab
