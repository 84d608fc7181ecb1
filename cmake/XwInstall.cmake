# `cmake --install`: the command, and as a package the libraries with their headers. find_package(crossweave) gives the same
# targets, xw::<folder>, that add_subdirectory gives. Components: command, development, licence (XwDebian.cmake makes packages of the
# first two).
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

option(XW_INSTALL "Make rules that install Crossweave" ${PROJECT_IS_TOP_LEVEL})

# A library target xw_<name> is installed as xw::<name>.
function(xw_install_library name)
  if(XW_INSTALL)
    set_target_properties(xw_${name} PROPERTIES EXPORT_NAME ${name})
    set_property(GLOBAL APPEND PROPERTY XW_INSTALLED_LIBRARIES xw::${name})
    install(TARGETS xw_${name} EXPORT crossweave ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/crossweave COMPONENT development
            INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/crossweave)
  endif()
endfunction()

# What is there when all targets are.
function(xw_install_package)
  if(NOT XW_INSTALL)
    return()
  endif()
  get_property(XW_INSTALLED_LIBRARIES GLOBAL PROPERTY XW_INSTALLED_LIBRARIES)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/crossweave)
  install(EXPORT crossweave NAMESPACE xw:: FILE crossweave-targets.cmake DESTINATION ${package} COMPONENT development)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/crossweave-config.cmake.in ${PROJECT_BINARY_DIR}/crossweave-config.cmake
                                INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/crossweave-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/crossweave-config.cmake ${PROJECT_BINARY_DIR}/crossweave-config-version.cmake
          DESTINATION ${package} COMPONENT development)
  # Headers are named from the root of the sources. Those that hold code of source files, those of training, Python and the server (their libraries are not
  # installed), and those that need XRT, or Verilator or SystemC where there is none, stay here.
  set(folders arch compiler models host)
  if(XW_HAVE_SYSTEMC)
    list(APPEND folders systemc)
  else()
    install(FILES ${PROJECT_SOURCE_DIR}/systemc/chip/chip_result.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/crossweave/systemc/chip
            COMPONENT development)
  endif()
  foreach(folder IN LISTS folders)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/crossweave COMPONENT development FILES_MATCHING
            PATTERN "*.hpp" PATTERN "host/app" EXCLUDE PATTERN "host/commandline" EXCLUDE PATTERN "host/finetune" EXCLUDE PATTERN "host/python" EXCLUDE PATTERN "host/server" EXCLUDE PATTERN "models/finetune" EXCLUDE PATTERN "*_impl.hpp" EXCLUDE PATTERN "kernel_avx*.hpp" EXCLUDE PATTERN "*_kernels_simd.hpp" EXCLUDE
            PATTERN "model_of.hpp" EXCLUDE PATTERN "host/backends/xrt/emulation" EXCLUDE REGEX "host/backends/xrt/(buffers|card|xrt_headers)\\.hpp$" EXCLUDE)
  endforeach()
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/arch/chips DESTINATION ${CMAKE_INSTALL_DATADIR}/crossweave COMPONENT command FILES_MATCHING PATTERN "*.toml")
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence)
endfunction()
