// The progress line.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "arch/support/interrupt.hpp"

namespace xw {

namespace {

/// "0.067", "950", "1.2k", "3.4M".
std::string short_number(double value) {
  static constexpr std::array<const char*, 5> kSuffixes = {"", "k", "M", "G", "T"};
  std::size_t suffix = 0;
  while (value >= 999.5 && suffix + 1 < kSuffixes.size()) {
    value /= 1000;
    ++suffix;
  }
  std::array<char, 32> text{};
  if (value > 0 && value < 0.95) {
    std::snprintf(text.data(), text.size(), "%.2g", value);
    return text.data();
  }
  std::snprintf(text.data(), text.size(), suffix > 0 && value < 99.95 ? "%.1f%s" : "%.0f%s", value, kSuffixes[suffix]);
  return text.data();
}

/// "0:05", "12:00", "3:02:01".
std::string clock_text(double seconds) {
  const auto all = std::llround(std::min(seconds, 359999.0));
  std::array<char, 32> text{};
  if (all >= 3600) {
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", all / 3600, all / 60 % 60, all % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%lld:%02lld", all / 60, all % 60);
  }
  return text.data();
}

void print(const std::string& text) noexcept {
  // A progress line that cannot be drawn is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

struct Progress::Impl {
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kInterval{100};
  static constexpr std::size_t kBarCells = 20;

  std::string what;
  std::string unit;
  std::uint64_t total;
  Place place;
  bool visible = ::isatty(STDERR_FILENO) == 1;
  std::chrono::milliseconds log_interval;  ///< of lines where there is no terminal
  Clock::time_point start = Clock::now();
  std::atomic<std::uint64_t> done{0};
  std::atomic<Clock::rep> next_draw;
  std::mutex mutex;  // guards what follows and the terminal
  std::string note;
  bool drawn = false;

  Impl(std::string text, std::uint64_t count, std::string of, Place where, std::chrono::milliseconds interval)
      : what(std::move(text)),
        unit(std::move(of)),
        total(count),
        place(where),
        log_interval(interval),
        next_draw(visible ? 0 : Clock::duration(interval).count()) {}  // on a terminal at once

  [[nodiscard]] std::string line() const {
    const std::uint64_t now_done = done.load();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double rate = seconds > 0 ? static_cast<double>(now_done) / seconds : 0;
    std::string text = what;
    if (total > 0) {
      const double part = std::min(1.0, static_cast<double>(now_done) / static_cast<double>(total));
      const auto cells = static_cast<std::size_t>(part * static_cast<double>(kBarCells));
      std::array<char, 16> percent{};
      std::snprintf(percent.data(), percent.size(), " %3.0f %% ", part * 100);
      text += percent.data();
      text += "|" + std::string(cells, '#') + std::string(kBarCells - cells, ' ') + "| ";
      text += short_number(static_cast<double>(now_done)) + "/" + short_number(static_cast<double>(total)) + " " + unit;
    } else {
      text += "  " + short_number(static_cast<double>(now_done)) + " " + unit;
    }
    text += "  " + short_number(rate) + " " + unit + "/s";
    if (total > now_done && rate > 0) text += "  " + clock_text(static_cast<double>(total - now_done) / rate) + " left";
    if (!note.empty()) text += "  " + note;
    return text;
  }

  void draw() {  // with the mutex held
    struct winsize window {};
    const std::size_t columns =
        ::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col : 80;
    std::string text = line();
    if (text.size() >= columns) text.resize(columns - 1);  // a wrapped line could not be redrawn
    if (place == Place::kOwnLine) {
      print("\r" + text + "\x1b[K");
    } else {  // cursor saved, no wrapping at the margin, cursor back
      print(
          "\x1b"
          "7\x1b[?7l  " +
          text +
          "\x1b[K\x1b[?7h\x1b"
          "8");
    }
    drawn = true;
  }

  void clear() {  // with the mutex held
    if (drawn) print(place == Place::kOwnLine ? "\r\x1b[K" : "\x1b[K");
    drawn = false;
  }

  void draw_if_due() {
    if (!visible && place == Place::kAfterText) return;  // a line there would stand in the text
    const Clock::rep now = (Clock::now() - start).count();
    const auto interval = visible ? kInterval : log_interval;
    Clock::rep due = next_draw.load(std::memory_order_relaxed);
    if (now < due || !next_draw.compare_exchange_strong(due, now + Clock::duration(interval).count())) return;
    const std::lock_guard lock(mutex);
    if (visible) {
      draw();
    } else {
      print(line() + "\n");
    }
  }
};

Progress::Progress(std::string what, std::uint64_t total, std::string unit, Place place,
                   std::chrono::milliseconds log_interval)
    : impl_(new Impl(std::move(what), total, std::move(unit), place, log_interval)) {}

Progress::~Progress() {
  impl_->clear();
  delete impl_;
}

void Progress::clear() {
  const std::lock_guard lock(impl_->mutex);
  impl_->clear();
}

void Progress::advance(std::uint64_t count) {
  throw_if_interrupted();
  impl_->done.fetch_add(count, std::memory_order_relaxed);
  impl_->draw_if_due();
}

void Progress::set_note(std::string note) {
  const std::lock_guard lock(impl_->mutex);
  impl_->note = std::move(note);
}

}  // namespace xw
