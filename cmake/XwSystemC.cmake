# SystemC and TLM-2.0 (Debian package libsystemc-dev). Without them XW_HAVE_SYSTEMC is false and all that needs them is absent.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

option(XW_WITH_SYSTEMC "Build the SystemC model and its tests" ON)

set(XW_HAVE_SYSTEMC OFF)
if(XW_WITH_SYSTEMC)
  pkg_check_modules(SYSTEMC QUIET IMPORTED_TARGET GLOBAL systemc)
  if(SYSTEMC_FOUND)
    set(XW_HAVE_SYSTEMC ON)
    # Debian's library was built as C++17 and checks that at link time; the interface is the same in C++20. Its headers
    # do not pass our warnings.
    add_library(xw_systemc_library INTERFACE)
    target_compile_definitions(xw_systemc_library INTERFACE SC_CPLUSPLUS=201703L SC_INCLUDE_DYNAMIC_PROCESSES)
    target_include_directories(xw_systemc_library SYSTEM INTERFACE ${SYSTEMC_INCLUDE_DIRS})
    target_link_libraries(xw_systemc_library INTERFACE PkgConfig::SYSTEMC)
  else()
    message(STATUS "SystemC not found: no SystemC model, no --device systemc (Debian package libsystemc-dev)")
  endif()
endif()
