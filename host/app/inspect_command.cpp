// `crossweave inspect`: what a program file holds.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/printable.hpp"
#include "compiler/program/assembler.hpp"
#include "host/app/options.hpp"
#include "host/report/program_text.hpp"
#include "host/report/text_format.hpp"
#include "host/toolchain/program_json.hpp"

namespace xw::app {

namespace po = boost::program_options;
using program::Program;

int inspect_main(const std::vector<std::string>& arguments) {
  std::filesystem::path path;
  std::filesystem::path json_path;
  std::string call;
  po::options_description options("Inspection");
  options.add_options()("program", path_value(path, "PROGRAM"), "program file")(
      "layers", "every matrix with its ranges")("tiles", "the tile map")("code", "the instructions as assembler text")(
      "call", po::value(&call), "with --code: only this call's, \"layers.0.gate\"")("sizes", "sections of the file")(
      "graph", "the model graph")("verify", "check the CRC of every block's targets")("all", "layers, tiles, sizes");
  options.add(json_options(json_path));
  const auto values =
      parse_command_line("inspect", arguments, options, "program", "PROGRAM [options]",
                         "  crossweave inspect smollm2.xwp --layers\n  crossweave inspect smollm2.xwp --code | less\n"
                         "  crossweave inspect smollm2.xwp --code --call layers.0.gate\n");
  if (!values) return 0;
  if (path.empty())
    throw Error(ErrorCode::kInvalidArgument, "inspect: no program given (see `crossweave inspect --help`)");
  FileRoles roles;
  roles.add_input("the program", path);
  roles.add_output("--json", json_path, OutputKind::kText);
  roles.check();
  if (values->count("call") != 0 && values->count("code") == 0)
    throw Error(ErrorCode::kInvalidArgument, "inspect: --call NAME says which call --code prints; give both");
  const auto program = Program::open(path);
  const auto wants = [&](const char* option) {
    return values->count(option) != 0 || (values->count("all") != 0 && std::string(option) != "verify");
  };
  if (!json_path.empty()) {
    write_json(json_path, {"inspect", arguments, roles}, toolchain::program_json(*program), 1);
    if (json_path == "-") return 0;
  }
  if (values->count("code") != 0) {
    std::cout << printable_lines(values->count("call") != 0 ? program::disassemble_call(*program, call)
                                                            : program::disassemble(*program));
    return 0;
  }
  if (values->count("graph") != 0) {
    std::cout << printable_lines(program->graph_text());
    return 0;
  }
  report::write_program_overview(std::cout, *program);
  if (wants("sizes")) report::write_program_sizes(std::cout, *program);
  if (wants("layers")) report::write_program_layers(std::cout, *program);
  if (wants("tiles")) report::write_program_tiles(std::cout, *program);
  if (values->count("verify") != 0) {
    for (std::uint32_t block = 0; block < program->blocks().size(); ++block) program->check_targets(block);
    report::line(std::cout, "\nall %zu blocks have their CRC", program->blocks().size());
  }
  return 0;
}

}  // namespace xw::app
