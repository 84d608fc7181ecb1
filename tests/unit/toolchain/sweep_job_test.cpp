// Parts of studies by the environment of a job.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/job.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "tests/support/expect_error.hpp"

namespace xw::toolchain {
namespace {

constexpr const char* kNames[] = {"SLURM_ARRAY_TASK_ID",
                                  "SLURM_ARRAY_TASK_COUNT",
                                  "SLURM_ARRAY_TASK_MIN",
                                  "SLURM_ARRAY_TASK_STEP",
                                  "OMPI_COMM_WORLD_RANK",
                                  "OMPI_COMM_WORLD_SIZE",
                                  "PMI_RANK",
                                  "PMI_SIZE"};

class SweepJob : public testing::Test {
 protected:
  static void environment(const std::map<std::string, std::string>& variables) {
    for (const char* name : kNames) ::unsetenv(name);
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~SweepJob() override { environment({}); }
};

TEST_F(SweepJob, ATaskOfAnArrayAndARankTakeTheirPart) {
  const auto expect = [](const std::map<std::string, std::string>& variables, std::size_t index, std::size_t count) {
    environment(variables);
    const Shard shard = job_shard();
    EXPECT_EQ(shard.index, index);
    EXPECT_EQ(shard.count, count);
  };
  expect({}, 0, 1);
  expect({{"SLURM_ARRAY_TASK_ID", "9"},
          {"SLURM_ARRAY_TASK_COUNT", "4"},
          {"SLURM_ARRAY_TASK_MIN", "5"},
          {"SLURM_ARRAY_TASK_STEP", "2"}},
         2, 4);
  expect({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "8"}}, 3, 8);
  expect({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}, 0, 2);
  expect({{"PMI_RANK", "1"}}, 0, 1);
  // A job array whose tasks were started by mpirun is divided by its tasks.
  expect({{"SLURM_ARRAY_TASK_ID", "1"}, {"SLURM_ARRAY_TASK_COUNT", "3"}, {"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}, 1, 3);
}

TEST_F(SweepJob, ValuesThatFitNoPartAreRefused) {
  const auto refused = [](const std::map<std::string, std::string>& variables, const std::string& message) {
    environment(variables);
    test::expect_error(ErrorCode::kInvalidArgument, message, [] { static_cast<void>(job_shard()); });
  };
  refused({{"SLURM_ARRAY_TASK_ID", "7"}, {"SLURM_ARRAY_TASK_COUNT", "4"}}, "SLURM_ARRAY_TASK_ID 7 is none of 4 tasks");
  refused({{"SLURM_ARRAY_TASK_ID", "x"}}, "SLURM_ARRAY_TASK_ID: expected a whole number, found 'x'");
  refused({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, "OMPI_COMM_WORLD_RANK 2 is none of 2 ranks");
}

}  // namespace
}  // namespace xw::toolchain
