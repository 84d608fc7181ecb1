// The progress line on a terminal and elsewhere.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/progress.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

using ::testing::HasSubstr;
using xw::test::exit_status_of;
using xw::test::TemporaryFolder;

/// Makes stderr a pseudo terminal of a given width while it lives.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) : master_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) return;
    const int slave = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    if (slave < 0) return;
    struct winsize window {};
    window.ws_row = 24;
    window.ws_col = columns;
    ::ioctl(slave, TIOCSWINSZ, &window);
    saved_ = ::dup(STDERR_FILENO);
    ::dup2(slave, STDERR_FILENO);
    ::close(slave);
  }
  ~Terminal() {
    restore();
    if (master_ >= 0) ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] bool works() const { return saved_ >= 0; }
  /// What was written so far.
  std::string text() {
    std::string all;
    std::array<char, 4096> part{};
    ::fcntl(master_, F_SETFL, O_NONBLOCK);
    for (ssize_t got = 0; (got = ::read(master_, part.data(), part.size())) > 0;) {
      all.append(part.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
  }
  int master_ = -1;
  int saved_ = -1;
};

TEST(Progress, ShortWorkIsSilentWhenStderrIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    xw::Progress progress("compile", 3, "tiles");
    progress.set_note("ppl 12.3");
    for (int i = 0; i < 3; ++i) progress.advance();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, LongWorkHasLinesWhenStderrIsNoTerminal) {
  constexpr std::chrono::milliseconds kInterval{20};
  for (const auto place : {xw::Progress::Place::kOwnLine, xw::Progress::Place::kAfterText}) {
    testing::internal::CaptureStderr();
    const auto start = std::chrono::steady_clock::now();
    {
      xw::Progress progress("compile", 4, "tiles", place, kInterval);
      progress.advance();  // too early, nothing
      for (int i = 0; i < 2; ++i) {
        std::this_thread::sleep_for(kInterval);
        progress.advance();
      }
      progress.advance();
    }
    const auto intervals = (std::chrono::steady_clock::now() - start) / kInterval;
    const std::string text = testing::internal::GetCapturedStderr();
    if (place == xw::Progress::Place::kAfterText) {
      EXPECT_EQ(text, "");
      continue;
    }
    EXPECT_THAT(text, HasSubstr("|###############     | 3/4 tiles"));
    EXPECT_TRUE(text.ends_with("\n"));
    EXPECT_EQ(text.find_first_of("\r\x1b"), std::string::npos);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    EXPECT_GE(lines, 1);
    EXPECT_LE(lines, intervals);
  }
}

TEST(Progress, DrawsPartRateAndNoteAndClearsItsLine) {
  Terminal terminal(120);
  if (!terminal.works()) GTEST_SKIP() << "no pseudo terminal";
  {
    xw::Progress progress("compile", 2900, "tiles");
    progress.set_note("ppl 12.3");
    progress.advance(1450);
  }
  const std::string text = terminal.text();
  EXPECT_THAT(text, HasSubstr("\rcompile  50 % |##########          | 1.4k/2.9k tiles"));
  EXPECT_THAT(text, HasSubstr("tiles/s"));
  EXPECT_THAT(text, HasSubstr(" left"));
  EXPECT_THAT(text, HasSubstr("ppl 12.3"));
  EXPECT_TRUE(text.ends_with("\r\x1b[K"));
}

TEST(Progress, SlowWorkHasARate) {
  testing::internal::CaptureStderr();
  {
    xw::Progress progress("search", 10, "runs", xw::Progress::Place::kOwnLine, std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    progress.advance();
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("1/10 runs  0."));
  EXPECT_THAT(text, HasSubstr("left"));
}

TEST(Progress, DrawsAtMostTenTimesASecondAndNeverWraps) {
  Terminal terminal(20);
  if (!terminal.works()) GTEST_SKIP() << "no pseudo terminal";
  const auto start = std::chrono::steady_clock::now();
  {
    xw::Progress progress("a long description of the work", 1000, "tiles");
    for (int i = 0; i < 1000; ++i) progress.advance();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string text = terminal.text();
  const auto lines = std::count(text.begin(), text.end(), '\r');
  EXPECT_GE(lines, 2);
  EXPECT_LE(static_cast<double>(lines), 3 + 10 * seconds);
  EXPECT_LE(text.find("\x1b[K"), 20U);  // the first drawing: carriage return and at most 19 characters
}

TEST(Progress, ManyThreadsMayAdvance) {
  Terminal terminal(80);
  if (!terminal.works()) GTEST_SKIP() << "no pseudo terminal";
  {
    xw::Progress progress("eval", 4000, "tokens");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          progress.advance();
          if (i % 100 == 0) progress.set_note(std::to_string(i));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_THAT(terminal.text(), HasSubstr("eval"));
}

}  // namespace
