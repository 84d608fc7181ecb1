# Verilated models of what Yosys makes of the RTL, so that tests of a module also run on its netlist:
# xw_netlist_model(name TOP module PARAMETERS Lanes=16 ... [SOURCES ...] [PREFIX class]) makes target xw_netlist_<name> with class
# V<name> in "V<name>.h", as xw_verilate does from the RTL; xw_netlist_test(name SOURCES ... LIBRARIES ... [FILTER ...] [FAILS text] [QUICK]) a ctest
# case with label netlist. Nothing of it is part of the default build: the cases netlist.build_*, which the others require, build it.
# Only those with QUICK run by default; all run with ctest -C netlist -L netlist.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

set(XW_HAVE_NETLISTS OFF)
if(XW_HAVE_VERILATOR AND XW_BUILD_TESTS)
  find_program(XW_YOSYS yosys DOC "Yosys, for netlists and synthesis; absent: no such tests (Debian package yosys)")
  find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
  if(XW_YOSYS)
    set(XW_HAVE_NETLISTS ON)
    foreach(set quick all)
      set(configurations "")
      if(set STREQUAL all)
        set(configurations CONFIGURATIONS netlist)
      endif()
      add_custom_target(xw_netlists_${set})
      add_test(NAME netlist.build_${set} ${configurations}
               COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target xw_netlists_${set} -- --quiet)
      set_tests_properties(netlist.build_${set} PROPERTIES LABELS "netlist;slow" TIMEOUT 3600 FIXTURES_SETUP netlists_${set}
                           RUN_SERIAL TRUE)
    endforeach()
  endif()
endif()

function(xw_netlist_model name)
  cmake_parse_arguments(ARG "" "TOP;PREFIX" "SOURCES;PARAMETERS" ${ARGN})
  xw_add_verilated_runtime()
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES ${XW_RTL_SOURCES})
  endif()
  if(NOT ARG_PREFIX)
    set(ARG_PREFIX V${name})
  endif()
  list(FILTER ARG_SOURCES INCLUDE REGEX "\\.sv$")
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/netlists/${name})
  set(netlist ${folder}/${name}.v)
  set(archive ${folder}/${ARG_PREFIX}__ALL.a)
  set(script ${PROJECT_SOURCE_DIR}/scripts/rtl_netlist.py)
  add_custom_command(OUTPUT ${archive} BYPRODUCTS ${folder}/${ARG_PREFIX}.h
    COMMAND ${Python3_EXECUTABLE} -B ${script} --yosys ${XW_YOSYS} --top ${ARG_TOP} --out ${netlist}
            --parameters ${ARG_PARAMETERS} --sources ${ARG_SOURCES}
    COMMAND ${VERILATOR_BIN} --cc -Wno-fatal -Wno-lint -Wno-style -Wno-UNOPTFLAT -O3 --x-assign fast --x-initial fast --noassert
            --unroll-count 2048 --unroll-stmts 1000000 --top-module ${ARG_TOP} --prefix ${ARG_PREFIX} --Mdir ${folder} ${netlist}
    COMMAND make -s -C ${folder} -f ${ARG_PREFIX}.mk ${ARG_PREFIX}__ALL.a VM_PARALLEL_BUILDS=0 OPT_FAST=-O1 OPT_SLOW=-O0
            "CXX=${CMAKE_CXX_COMPILER_LAUNCHER} ${CMAKE_CXX_COMPILER}"
    DEPENDS ${ARG_SOURCES} ${script} COMMENT "Netlist ${name}" VERBATIM)
  add_custom_target(xw_netlist_${name}_files DEPENDS ${archive})
  add_library(xw_netlist_${name} INTERFACE)
  add_dependencies(xw_netlist_${name} xw_netlist_${name}_files)
  target_include_directories(xw_netlist_${name} SYSTEM INTERFACE ${folder})
  target_link_libraries(xw_netlist_${name} INTERFACE ${archive} xw_verilated_runtime)
endfunction()

function(xw_netlist_test name)
  cmake_parse_arguments(ARG "QUICK" "FILTER;FAILS" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} xw_test_support GTest::gmock GTest::gtest GTest::gtest_main xw_options)
  set(set all)
  set(configurations CONFIGURATIONS netlist)
  if(ARG_QUICK)
    set(set quick)
    set(configurations "")
  endif()
  add_dependencies(xw_netlists_${set} ${name})
  if(NOT ARG_FILTER)
    set(ARG_FILTER "*")
  endif()
  add_test(NAME netlist.${name} ${configurations} COMMAND ${name} --gtest_filter=${ARG_FILTER})
  set_tests_properties(netlist.${name} PROPERTIES LABELS "netlist;slow" TIMEOUT 1200 FIXTURES_REQUIRED netlists_${set})
  if(ARG_FAILS)
    set_tests_properties(netlist.${name} PROPERTIES PASS_REGULAR_EXPRESSION ${ARG_FAILS})
  endif()
endfunction()
