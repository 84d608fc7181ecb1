// Mends what a host cannot live with in the hw_emu driver of XRT 2.13: preloaded into it, or linked with
// --export-dynamic-symbol. The driver itself is unchanged.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
//
//  - It waits in whole seconds: sleeps become milliseconds. Its scheduler sleeps between any two looks at its queue: while
//    there is traffic it only lets others run.
//  - It makes some thirty requests per run and waits for each: those whose answers say nothing are sent together with the
//    next one (PostedRequests).
//  - When the card's process has ended it reads the end of the socket for ever: the host ends with a message.
//  - It writes to that socket without MSG_NOSIGNAL: the host would end without one.
//  - When its process crashes it sends that signal to the whole process group, which may be a test runner and the shell that
//    started it, and then ends as if nothing had happened: the process alone ends, by the signal, after telling where it was.
//  - It leaves a file emulation_debug.log beside the host's program: it goes to the folder of the run, which is removed.
#include <dlfcn.h>
#include <execinfo.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/backends/xrt/emulation/posted_requests.hpp"

namespace {

constexpr int kExitStatus = 5;  ///< as of every device fault

template <typename Function>
[[nodiscard]] Function next(const char* name) {
  Function function = nullptr;
  void* symbol = dlsym(RTLD_NEXT, name);
  static_assert(sizeof function == sizeof symbol);
  std::memcpy(&function, &symbol, sizeof function);
  return function;
}

[[nodiscard]] bool is_unix_socket(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

void tell(const char* text) {
  static const auto write_next = next<ssize_t (*)(int, const void*, size_t)>("write");
  (void)!write_next(STDERR_FILENO, text, std::strlen(text));
}

[[noreturn]] void end_host() {
  tell("error: device xrt: the process of the emulated card has ended; XRT's driver cannot go on without it\n");
  _exit(kExitStatus);
}

constexpr int kDeepestStack = 64;

/// Ends this process as the signal would have ended it without a handler. The stack is the one that crashed: this runs in its
/// handler.
[[noreturn]] void end_by(int number) {
  tell("error: device xrt: the process with XRT's driver has crashed here:\n");
  std::array<void*, kDeepestStack> stack{};
  backtrace_symbols_fd(stack.data(), backtrace(stack.data(), kDeepestStack), STDERR_FILENO);
  signal(number, SIG_DFL);
  sigset_t blocked;  // as every signal while its handler runs
  sigemptyset(&blocked);
  sigaddset(&blocked, number);
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  raise(number);
  _exit(128 + number);
}

/// Whether the driver's handler for crashes sends such a signal: of SIGFPE it makes SIGTERM.
[[nodiscard]] bool tells_of_a_crash(int number) {
  return number == SIGSEGV || number == SIGABRT || number == SIGTERM;
}

std::atomic<int> ended_socket{-1};  ///< where the end was read last

constexpr std::uint64_t kTrafficNs = 1'000'000;  ///< the scheduler stays awake for so long after a request

[[nodiscard]] std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

std::atomic<std::uint64_t> last_request_ns{0};

/// The driver's socket to its card, from its first request until it closes it.
std::atomic<int> card_socket{-1};
std::unique_ptr<xw::xrt_emulation::PostedRequests> card_requests;

/// Takes a request of the driver; false for everything else that is written.
[[nodiscard]] bool take_request(int fd, std::span<const std::byte> bytes) {
  using xw::xrt_emulation::PostedRequests;
  const int known = card_socket.load(std::memory_order_acquire);
  if (fd != known) {
    if (known >= 0 || !PostedRequests::begins_request(bytes) || !is_unix_socket(fd)) return false;
    card_requests = std::make_unique<PostedRequests>(fd);
    card_socket.store(fd, std::memory_order_release);
  }
  last_request_ns.store(now_ns(), std::memory_order_relaxed);
  if (!card_requests->write(bytes)) end_host();
  return true;
}

/// Where a file that the driver opens is to be.
[[nodiscard]] std::string moved(const char* path) {
  constexpr std::string_view kLog = "/emulation_debug.log";
  const std::string_view wanted(path);
  const char* folder = std::getenv("SDACCEL_EM_RUN_DIR");
  if (!wanted.ends_with(kLog) || folder == nullptr || *folder == '\0') return path;
  return std::string(folder).append(kLog);
}

}  // namespace

extern "C" {

unsigned sleep(unsigned seconds) {
  const timespec shorter{0, seconds >= 10 ? 10'000'000 : 1'000'000};
  if (seconds > 0) nanosleep(&shorter, nullptr);
  return 0;
}

int usleep(useconds_t microseconds) {
  if (microseconds <= 10 && now_ns() - last_request_ns.load(std::memory_order_relaxed) < kTrafficNs) {
    sched_yield();
    return 0;
  }
  const timespec time{static_cast<time_t>(microseconds / 1'000'000),
                      static_cast<long>(microseconds % 1'000'000) * 1000};
  return nanosleep(&time, nullptr);
}

ssize_t read(int fd, void* buffer, size_t bytes) {
  static const auto read_next = next<ssize_t (*)(int, void*, size_t)>("read");
  ssize_t got = 0;
  if (fd == card_socket.load(std::memory_order_acquire)) {
    got = card_requests->receive({static_cast<std::byte*>(buffer), bytes});
  } else {
    got = read_next(fd, buffer, bytes);
  }
  if (got == 0 && bytes > 0 && is_unix_socket(fd)) {
    // Once is how every stream ends; who reads on is the driver.
    if (ended_socket.exchange(fd) == fd) end_host();
  }
  return got;
}

ssize_t write(int fd, const void* buffer, size_t bytes) {
  static const auto write_next = next<ssize_t (*)(int, const void*, size_t)>("write");
  if (take_request(fd, {static_cast<const std::byte*>(buffer), bytes})) return static_cast<ssize_t>(bytes);
  const ssize_t sent = send(fd, buffer, bytes, MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  return write_next(fd, buffer, bytes);
}

FILE* fopen(const char* path, const char* mode) {
  static const auto fopen_next = next<FILE* (*)(const char*, const char*)>("fopen");
  return fopen_next(moved(path).c_str(), mode);
}

FILE* fopen64(const char* path, const char* mode) {
  static const auto fopen_next = next<FILE* (*)(const char*, const char*)>("fopen64");
  return fopen_next(moved(path).c_str(), mode);
}

int kill(pid_t process, int number) {
  static const auto kill_next = next<int (*)(pid_t, int)>("kill");
  if (process == 0 && tells_of_a_crash(number)) end_by(number == SIGTERM ? SIGFPE : number);
  return kill_next(process, number);
}

int close(int fd) {
  static const auto close_next = next<int (*)(int)>("close");
  int socket = fd;
  card_socket.compare_exchange_strong(socket, -1);
  return close_next(fd);
}

}  // extern "C"
