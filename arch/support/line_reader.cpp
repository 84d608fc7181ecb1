// Interruptible line input.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"

namespace xw {

bool LineReader::next(std::string& line) {
  constexpr int kStepMs = 100;
  for (;;) {
    if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
      line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return true;
    }
    if (ended_) {
      line = std::move(pending_);
      pending_.clear();
      return !line.empty();
    }
    throw_if_interrupted();
    pollfd wait{descriptor_, POLLIN, 0};
    if (const int ready = ::poll(&wait, 1, kStepMs); ready == 0 || (ready < 0 && errno == EINTR)) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(ErrorCode::kIo, std::string("standard input: ") + std::strerror(errno));
    ended_ = count == 0;
    pending_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace xw
