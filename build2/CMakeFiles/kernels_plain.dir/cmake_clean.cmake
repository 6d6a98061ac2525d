file(REMOVE_RECURSE
  "CMakeFiles/kernels_plain.dir/native/src/kernels.cpp.o"
  "CMakeFiles/kernels_plain.dir/native/src/kernels.cpp.o.d"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/kernels_plain.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
