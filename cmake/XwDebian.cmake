# Debian packages by CPack (scripts/package.sh): crossweave, the command with its chips, manual pages and completions, and
# libcrossweave-dev, the libraries with their headers.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

# To be called when all install() rules are there.
function(xw_debian_packages)
  if(NOT XW_INSTALL OR NOT PROJECT_IS_TOP_LEVEL)
    return()
  endif()
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_NAME crossweave)
  set(CPACK_PACKAGE_VENDOR "The Crossweave authors")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "transformers on analog in-memory-computing chips")  # first line of both packages
  set(CPACK_PACKAGE_CONTACT "The Crossweave authors <crossweave@users.noreply.github.com>")
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_COMPONENTS_ALL command development)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  set(CPACK_STRIP_FILES ON)
  # What Debian asks of a package beyond its files: compressed pages, a changelog, a copyright.
  set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/XwDebianFiles.cmake)
  set(CPACK_XW_CHANGELOG ${PROJECT_SOURCE_DIR}/CHANGELOG.md)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

  set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME crossweave)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION science)
  set(CPACK_COMPONENT_COMMAND_DESCRIPTION "Compiles transformer checkpoints (safetensors, GGUF) for chips that multiply
in memory, runs the programs with the noise of the cells on functional,
SystemC and Verilated devices, and reports accuracy, latency and energy.")

  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libcrossweave-dev)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
  # What crossweave-config.cmake looks for.
  set(needed libpcre2-dev libsqlite3-dev libtomlplusplus-dev nlohmann-json3-dev pkg-config zlib1g-dev)
  if(XW_HAVE_SYSTEMC)
    list(APPEND needed libsystemc-dev)
  endif()
  if(XW_HAVE_XRT)
    list(APPEND needed libxrt-dev uuid-dev)
  endif()
  list(JOIN needed ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "crossweave (= ${PROJECT_VERSION}-1)")
  set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Libraries and headers of Crossweave: compiler, program format, device
models, runtime and reports, found in CMake by find_package(crossweave).")
  include(CPack)
endfunction()
