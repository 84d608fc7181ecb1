// `crossweave export`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "host/app/options.hpp"
#include "host/report/text_format.hpp"
#include "host/toolchain/export_gguf.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;

checkpoint::Dtype type_of(const std::string& text) {
  using checkpoint::Dtype;
  for (const auto& [name, type] : {std::pair("f32", Dtype::kF32), std::pair("f16", Dtype::kF16),
                                   std::pair("bf16", Dtype::kBF16), std::pair("q8_0", Dtype::kQ8_0)}) {
    if (text == name) return type;
  }
  throw Error(ErrorCode::kInvalidArgument, "--type: expected f32, f16, bf16 or q8_0, found '" + text + "'");
}

}  // namespace

int export_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model, output, tokenizer;
  std::string type = "f16";
  po::options_description options("Export");
  auto add = options.add_options();
  add("model", path_value(model, "CHECKPOINT"), "checkpoint of Llama's structure, trained ones, too");
  add("output,o", path_value(output, "-o"), "GGUF file to write");
  add("type", po::value(&type)->default_value(type), "of matrices: f32, f16, bf16 or q8_0");
  add("tokenizer", path_value(tokenizer, "--tokenizer"), "tokenizer file (default: found in or beside the checkpoint)");
  const auto values =
      parse_command_line("export", arguments, options, "model", "CHECKPOINT -o MODEL.gguf [options]",
                         "  crossweave export smollm2-afm.safetensors --type q8_0 -o smollm2-afm.gguf\n");
  if (!values) return 0;
  if (model.empty())
    throw Error(ErrorCode::kInvalidArgument, "export: no checkpoint given (see `crossweave export --help`)");
  if (output.empty()) throw Error(ErrorCode::kInvalidArgument, "export: no output given; use -o MODEL.gguf");
  FileRoles roles;
  roles.add_input("the model", model);
  roles.add_input("--tokenizer", tokenizer);
  roles.add_output("-o", output, OutputKind::kCheckpoint);
  roles.check();
  const checkpoint::Dtype dtype = type_of(type);
  toolchain::export_gguf(toolchain::open_checkpoint(model, tokenizer), output, dtype);
  report::line(std::cout, "%s: %.1f MB", output.string().c_str(),
               static_cast<double>(std::filesystem::file_size(output)) * 1e-6);
  return 0;
}

}  // namespace xw::app
