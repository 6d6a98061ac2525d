
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/common.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/common.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/common.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/error.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/error.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/error.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/implicit.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/implicit.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/implicit.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_datetime.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_datetime.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_datetime.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_enum.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_enum.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_enum.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_func.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_func.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_func.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_internals.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_internals.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_internals.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_ndarray.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_ndarray.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_ndarray.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_static_property.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_static_property.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_static_property.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_type.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_type.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/nb_type.cpp.o.d"
  "/work/main/.venv/lib/python3.11/site-packages/nanobind/src/trampoline.cpp" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/trampoline.cpp.o" "gcc" "CMakeFiles/nanobind-static.dir/work/main/.venv/lib/python3.11/site-packages/nanobind/src/trampoline.cpp.o.d"
  )

# Targets to which this target links which contain Fortran sources.
set(CMAKE_Fortran_TARGET_LINKED_INFO_FILES
  )

# Targets to which this target links which contain Fortran sources.
set(CMAKE_Fortran_TARGET_FORWARD_LINKED_INFO_FILES
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
