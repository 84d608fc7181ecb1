// Mends what a host cannot live with in the hw_emu driver of XRT 2.13: preloaded into it, or linked with
// --export-dynamic-symbol. The driver itself is unchanged.
//  - It waits in whole seconds: sleeps become milliseconds. Its scheduler sleeps between any two looks at its queue: while
//    there is traffic it only lets others run.
//  - It makes some thirty requests per run and sleeps in each: answers are looked for some microseconds long before that.
//  - When the card's process has ended it reads the end of the socket for ever: the host ends with a message.
//  - It writes to that socket without MSG_NOSIGNAL: the host would end without one.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

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

std::atomic<int> ended_socket{-1};  ///< where the end was read last

constexpr std::uint64_t kSpinNs = 60'000;        ///< an answer takes some microseconds, waking up some tens
constexpr std::uint64_t kTrafficNs = 1'000'000;  ///< the scheduler stays awake for so long after a request

[[nodiscard]] std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

std::atomic<std::uint64_t> last_request_ns{0};

/// What read() would return, or -1 after kSpinNs without any bytes.
[[nodiscard]] ssize_t spin_for_answer(int fd, void* buffer, size_t bytes) {
  const std::uint64_t until = now_ns() + kSpinNs;
  do {
    const ssize_t got = recv(fd, buffer, bytes, MSG_DONTWAIT);
    if (got >= 0 || (errno != EAGAIN && errno != EINTR)) return got;
    sched_yield();
  } while (now_ns() < until);
  return -1;
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
  ssize_t got = spin_for_answer(fd, buffer, bytes);  // at once for what is no socket
  if (got < 0) got = read_next(fd, buffer, bytes);
  if (got == 0 && bytes > 0 && is_unix_socket(fd)) {
    // Once is how every stream ends; who reads on is the driver.
    if (ended_socket.exchange(fd) == fd) end_host();
  }
  return got;
}

ssize_t write(int fd, const void* buffer, size_t bytes) {
  static const auto write_next = next<ssize_t (*)(int, const void*, size_t)>("write");
  const ssize_t sent = send(fd, buffer, bytes, MSG_NOSIGNAL);
  if (sent >= 0) last_request_ns.store(now_ns(), std::memory_order_relaxed);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  return write_next(fd, buffer, bytes);
}

}  // extern "C"
