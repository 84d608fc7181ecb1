// The one exception type that users of Crossweave see.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace xw {

/// What went wrong, by what the caller can do about it. The exit status of the process is exit_status().
enum class ErrorCode {
  kInvalidArgument,   ///< an option or parameter is impossible
  kFileNotFound,      ///< a file cannot be opened for reading
  kIo,                ///< reading or writing failed (full disk, permissions)
  kFormat,            ///< a file is corrupt, truncated or not what it claims to be
  kUnsupported,       ///< well-formed, but not supported; the message lists what is
  kShapeMismatch,     ///< tensors do not fit together or do not fit the model
  kNotFinite,         ///< NaN or infinity where numbers are needed
  kCapacity,          ///< the chip, emulator or format is too small; the message says by how much
  kContractMismatch,  ///< program, device and toolchain were built from different contracts
  kDeviceFault,       ///< the device reported an error code
  kDeviceTimeout,     ///< the device did not finish in time
  kInterrupted,       ///< Ctrl-C
  kInternal,          ///< a defect of Crossweave
};

/// Name of a code as it is printed, e.g. "format".
[[nodiscard]] const char* name(ErrorCode code);
/// Process exit status for a code: 2 usage, 3 input, 4 capacity, 5 device, 130 interrupted, 70 internal.
[[nodiscard]] int exit_status(ErrorCode code);

/// One clear message: what, where (file, tensor, offset), expected, found.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace xw
