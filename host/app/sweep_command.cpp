// `crossweave sweep`: a study, on one machine or as a job of many.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>

#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/printable.hpp"
#include "arch/support/progress.hpp"
#include "host/app/options.hpp"
#include "host/toolchain/sweep/sweep.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;
using toolchain::Shard;
using toolchain::Study;
using toolchain::SweepOptions;
using toolchain::SweepProgress;

struct SweepFlags {
  std::filesystem::path study, folder, csv;
  std::string shard;
  std::uint32_t jobs = 1;
  unsigned threads = 0;
  bool merge = false;
};

po::options_description sweep_options(SweepFlags& flags) {
  po::options_description options("Study");
  auto add = options.add_options();
  add("study", path_value(flags.study, "STUDY"), "study (.toml), docs/sweep.md");
  add("output,o", path_value(flags.folder, "-o"),
      "folder of results and programs, of all workers (default: STUDY without .toml, with .sweep)");
  add("shard", po::value(&flags.shard),
      "only a part of the chips, INDEX/COUNT, e.g. 3/8 (default: of a job array of Slurm its task, else all)");
  add("jobs", po::value(&flags.jobs)->default_value(1), "processes on this machine that share the work");
  add("merge", po::bool_switch(&flags.merge), "measure nothing, only write what is there");
  add("csv", path_value(flags.csv, "--csv"), "afterwards, what all workers have so far to this file, a line per point");
  options.add(thread_options(flags.threads));
  return options;
}

/// The task of a job array of Slurm that this process is, or everything.
Shard slurm_shard() {
  const auto number = [](const char* name, std::size_t absent) {
    const char* text = std::getenv(name);
    return text == nullptr ? absent : static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
  };
  const std::size_t count = number("SLURM_ARRAY_TASK_COUNT", 1);
  const std::size_t task = number("SLURM_ARRAY_TASK_ID", 0), first = number("SLURM_ARRAY_TASK_MIN", 0);
  const std::size_t step = number("SLURM_ARRAY_TASK_STEP", 1);
  if (std::getenv("SLURM_ARRAY_TASK_ID") == nullptr) return {};
  if (task < first || step == 0 || (task - first) / step >= count) {
    throw Error(ErrorCode::kInvalidArgument, "sweep: SLURM_ARRAY_TASK_ID " + std::to_string(task) + " is none of " +
                                                 std::to_string(count) + " tasks from " + std::to_string(first) +
                                                 " on; give --shard");
  }
  return {(task - first) / step, count};
}

SweepProgress run_here(const Study& study, SweepOptions options) {
  std::unique_ptr<Progress> shown;
  std::size_t seen = 0;
  options.on_progress = [&](const SweepProgress& now) {
    if (shown == nullptr) {
      shown = std::make_unique<Progress>("sweep", now.points - now.kept, "points");
      seen = now.done;
    }
    shown->advance(now.done - seen);
    seen = now.done;
  };
  return toolchain::run_sweep(study, options);
}

/// Processes that share a shard; each has a file of its own. Returns the status of the first that failed, or 0.
int run_jobs(const Study& study, const SweepOptions& options, std::uint32_t jobs) {
  std::vector<pid_t> children;
  std::cout << std::flush;
  for (std::uint32_t job = 0; job < jobs; ++job) {
    const pid_t child = ::fork();  // no threads are running yet
    if (child < 0) throw Error(ErrorCode::kCapacity, "sweep: the system gives no more processes");
    if (child == 0) {
      SweepOptions part = options;
      part.shard = {options.shard.index + options.shard.count * job, options.shard.count * jobs};
      int status = 0;
      try {
        static_cast<void>(toolchain::run_sweep(study, part));
      } catch (const Error& error) {
        std::cerr << "crossweave: " << name(error.code()) << ": " << printable(error.what()) << '\n';
        status = exit_status(error.code());
      } catch (const std::exception& error) {
        std::cerr << "crossweave: internal: " << printable(error.what()) << '\n';
        status = exit_status(ErrorCode::kInternal);
      }
      std::cerr << std::flush;
      ::_exit(status);
    }
    children.push_back(child);
  }
  int worst = 0;
  for (const pid_t child : children) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (worst == 0) worst = code;
  }
  throw_if_interrupted();
  return worst;
}

}  // namespace

int sweep_main(const std::vector<std::string>& arguments) {
  SweepFlags flags;
  const auto values = parse_command_line("sweep", arguments, sweep_options(flags), "study", "STUDY.toml [options]",
                                         "  crossweave sweep noise.toml --jobs 2 --threads 1 --csv noise.csv\n"
                                         "  crossweave sweep noise.toml -o results --shard 3/8     # one job of eight\n"
                                         "  crossweave sweep noise.toml -o results --merge --csv noise.csv\n"
                                         "Points that are there are not measured again: the same command goes on after "
                                         "Ctrl-C, a crash or a killed job.\n");
  if (!values) return 0;
  if (flags.study.empty())
    throw Error(ErrorCode::kInvalidArgument, "sweep: no study given (see `crossweave sweep --help`)");
  if (flags.jobs < 1 || flags.jobs > kMaxThreads)
    throw Error(ErrorCode::kInvalidArgument,
                "--jobs: expected 1 to " + std::to_string(kMaxThreads) + ", found " + std::to_string(flags.jobs));
  FileRoles roles;
  roles.add_input("the study", flags.study);
  roles.add_output("--csv", flags.csv, OutputKind::kText);
  roles.check();
  const Study study = toolchain::parse_study(read_text_file(flags.study), flags.study);
  SweepOptions options;
  options.folder = flags.folder;
  if (options.folder.empty()) options.folder = std::filesystem::path(flags.study).replace_extension(".sweep");
  options.shard = flags.shard.empty() ? slurm_shard() : toolchain::parse_shard(flags.shard);
  options.threads = flags.threads;
  const std::string measure = toolchain::measure_of(study);
  std::cout << study.points.size() << " points on " << (study.chip.empty() ? 0 : study.chip.back() + 1) << " chips\n";
  int status = 0;
  if (!flags.merge) {
    if (flags.jobs > 1) {
      status = run_jobs(study, options, flags.jobs);
    } else {
      const SweepProgress progress = run_here(study, options);
      std::cout << progress.points << " of them here: " << progress.kept << " were there, "
                << progress.done - progress.kept - progress.failed << " measured, " << progress.failed << " failed\n";
    }
  }
  const auto records = toolchain::merged(study, measure, toolchain::read_records(options.folder));
  std::size_t failed = 0;
  for (const auto& record : records) {
    if (!record.contains("error")) continue;
    if (++failed <= 10) {
      std::cout << printable(record["point"].dump() + ": " + record["error"]["message"].get<std::string>()) << '\n';
    }
  }
  std::cout << records.size() - failed << " of " << study.points.size() << " points are in "
            << printable(options.folder.string()) << ", " << failed << " failed\n";
  if (!flags.csv.empty()) write_text_file(flags.csv, toolchain::to_csv(records));
  return status;
}

}  // namespace xw::app
