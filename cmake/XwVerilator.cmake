# Verilated models: xw_verilate(name TOP module SOURCES ... PARAMETERS Lanes=16 ... [ASSERT] [TRACE] [FAST]) makes
# library target xw_model_<name> with class V<name> in "V<name>.h"; ASSERT switches its assertions on, FAST the forms of the RTL
# that simulate fast (XW_FAST_SIMULATION: clocks stand still, two lanes per word). Without Verilator
# XW_HAVE_VERILATOR is false and all that needs it is absent.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

option(XW_WITH_VERILATOR "Build the Verilated RTL and its tests" ON)
option(XW_RTL_COVERAGE "Verilated models count lines, narrow ones also toggles (scripts/coverage_rtl.sh)" OFF)

set(XW_HAVE_VERILATOR OFF)
if(XW_WITH_VERILATOR)
  find_package(verilator 5.006 QUIET HINTS $ENV{VERILATOR_ROOT} /usr/share/verilator /usr/local/share/verilator)
  if(verilator_FOUND)
    set(XW_HAVE_VERILATOR ON)
  else()
    message(STATUS "Verilator >= 5.006 not found: no Verilated RTL, no RTL tests (Debian package verilator)")
  endif()
endif()

# The library that all models share, with and without tracing: compiled once.
function(xw_add_verilated_runtime)
  if(TARGET xw_verilated_runtime)
    return()
  endif()
  find_package(ZLIB REQUIRED)
  set(include ${VERILATOR_ROOT}/include)
  add_library(xw_verilated_runtime STATIC EXCLUDE_FROM_ALL ${include}/verilated.cpp ${include}/verilated_threads.cpp
              ${include}/verilated_fst_c.cpp)
  if(XW_RTL_COVERAGE)
    target_sources(xw_verilated_runtime PRIVATE ${include}/verilated_cov.cpp)
    target_compile_definitions(xw_verilated_runtime PUBLIC XW_RTL_COVERAGE="${PROJECT_BINARY_DIR}/rtl_coverage")
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/rtl_coverage)
  endif()
  target_include_directories(xw_verilated_runtime SYSTEM PUBLIC $<BUILD_INTERFACE:${include}> $<BUILD_INTERFACE:${include}/vltstd>)
  target_compile_definitions(xw_verilated_runtime PRIVATE VM_COVERAGE=$<BOOL:${XW_RTL_COVERAGE}> VM_SC=0 VM_TRACE=1 VM_TRACE_VCD=0 VM_TRACE_FST=1)
  target_compile_options(xw_verilated_runtime PRIVATE -O3 -g0 -w)
  target_link_libraries(xw_verilated_runtime PUBLIC ZLIB::ZLIB Threads::Threads)
endfunction()

function(xw_verilate name)
  cmake_parse_arguments(ARG "ASSERT;TRACE;FAST" "TOP" "SOURCES;PARAMETERS" ${ARGN})
  xw_add_verilated_runtime()
  add_library(xw_model_${name} STATIC EXCLUDE_FROM_ALL)
  if(NOT ARG_FAST)
    set_target_properties(xw_model_${name} PROPERTIES XW_TOP "${ARG_TOP}" XW_PARAMETERS "${ARG_PARAMETERS}")
  endif()
  list(TRANSFORM ARG_PARAMETERS PREPEND -G)
  if(ARG_ASSERT)
    set(assert --assert)
  else()
    set(assert --noassert)
  endif()
  set(trace "")
  if(ARG_TRACE)
    set(trace TRACE_FST)
  endif()
  set(fast "")
  if(ARG_FAST)
    set(fast -DXW_FAST_SIMULATION)
  endif()
  set(coverage "")
  if(XW_RTL_COVERAGE)
    list(APPEND coverage --coverage-line -fno-split)  # blocks that are split lose counts (5.006)
    # Toggles of whole kernels and of 512-bit words take long to compile and say nothing that those of narrow modules do not.
    if(NOT ARG_TOP STREQUAL xw_kernel AND NOT ARG_PARAMETERS MATCHES "(Lanes|BeatBytes)=64|DataWidth=512|Words=16")
      list(APPEND coverage --coverage-toggle)
    endif()
  endif()
  verilate(xw_model_${name} PREFIX V${name} TOP_MODULE ${ARG_TOP} SOURCES ${ARG_SOURCES} ${trace}
           VERILATOR_ARGS -O3 --x-assign fast --x-initial fast ${assert} --unroll-count 2048 --unroll-stmts 1000000
                          ${fast} ${coverage} ${ARG_PARAMETERS}
           OPT_SLOW -O0)  # what runs once per model; half of the code
  # verilate() adds Verilator's own sources to every model.
  get_target_property(sources xw_model_${name} SOURCES)
  list(FILTER sources EXCLUDE REGEX "/include/verilated[^/]*\\.cpp$")
  set_target_properties(xw_model_${name} PROPERTIES SOURCES "${sources}")
  # Generated code: optimised in every build type, no warnings of ours.
  set(optimisation -O3)
  if(XW_RTL_COVERAGE)
    set(optimisation -O1)  # compiling toggle counters takes longer than counting
  endif()
  target_compile_options(xw_model_${name} PRIVATE ${optimisation} -g0 -w)
  target_link_libraries(xw_model_${name} PUBLIC xw_verilated_runtime)
  get_target_property(include_directories xw_model_${name} INCLUDE_DIRECTORIES)
  set_target_properties(xw_model_${name} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "")
  target_include_directories(xw_model_${name} SYSTEM INTERFACE "$<BUILD_INTERFACE:${include_directories}>")
endfunction()
