// Runs `crossweave` as a user would.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace xw::test {

struct Outcome {
  int status = -1;
  std::string output;  ///< standard output and error together, unless error was sent elsewhere
};

/// Output and exit status of a shell command; negative: the signal that ended it.
inline Outcome shell(const std::string& command) {
  Outcome outcome;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    outcome.output.append(buffer.data(), count);
  const int status = ::pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return outcome;
}
inline Outcome crossweave(const std::string& arguments) {
  return shell(std::string(XW_CROSSWEAVE) + " " + arguments + " 2>&1 </dev/null");
}

}  // namespace xw::test
