// Names and exit codes of error codes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/error.hpp"

namespace xw {

const char* name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kFileNotFound:
      return "file not found";
    case ErrorCode::kIo:
      return "i/o";
    case ErrorCode::kFormat:
      return "format";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kShapeMismatch:
      return "shape mismatch";
    case ErrorCode::kNotFinite:
      return "not finite";
    case ErrorCode::kCapacity:
      return "capacity";
    case ErrorCode::kContractMismatch:
      return "contract mismatch";
    case ErrorCode::kDeviceFault:
      return "device fault";
    case ErrorCode::kDeviceTimeout:
      return "device timeout";
    case ErrorCode::kInterrupted:
      return "interrupted";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "unknown";
}

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 2;
    case ErrorCode::kFileNotFound:
    case ErrorCode::kIo:
    case ErrorCode::kFormat:
    case ErrorCode::kUnsupported:
    case ErrorCode::kShapeMismatch:
    case ErrorCode::kNotFinite:
    case ErrorCode::kContractMismatch:
      return 3;
    case ErrorCode::kCapacity:
      return 4;
    case ErrorCode::kDeviceFault:
    case ErrorCode::kDeviceTimeout:
      return 5;
    case ErrorCode::kInterrupted:
      return 130;
    case ErrorCode::kInternal:
      return 70;
  }
  return 70;
}

}  // namespace xw
