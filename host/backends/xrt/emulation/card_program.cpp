// The process that plays the card.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/card_program.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/backends/xrt/emulation/server.hpp"

namespace xw::xrt_emulation {
namespace {

[[nodiscard]] std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') {
    throw Error(ErrorCode::kInvalidArgument, std::string("emulated card: the environment variable ") + name +
                                                 " is not set; XRT's driver for XCL_EMULATION_MODE=hw_emu starts this "
                                                 "program (scripts/xrt_emulation.sh)");
  }
  return value;
}

/// A connection to a socket that the driver opens sooner or later; -1 after so many milliseconds.
[[nodiscard]] int dial(const std::string& path, int milliseconds) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Error(ErrorCode::kInvalidArgument, "emulated card: " + path + " is too long for a Unix socket");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  for (int waited = 0; waited <= milliseconds; waited += 2) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    ::usleep(2000);
  }
  return -1;
}

/// The bitstream section of the xclbin, where the driver has put it: device<d>_<n>_<pid> names its n-th load.
[[nodiscard]] std::filesystem::path bitstream_file(const std::string& socket_name) {
  const std::size_t first = socket_name.find('_');
  const std::size_t second = socket_name.find('_', first == std::string::npos ? first : first + 1);
  if (second == std::string::npos) {
    throw Error(ErrorCode::kFormat, "emulated card: EMULATION_SOCKETID: expected device_number_process, found '" +
                                        socket_name.substr(0, 80) + "'");
  }
  return std::filesystem::path(environment("EMULATION_RUN_DIR")) /
         ("tempFile_" + socket_name.substr(first + 1, second - first - 1) + ".zip");
}

void serve_driver(std::span<const verilated::ModelEntry> models) {
  const std::string name = environment("EMULATION_SOCKETID");
  const std::filesystem::path sockets = std::filesystem::path("/tmp") / environment("USER");
  constexpr std::uint64_t kMostDescription = 1U << 20U;
  const std::filesystem::path file = bitstream_file(name);
  const std::unique_ptr<Card> card = make_card(parse_card(read_text_file(file, kMostDescription), "xclbin"), models);
  const int socket = dial(sockets / name, 30'000);  // newer drivers sleep for ten seconds before they open it
  if (socket < 0) throw Error(ErrorCode::kIo, "emulated card: the driver does not open " + (sockets / name).string());
  // For buffers in the host's memory, which nothing here uses; without a connection the driver's end waits for seconds.
  const std::filesystem::path to_host = sockets / ("D2X_unix_sock_" + name);
  const int host_socket = dial(to_host, 2'000);
  ServerCounts counts;
  (void)serve(socket, *card, counts);
  if (host_socket >= 0) {
    std::array<std::byte, kRequestHeaderBytes> close{};  // a request to close ends the driver's thread
    close[0] = std::byte{0x09};
    close[9] = std::byte{0x15};
    close[10] = static_cast<std::byte>(Call::kClose);
    (void)::send(host_socket, close.data(), close.size(), MSG_NOSIGNAL);
  }
  std::error_code unimportant;
  std::filesystem::remove(to_host, unimportant);
  if (std::getenv("XW_XRT_CARD_COUNTS") != nullptr) {
    for (const auto& [call, count] : counts.calls) {
      std::fprintf(stderr, "emulated card: call %u: %llu\n", call, static_cast<unsigned long long>(count));
    }
    std::fprintf(stderr, "emulated card: stray accesses: %llu, unknown calls: %llu\n",
                 static_cast<unsigned long long>(counts.stray_accesses),
                 static_cast<unsigned long long>(counts.unknown_calls));
  }
}

}  // namespace

int run_card(std::span<const verilated::ModelEntry> models) {
  try {
    serve_driver(models);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "emulated card: %s\n", error.what());
    return 1;
  }
}

}  // namespace xw::xrt_emulation
