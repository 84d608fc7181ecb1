// Runs a program with an emulated Alveo card: scripts/xrt_emulation.sh.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "host/backends/xrt/emulation/session.hpp"
#include "host/backends/xrt/options.hpp"

namespace {

using xw::Error;
using xw::ErrorCode;
using xw::xrt_emulation::CardDescription;
using xw::xrt_emulation::Session;

constexpr const char* kHelp =
    R"(Runs PROGRAM on this machine as if an Alveo card were in it: XRT's hw_emu driver talks to a process that plays the card.

  xrt_emulation [--kind functional|verilated] [--emulator NAME|FILE] [--options KEY=VALUE,...] [--threads N] PROGRAM [ARGUMENT...]

  --kind      what plays the kernel: functional (fast, default) or verilated (the RTL, cycle by cycle)
  --emulator  emulator description that the card is built for (default: alveo-u55c)
  --options   of kind verilated: latency=, bandwidth=, backpressure=, seed=, outstanding=
  --threads   of kind functional (default: 1)
  --hang-after N  for tests: the N-th run never ends
  --contract HASH  for tests, of kind functional: the card says that it was built from this contract (32 digits)

PROGRAM finds the xclbin in the environment variable XW_XCLBIN, as `crossweave run model.xwp --device xrt` does.
The status is that of PROGRAM.
)";

volatile sig_atomic_t child = 0;

constexpr unsigned kGraceSeconds = 8;  ///< from the first signal until the program is killed

constexpr int kForwarded[] = {SIGINT, SIGTERM, SIGHUP};

/// Blocks (SIG_BLOCK) or lets through (SIG_UNBLOCK) the signals that are forwarded to the program.
void set_blocked(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : kForwarded) sigaddset(&signals, number);
  sigprocmask(how, &signals, nullptr);
}

extern "C" void forward(int number) {
  if (child > 0) kill(static_cast<pid_t>(-child), number);
  alarm(kGraceSeconds);
}

extern "C" void end_it(int) {
  if (child > 0) kill(static_cast<pid_t>(-child), SIGKILL);
}

struct Request {
  CardDescription card;
  std::vector<char*> program;
};

[[nodiscard]] std::uint32_t count(const std::string& option, const char* text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < 1 || value > 1'000'000) {
    throw Error(ErrorCode::kInvalidArgument, option + ": expected a count above 0, found '" + text + "'");
  }
  return static_cast<std::uint32_t>(value);
}

[[nodiscard]] Request parse(int argc, char** argv) {
  Request request;
  std::string emulator = "alveo-u55c";
  int at = 1;
  for (; at < argc && std::strncmp(argv[at], "--", 2) == 0; at += 2) {
    const std::string option = argv[at];
    if (option == "--") {
      ++at;
      break;
    }
    if (at + 1 >= argc) throw Error(ErrorCode::kInvalidArgument, option + ": expected a value");
    const char* value = argv[at + 1];
    if (option == "--kind") {
      request.card.kind = value;
    } else if (option == "--emulator") {
      emulator = value;
    } else if (option == "--options") {
      request.card.options = value;
    } else if (option == "--threads") {
      request.card.threads = count(option, value);
    } else if (option == "--hang-after") {
      request.card.hang_after = count(option, value);
    } else if (option == "--contract") {
      request.card.contract = value;
    } else {
      throw Error(ErrorCode::kInvalidArgument, "unknown option '" + option + "' (see --help)");
    }
  }
  if (at >= argc) throw Error(ErrorCode::kInvalidArgument, "expected a program to run (see --help)");
  if (request.card.kind != "functional" && request.card.kind != "verilated") {
    throw Error(ErrorCode::kInvalidArgument,
                "--kind: expected functional or verilated, found '" + request.card.kind + "'");
  }
  request.card.emulator = xw::arch::load_emulator(emulator);
  request.program.assign(argv + at, argv + argc);
  request.program.push_back(nullptr);
  return request;
}

/// Starts the program in a process group of its own: the driver shoots its whole group when the program crashes.
[[nodiscard]] pid_t start(const Request& request, const Session& session, const std::filesystem::path& shim) {
  const std::filesystem::path xclbin = session.write_xclbin("card.xclbin", request.card);
  const pid_t pid = fork();
  if (pid < 0) throw Error(ErrorCode::kIo, std::string("cannot start a process: ") + std::strerror(errno));
  if (pid > 0) {
    setpgid(pid, pid);
    return pid;
  }
  setpgid(0, 0);
  for (const int number : kForwarded) signal(number, SIG_DFL);
  set_blocked(SIG_UNBLOCK);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // without its launcher nobody would clean up after it, or forward signals
  if (isatty(STDIN_FILENO) != 0) {
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, getpid());
    signal(SIGTTOU, SIG_DFL);
  }
  for (const auto& [name, value] : session.environment()) setenv(name.c_str(), value.c_str(), 1);
  setenv(xw::xrt_device::kXclbinVariable, xclbin.c_str(), 1);
  setenv(xw::xrt_device::kStartVariable, "registers", 0);  // one process less between host and card
  const char* preloaded = getenv("LD_PRELOAD");
  const bool others = preloaded != nullptr && *preloaded != '\0';
  setenv("LD_PRELOAD", (others ? std::string(preloaded) + ":" + shim.string() : shim.string()).c_str(), 1);
#ifdef __SANITIZE_ADDRESS__
  // The shim is preloaded before the sanitizer; XRT's libraries leak.
  setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
#endif
  execvp(request.program[0], request.program.data());
  std::fprintf(stderr, "error: %s: cannot be run: %s\n", request.program[0], std::strerror(errno));
  _exit(127);
}

[[nodiscard]] int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (isatty(STDIN_FILENO) != 0) {
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, getpgrp());
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return 70;
}

int run(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const Request request = parse(argc, argv);
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  // A signal waits until there is a program that it ends: the session's folder would be left behind.
  set_blocked(SIG_BLOCK);
  for (const int number : kForwarded) signal(number, forward);
  signal(SIGALRM, end_it);
  const Session session(here / "crossweave_xrt_card");
  child = static_cast<sig_atomic_t>(start(request, session, here / "libxw_xrt_driver_shim.so"));
  set_blocked(SIG_UNBLOCK);
  const int status = wait_for(static_cast<pid_t>(child));
  // Whatever of its group is left waits for a socket that nobody opens any more.
  kill(static_cast<pid_t>(-child), SIGKILL);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return xw::exit_status(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 70;
  }
}
