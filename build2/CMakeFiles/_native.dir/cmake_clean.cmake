file(REMOVE_RECURSE
  "CMakeFiles/_native.dir/native/src/array_functions.cpp.o"
  "CMakeFiles/_native.dir/native/src/array_functions.cpp.o.d"
  "CMakeFiles/_native.dir/native/src/dispatch.cpp.o"
  "CMakeFiles/_native.dir/native/src/dispatch.cpp.o.d"
  "CMakeFiles/_native.dir/native/src/module.cpp.o"
  "CMakeFiles/_native.dir/native/src/module.cpp.o.d"
  "_native.cpython-311-x86_64-linux-gnu.so"
  "_native.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/_native.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
