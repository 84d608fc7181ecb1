// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/replace_code.hpp"

#include <algorithm>
#include <map>

#include "arch/support/error.hpp"
#include "compiler/program/validate.hpp"

namespace xw::program {
namespace {

/// The calls of the manifest where the labels are.
[[nodiscard]] std::vector<CallInfo> placed_calls(const Manifest& manifest, const Assembly& assembly,
                                                 const std::string& origin) {
  std::vector<CallInfo> calls = manifest.calls;
  for (std::size_t i = 0; i < std::max(calls.size(), assembly.calls.size()); ++i) {
    const auto quoted = [](std::string text, const std::string& name) {
      return text.append("\"").append(name).append("\"");
    };
    const std::string expected = i < calls.size() ? quoted("call ", calls[i].name) : "no further call";
    const std::string found = i < assembly.calls.size() ? quoted("", assembly.calls[i].name) : "none";
    if (i >= calls.size() || i >= assembly.calls.size() || calls[i].name != assembly.calls[i].name) {
      throw Error(ErrorCode::kFormat, origin + ": expected " + expected + ", found " + found +
                                          ": the calls are those of the program, in its order");
    }
    calls[i].entry = assembly.calls[i].entry;
    calls[i].num_instructions = assembly.calls[i].num_instructions;
  }
  return calls;
}

/// The blocks, with the places of their targets in the new file. Blocks that share targets go on doing so.
[[nodiscard]] std::vector<BlockRecord> copied_targets(const Program& program, ProgramWriter& writer) {
  std::vector<BlockRecord> blocks(program.blocks().begin(), program.blocks().end());
  std::map<std::uint64_t, ProgramWriter::Stored> stored;
  for (std::uint32_t i = 0; i < blocks.size(); ++i) {
    BlockRecord& block = blocks[i];
    auto at = stored.find(block.target_offset);
    if (at == stored.end()) {
      program.check_targets(i);
      const bool is_analog = program.manifest().weight_mode == WeightMode::kAnalog;
      const ProgramWriter::Stored place = is_analog ? writer.add_targets(program.targets16(program.blocks()[i]))
                                                    : writer.add_targets(program.targets8(program.blocks()[i]));
      program.release_targets(i);
      at = stored.emplace(block.target_offset, place).first;
    }
    block.target_offset = at->second.offset;
    block.target_crc = at->second.crc;
  }
  return blocks;
}

}  // namespace

void write_with_code(const Program& program, const Assembly& assembly, const std::string& origin,
                     const std::filesystem::path& target) {
  Manifest manifest = program.manifest();
  manifest.calls = placed_calls(manifest, assembly, origin);
  const auto bulk = std::find_if(program.sections().begin(), program.sections().end(),
                                 [](const Program::Section& section) { return section.name == "bulk"; });
  const Tables tables{manifest,         assembly.code,     program.blocks(),
                      program.images(), program.columns(), bulk == program.sections().end() ? 0 : bulk->bytes};
  validate(tables, origin);
  check_code(tables, arch::parse_emulator(manifest.emulator_toml, program.path() + ": emulator"), origin);

  ProgramWriter writer(target);
  const std::vector<BlockRecord> blocks = copied_targets(program, writer);
  for (const auto& [name, constant] : program.constants()) {
    writer.begin_constant(name, constant.type, constant.shape);
    writer.add_constant_data(constant.data);
  }
  writer.finish(manifest, program.graph_text(), assembly.code, blocks, program.images(), program.columns(),
                program.tokenizer());
}

}  // namespace xw::program
