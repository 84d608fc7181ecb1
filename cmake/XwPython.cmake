# The Python package (Debian packages python3-dev and pybind11-dev; its tests also need python3-numpy): XW_HAVE_PYTHON, and then the
# variables of FindPython. Debian's interpreter is taken where there is one, since Debian's packages are for it; Python_EXECUTABLE names
# another. `pip install .` brings its own pybind11.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

option(XW_WITH_PYTHON "Build the Python package where Python's headers and pybind11 are found" ${PROJECT_IS_TOP_LEVEL})

set(XW_HAVE_PYTHON OFF)
if(XW_WITH_PYTHON AND XW_SHARED_LIBRARIES)
  message(STATUS "Python: none in this build; an interpreter without sanitizers cannot load what has them")
elseif(XW_WITH_PYTHON)
  if(NOT DEFINED Python_EXECUTABLE AND EXISTS /usr/bin/python3)
    set(Python_EXECUTABLE /usr/bin/python3)
  endif()
  find_package(Python 3.11 COMPONENTS Interpreter Development.Module)
  set(PYBIND11_NOPYTHON ON)
  find_package(pybind11 2.10 CONFIG QUIET)
  if(Python_FOUND AND pybind11_FOUND)
    set(XW_HAVE_PYTHON ON)
  else()
    message(STATUS "Python's headers or pybind11 not found: no Python package (Debian packages python3-dev pybind11-dev)")
  endif()
endif()
