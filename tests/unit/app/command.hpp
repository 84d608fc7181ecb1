// Runs `crossweave` as a user would.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/paths.hpp"

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
  return shell(crossweave_command() + " " + arguments + " 2>&1 </dev/null");
}

/// Whether a process has a handler for Ctrl-C by now.
inline bool catches_interrupts(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1) & 1U) != 0;
  }
  return false;
}

/// Likewise, interrupted (Ctrl-C) as soon as `started` (of the process) is true, however fast or slow the machine is;
/// status -SIGKILL if that takes more than a minute, or the end after it. What the process prints is read all the time:
/// a full pipe would stop it.
inline Outcome interrupted_crossweave(const std::string& arguments, const std::function<bool(pid_t)>& started) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    const std::string command = "exec " + crossweave_command() + " 2>&1 </dev/null " + arguments;
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[1]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  Outcome outcome;
  const auto drain = [&] {
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
      outcome.output.append(buffer.data(), static_cast<std::size_t>(count));
  };
  using Clock = std::chrono::steady_clock;
  const auto waits = [&](const std::function<bool()>& until) {
    for (const auto deadline = Clock::now() + std::chrono::minutes(1); !until();) {
      if (Clock::now() > deadline) return false;
      drain();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  };
  int status = 0;
  bool ended = false;
  const auto has_ended = [&] { return ended = ended || ::waitpid(child, &status, WNOHANG) == child; };
  if (waits([&] { return has_ended() || started(child); }) && !ended) ::kill(child, SIGINT);
  if (!waits(has_ended)) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  drain();
  ::close(ends[0]);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return outcome;
}

}  // namespace xw::test
