// Errors of the toolchain as exceptions of Python.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/python/long_call.hpp"

#include <signal.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <new>
#include <string>

#include "arch/support/printable.hpp"
#include "arch/support/setting_error.hpp"

namespace xw::python {
namespace {

namespace py = pybind11;

/// Sets crossweave.errors.make(...) as the exception of now.
void raise(const std::string& kind, int status, const std::string& message, const std::string& setting) {
  const py::object exception =
      py::module_::import("crossweave.errors").attr("make")(kind, status, as_utf8(message), setting);
  PyErr_SetObject(py::type::of(exception).ptr(), exception.ptr());
}

void raise(const Error& error, const std::string& setting) {
  if (error.code() == ErrorCode::kInterrupted) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
  } else {
    raise(name(error.code()), exit_status(error.code()), error.what(), setting);
  }
}

void translate(
    std::exception_ptr exception) {  // NOLINT(performance-unnecessary-value-param): pybind11 asks for this type
  try {
    if (exception) std::rethrow_exception(exception);
  } catch (const SettingError& error) {
    raise(error, error.setting());
  } catch (const Error& error) {
    raise(error, "");
  } catch (const std::filesystem::filesystem_error& error) {
    raise(name(ErrorCode::kIo), exit_status(ErrorCode::kIo), error.path1().string() + ": " + error.code().message(),
          "");
  }
}

}  // namespace

void register_errors() {
  py::register_exception_translator(translate);
}

bool takes_interrupts() {
  if (::gettid() != ::getpid()) return false;
  struct sigaction action {};
  return ::sigaction(SIGINT, nullptr, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

}  // namespace xw::python
