// `crossweave assemble`: a program with the instructions of a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "arch/support/file.hpp"
#include "compiler/program/assembler.hpp"
#include "compiler/program/replace_code.hpp"
#include "host/app/options.hpp"
#include "host/report/text_format.hpp"

namespace xw::app {

namespace po = boost::program_options;

int assemble_main(const std::vector<std::string>& arguments) {
  std::filesystem::path path, code, output;
  po::options_description options("Assembler");
  options.add_options()("program", path_value(path, "PROGRAM"), "program whose calls and images the code is for")(
      "code", path_value(code, "--code"), "assembler text, as `crossweave inspect --code` prints it")(
      "output,o", path_value(output, "-o"), "program to write: proven as a compiled one is");
  const auto values = parse_command_line("assemble", arguments, options, "program", "PROGRAM --code TEXT -o NEW.xwp",
                                         "  crossweave inspect smollm2.xwp --code > smollm2.xwa\n"
                                         "  crossweave assemble smollm2.xwp --code smollm2.xwa -o edited.xwp\n"
                                         "  crossweave run edited.xwp --device systemc -p Hello -n 4 --stats\n");
  if (!values) return 0;
  if (path.empty())
    throw Error(ErrorCode::kInvalidArgument, "assemble: no program given (see `crossweave assemble --help`)");
  if (code.empty()) throw Error(ErrorCode::kInvalidArgument, "assemble: no text given; use --code TEXT");
  if (output.empty()) throw Error(ErrorCode::kInvalidArgument, "assemble: no output given; use -o NEW.xwp");
  FileRoles roles;
  roles.add_input("the program", path);
  roles.add_input("--code", code);
  roles.add_output("-o", output, OutputKind::kProgram);
  roles.check();
  const auto program = program::Program::open(path);
  const program::Assembly assembly = program::assemble(read_text_file(code), code.string());
  program::write_with_code(*program, assembly, code.string(), output);
  report::line(std::cout, "%s: %zu instructions in %zu calls (before: %zu)", output.string().c_str(),
               assembly.code.size(), assembly.calls.size(), program->code().size());
  return 0;
}

}  // namespace xw::app
