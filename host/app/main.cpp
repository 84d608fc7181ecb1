// The `crossweave` command: picks the sub-command and turns errors into messages and exit codes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/printable.hpp"
#include "host/app/options.hpp"
#include "models/analog/numerics.hpp"

namespace xw::app {

const std::vector<Command>& commands() {
  static const std::vector<Command> list = {
      {"compile", "map a checkpoint to the tiles of a chip and write a program", compile_main},
      {"plan", "every way to put a model on a chip, and what each takes", plan_main},
      {"adapt", "make a checkpoint fit for a noisy chip, without training", adapt_main},
      {"generate-data", "sample training text from a checkpoint, or tokenise a text", generate_data_main},
      {"finetune", "train a checkpoint for a noisy chip, by a recipe", finetune_main},
      {"export", "write a checkpoint as a GGUF file", export_main},
      {"run", "generate text from a program or checkpoint", run_main},
      {"serve", "answer requests for text over HTTP, as OpenAI's interface has them", serve_main},
      {"eval", "perplexity and tasks (multiple choice, LAMBADA, answers), over several chip instances", eval_main},
      {"sensitivity", "what every part of a model loses on the chip: by layer, by kind, by cause", sensitivity_main},
      {"inspect", "show a program: tile map, layers, code, sizes", inspect_main},
      {"assemble", "a program with edited instructions", assemble_main},
      {"report", "what a program costs: tiles, conversions, latency, energy", report_main},
      {"simulate", "time and energy of tokens on the modelled chip, without values", simulate_main},
      {"sweep", "a study: the same measurements over models, chips, seeds, times, options", sweep_main},
      {"compare", "two reports or evaluations side by side", compare_main},
      {"doctor", "look whether a device works: driver, card, memory, every engine", doctor_main},
      {"replay", "run a saved run again, on any device", replay_main},
      {"bench", "measure the speed of this machine on a program", bench_main},
  };
  return list;
}

namespace {

int run_command(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (const std::optional<int> status = about(arguments)) return *status;
  if (const char* kernel = std::getenv("XW_KERNEL"); kernel != nullptr && *kernel != '\0')
    analog::select_kernel(kernel);
  for (const Command& command : commands()) {
    if (arguments[0] == command.name) return command.main({arguments.begin() + 1, arguments.end()});
  }
  throw_unknown_command(arguments[0]);
}

/// What a command printed must have arrived: a full disk or a closed pipe is an error, not a truncated success.
int with_output_flushed(int status) {
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw Error(ErrorCode::kIo, std::string("standard output: writing failed: ") + std::strerror(errno));
  }
  return status;
}

/// A command whose files changed under it has failed, whatever it made of them, and that is why.
int run_on_unchanged_files(int argc, char** argv) {
  int status = 0;
  try {
    status = run_command(argc, argv);
  } catch (const Error&) {
    check_mapped_files();
    throw;
  }
  check_mapped_files();
  return status;
}

}  // namespace
}  // namespace xw::app

int main(int argc, char** argv) {
  try {
    xw::install_interrupt_handler();
    return xw::app::with_output_flushed(xw::app::run_on_unchanged_files(argc, argv));
  } catch (const xw::SettingError& error) {
    std::cerr << "crossweave: " << xw::name(error.code()) << ": " << xw::printable(xw::app::with_option(error)) << '\n';
    return xw::exit_status(error.code());
  } catch (const xw::Error& error) {
    const std::string kind = xw::name(error.code());
    std::cerr << "crossweave: " << (kind == error.what() ? "" : kind + ": ") << xw::printable(error.what()) << '\n';
    return xw::exit_status(error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    std::cerr << "crossweave: " << xw::name(xw::ErrorCode::kIo) << ": " << xw::printable(error.path1().string()) << ": "
              << error.code().message() << '\n';
    return xw::exit_status(xw::ErrorCode::kIo);
  } catch (const std::bad_alloc&) {
    std::cerr << "crossweave: out of memory\n";
    return xw::exit_status(xw::ErrorCode::kCapacity);
  } catch (const std::exception& error) {
    std::cerr << "crossweave: internal: " << xw::printable(error.what()) << '\n';
    return xw::exit_status(xw::ErrorCode::kInternal);
  }
}
