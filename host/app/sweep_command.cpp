// `crossweave sweep`: a study, on one machine or as a job of many.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/printable.hpp"
#include "arch/support/progress.hpp"
#include "host/app/options.hpp"
#include "host/toolchain/sweep/curves.hpp"
#include "host/toolchain/sweep/job.hpp"
#include "host/toolchain/sweep/source.hpp"
#include "host/toolchain/sweep/sqlite.hpp"
#include "host/toolchain/sweep/sweep.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;
using toolchain::Shard;
using toolchain::Study;
using toolchain::SweepOptions;
using toolchain::SweepProgress;

struct SweepFlags {
  std::filesystem::path study, folder, csv, sqlite;
  ResultFiles files;
  std::string shard;
  std::uint32_t jobs = 1;
  unsigned threads = 0;
  bool merge = false;
  toolchain::CurveOptions curves;
};

po::options_description sweep_options(SweepFlags& flags) {
  po::options_description options("Study");
  auto add = options.add_options();
  add("study", path_value(flags.study, "STUDY"),
      "study (.toml), docs/sweep.md; of merge and plot also a folder of results or a .sqlite table");
  add("output,o", path_value(flags.folder, "-o"),
      "folder of results and programs, of all workers (default: STUDY without .toml, with .sweep)");
  add("shard", po::value(&flags.shard),
      "only a part of the chips, INDEX/COUNT, e.g. 3/8 (default: of a job array of Slurm its task, of mpirun its rank, "
      "else all)");
  add("jobs", po::value(&flags.jobs)->default_value(1), "processes on this machine that share the work");
  add("merge", po::bool_switch(&flags.merge),
      "measure nothing, only write what is there: as `sweep merge`, `sweep plot`");
  add("csv", path_value(flags.csv, "--csv"), "afterwards, what all workers have so far to this file, a line per point");
  add("sqlite", path_value(flags.sqlite, "--sqlite"), "the same as the table \"points\" of an SQLite database");
  options.add(thread_options(flags.threads));
  po::options_description curves("Curves, of --json and --html");
  auto add_curve = curves.add_options();
  add_curve("x", po::value(&flags.curves.x),
            "option to draw over (default: time if it varies, else one with numbers, else the first)");
  add_curve("lines", po::value(&flags.curves.lines),
            "option with a line for each of its values, or none (default: the first other one that varies)");
  add_curve("metric", po::value(&flags.curves.metrics)->composing(),
            "figure to draw; repeatable (default: perplexity and all of tasks)");
  add_curve(
      "where",
      po::value<std::vector<std::string>>()->composing()->notifier([&flags](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) {
          const std::size_t equals = text.find('=');
          if (equals == std::string::npos || equals == 0)
            throw Error(ErrorCode::kInvalidArgument, "--where: expected OPTION=VALUE, found '" + text + "'");
          flags.curves.where[text.substr(0, equals)] = text.substr(equals + 1);
        }
      }),
      "only points with this value of an option, OPTION=VALUE; repeatable");
  curves.add(result_options(flags.files));
  options.add(curves);
  return options;
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

/// Measures what is missing, and returns the exit status.
int measure(const SweepFlags& flags, std::ostream& out) {
  const Study study = toolchain::parse_study(read_text_file(flags.study), flags.study);
  SweepOptions options;
  options.folder = flags.folder.empty() ? toolchain::default_folder(flags.study) : flags.folder;
  options.shard = flags.shard.empty() ? toolchain::job_shard() : toolchain::parse_shard(flags.shard);
  options.threads = flags.threads;
  static_cast<void>(toolchain::measure_of(study));  // what it reads is there
  out << study.points.size() << " points on " << (study.chip.empty() ? 0 : study.chip.back() + 1) << " chips\n";
  if (flags.jobs > 1) return run_jobs(study, options, flags.jobs);
  const SweepProgress progress = run_here(study, options);
  out << progress.points << " of them here: " << progress.kept << " were there, "
      << progress.done - progress.kept - progress.failed << " measured, " << progress.failed << " failed\n";
  return 0;
}

/// Tells and writes what all workers have.
void tell(const SweepFlags& flags, const Asked& asked, std::ostream& out) {
  const toolchain::SweepSource source = toolchain::read_source(flags.study, flags.folder);
  std::size_t failed = 0;
  for (const auto& record : source.records) {
    if (!record.contains("error")) continue;
    if (++failed <= 10)
      out << printable(record["point"].dump() + ": " + record["error"]["message"].get<std::string>()) << '\n';
  }
  out << source.records.size() - failed << " of " << source.points << " points are in "
      << printable(source.place.string()) << ", " << failed << " failed\n";
  if (!flags.csv.empty()) write_text_file(flags.csv, toolchain::to_csv(source.records));
  if (!flags.sqlite.empty()) write_text_file(flags.sqlite, toolchain::to_sqlite(source.records));
  if (flags.files.any()) {
    nlohmann::ordered_json json = {{"source", flags.study.string()}};
    json.update(toolchain::curves(source, flags.curves));
    write_result(flags.files, asked, json);
  }
}

}  // namespace

int sweep_main(const std::vector<std::string>& arguments) {
  SweepFlags flags;
  const std::string verb = arguments.empty() ? "" : arguments.front();
  const bool only_tells = verb == "plot" || verb == "merge";
  const auto values =
      parse_command_line("sweep", {arguments.begin() + (only_tells ? 1 : 0), arguments.end()}, sweep_options(flags),
                         "study", "[merge|plot] STUDY.toml [options]",
                         "  crossweave sweep noise.toml --jobs 2 --threads 1 --csv noise.csv\n"
                         "  crossweave sweep noise.toml -o results --shard 3/8     # one job of eight\n"
                         "  crossweave sweep merge noise.toml -o results --csv noise.csv --sqlite noise.sqlite\n"
                         "  crossweave sweep plot noise.toml -o results --html noise.html --x time --lines adapt\n"
                         "Points that are there are not measured again: the same command goes on after "
                         "Ctrl-C, a crash or a killed job.\n");
  if (!values) return 0;
  if (flags.study.empty())
    throw Error(ErrorCode::kInvalidArgument, "sweep: no study given (see `crossweave sweep --help`)");
  if (flags.jobs < 1 || flags.jobs > kMaxThreads)
    throw Error(ErrorCode::kInvalidArgument,
                "--jobs: expected 1 to " + std::to_string(kMaxThreads) + ", found " + std::to_string(flags.jobs));
  if (verb == "plot" && !flags.files.any())
    throw Error(ErrorCode::kInvalidArgument, "sweep plot: expected --html FILE or --json, found neither");
  if (!flags.files.any()) {
    for (const char* name : {"x", "lines", "metric", "where"})
      if (values->count(name) != 0)
        throw Error(ErrorCode::kInvalidArgument,
                    std::string("--") + name + ": it chooses curves, which --html FILE or --json write");
  }
  FileRoles roles;
  roles.add_input("the study", flags.study);
  roles.add_output("--csv", flags.csv, OutputKind::kText);
  roles.add_output("--sqlite", flags.sqlite, OutputKind::kTable);
  flags.files.add_to(roles);
  roles.check();
  std::ostream quiet(nullptr);
  std::ostream& out = flags.files.json == "-" ? quiet : std::cout;
  const int status = flags.merge || only_tells ? 0 : measure(flags, out);
  tell(flags, {"sweep", arguments, roles}, out);
  return status;
}

}  // namespace xw::app
