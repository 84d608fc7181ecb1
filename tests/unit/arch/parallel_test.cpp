// The thread pool: every index once, exceptions, many jobs in a row.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/parallel.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

class ThreadPoolSizes : public ::testing::TestWithParam<unsigned> {};

TEST_P(ThreadPoolSizes, ForEachVisitsEveryIndexOnce) {
  xw::ThreadPool pool(GetParam());
  EXPECT_EQ(pool.num_threads(), GetParam());
  for (const std::size_t count : {0U, 1U, 2U, 7U, 64U, 1000U, 10'007U}) {
    std::vector<int> visits(count, 0);
    pool.for_each(count, [&](std::size_t i) { ++visits[i]; });
    EXPECT_EQ(std::count(visits.begin(), visits.end(), 1), static_cast<std::ptrdiff_t>(count)) << "count " << count;
  }
}

TEST_P(ThreadPoolSizes, ForRangesPartitionsInMultiplesOfTheGranularity) {
  xw::ThreadPool pool(GetParam());
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 160U, 1023U}) {
    for (const std::size_t granularity : {1U, 16U, 64U}) {
      std::vector<int> visits(count, 0);
      std::atomic<unsigned> ranges{0};
      std::atomic<unsigned> odd{0};
      pool.for_ranges(count, granularity, [&](std::size_t begin, std::size_t end) {
        ++ranges;
        if (begin >= end || begin % granularity != 0 || (end % granularity != 0 && end != count)) ++odd;
        for (std::size_t i = begin; i < end; ++i) ++visits[i];
      });
      EXPECT_EQ(std::count(visits.begin(), visits.end(), 1), static_cast<std::ptrdiff_t>(count));
      EXPECT_LE(ranges, pool.num_threads()) << count << " by " << granularity;
      EXPECT_EQ(odd, 0U) << count << " by " << granularity;
    }
  }
}

TEST_P(ThreadPoolSizes, ResultsDoNotDependOnTheNumberOfThreads) {
  xw::ThreadPool pool(GetParam());
  std::vector<std::uint64_t> squares(5000);
  pool.for_each(squares.size(), [&](std::size_t i) { squares[i] = i * i; });
  std::uint64_t sum = std::accumulate(squares.begin(), squares.end(), std::uint64_t{0});
  EXPECT_EQ(sum, 4999ULL * 5000 * 9999 / 6);
}

TEST_P(ThreadPoolSizes, TheExceptionOfABodyArrivesAndThePoolStaysUsable) {
  xw::ThreadPool pool(GetParam());
  for (int round = 0; round < 50; ++round) {
    try {
      pool.for_each(200, [&](std::size_t i) {
        if (i == 150) throw xw::Error(xw::ErrorCode::kNotFinite, "index 150");
      });
      FAIL() << "nothing was thrown";
    } catch (const xw::Error& error) {
      EXPECT_EQ(error.code(), xw::ErrorCode::kNotFinite);
      EXPECT_STREQ(error.what(), "index 150");
    }
    EXPECT_THROW(pool.for_ranges(200, 1, [](std::size_t, std::size_t) { throw std::runtime_error("every range"); }),
                 std::runtime_error);
    std::atomic<int> done{0};
    pool.for_each(200, [&](std::size_t) { ++done; });
    EXPECT_EQ(done, 200);
  }
}

TEST_P(ThreadPoolSizes, ManySmallJobsInARow) {
  xw::ThreadPool pool(GetParam());
  std::vector<std::uint32_t> counters(16, 0);  // not atomic: a job must be over when for_each returns
  constexpr std::uint32_t kJobs = 20'000;
  for (std::uint32_t job = 0; job < kJobs; ++job) {
    pool.for_each(counters.size(), [&](std::size_t i) { ++counters[i]; });
    if (job % 1000 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));  // let workers fall asleep
  }
  for (const std::uint32_t counter : counters) EXPECT_EQ(counter, kJobs);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolSizes, ::testing::Values(1U, 2U, 3U, 8U));

TEST(ThreadPool, WorkersTakePart) {
  xw::ThreadPool pool(2);
  std::set<std::thread::id> threads;
  for (int attempt = 0; attempt < 200 && threads.size() < 2; ++attempt) {
    std::vector<std::thread::id> ids(64);
    pool.for_each(ids.size(), [&](std::size_t i) {
      ids[i] = std::this_thread::get_id();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    });
    threads.insert(ids.begin(), ids.end());
  }
  EXPECT_EQ(threads.size(), 2U);
}

TEST(ThreadPool, DefaultsToTheHardwareAndStopsWithoutWork) {
  const xw::ThreadPool pool;
  EXPECT_EQ(pool.num_threads(), std::max(1U, std::thread::hardware_concurrency()));
  for (int i = 0; i < 50; ++i) const xw::ThreadPool unused(4);
}

/// In a process of its own: the limit stays.
TEST(ThreadPool, ThreadsThatCannotBeStartedAreAnErrorThatSaysHowMany) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's shadow memory needs more address space than the limit of this test";
#endif
  const int status = xw::test::exit_status_of([] {
    const struct rlimit limit = {rlim_t{600} << 20, rlim_t{600} << 20};  // address space: some stacks of 8 MiB fit
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return 97;
    try {
      const xw::ThreadPool pool(1000);
    } catch (const xw::Error& error) {
      if (error.code() != xw::ErrorCode::kCapacity) return 2;
      if (std::strstr(error.what(), "expected 1000, only ") == nullptr) return 3;
      xw::ThreadPool small(2);  // what was started has ended: its room is free again
      std::atomic<int> done{0};
      small.for_each(10, [&](std::size_t) { ++done; });
      return done == 10 ? 0 : 4;
    }
    return 1;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
