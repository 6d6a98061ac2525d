// Arrays as Python gives them, and what the door says where they do not fit.

#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <vector>

namespace trainlab {

template <class T, int axes>
using Given =
    nanobind::ndarray<const T, nanobind::ndim<axes>, nanobind::c_contig, nanobind::device::cpu>;
template <class T, int axes>
using Filled =
    nanobind::ndarray<T, nanobind::ndim<axes>, nanobind::c_contig, nanobind::device::cpu>;
using Integers = Given<std::int64_t, 1>;

inline void require(bool holds, const char* what) {
    if (!holds) throw nanobind::value_error(what);
}

inline std::int64_t length(std::size_t n) { return static_cast<std::int64_t>(n); }

template <class T>
std::vector<T> copied(const Given<T, 1>& array) {
    return std::vector<T>(array.data(), array.data() + array.shape(0));
}

}  // namespace trainlab
