# Verilated models: xw_verilate(name TOP module SOURCES ... PARAMETERS Lanes=16 ...) makes library target xw_model_<name>
# with class V<name> in "V<name>.h". Without Verilator XW_HAVE_VERILATOR is false and all that needs it is absent.

option(XW_WITH_VERILATOR "Build the Verilated RTL and its tests" ON)

set(XW_HAVE_VERILATOR OFF)
if(XW_WITH_VERILATOR)
  find_package(verilator 5.006 QUIET HINTS $ENV{VERILATOR_ROOT} /usr/share/verilator /usr/local/share/verilator)
  if(verilator_FOUND)
    set(XW_HAVE_VERILATOR ON)
  else()
    message(STATUS "Verilator >= 5.006 not found: no Verilated RTL, no RTL tests (Debian package verilator)")
  endif()
endif()

function(xw_verilate name)
  cmake_parse_arguments(ARG "" "TOP" "SOURCES;PARAMETERS" ${ARGN})
  add_library(xw_model_${name} STATIC EXCLUDE_FROM_ALL)
  list(TRANSFORM ARG_PARAMETERS PREPEND -G)
  verilate(xw_model_${name} PREFIX V${name} TOP_MODULE ${ARG_TOP} SOURCES ${ARG_SOURCES}
           VERILATOR_ARGS -O3 --x-assign fast --x-initial fast --noassert --unroll-count 2048 --unroll-stmts 1000000
                          ${ARG_PARAMETERS})
  # Generated code: optimised in every build type, no warnings of ours.
  target_compile_options(xw_model_${name} PRIVATE -O3 -w)
  get_target_property(include_directories xw_model_${name} INCLUDE_DIRECTORIES)
  target_include_directories(xw_model_${name} SYSTEM INTERFACE ${include_directories})
endfunction()
