// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/assembler.hpp"

#include <functional>
#include <limits>
#include <map>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::program {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += "\\x";
      quoted += kHexDigits[byte >> 4];
      quoted += kHexDigits[byte & 15U];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

/// Names in comments: nothing that could end the line.
std::string comment_text(const std::string& text) {
  const std::string quoted = quote(text);
  return quoted.substr(1, quoted.size() - 2);
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kFormat, where + ": " + what);
}

/// Reads a quoted name at the start of `rest` and advances it.
std::string unquote(std::string_view& rest, const std::string& where) {
  if (!rest.starts_with('"')) fail(where, "expected a name in quotes after call");
  std::string text;
  std::size_t at = 1;
  while (at < rest.size() && rest[at] != '"') {
    if (rest[at] != '\\') {
      text += rest[at++];
      continue;
    }
    const std::string_view escape = rest.substr(at + 1, 3);
    if (escape.starts_with('"') || escape.starts_with('\\')) {
      text += escape[0];
      at += 2;
      continue;
    }
    const std::size_t high = escape.size() == 3 ? kHexDigits.find(escape[1]) : std::string_view::npos;
    const std::size_t low = escape.size() == 3 ? kHexDigits.find(escape[2]) : std::string_view::npos;
    if (!escape.starts_with('x') || high == std::string_view::npos || low == std::string_view::npos) {
      fail(where, R"(expected \", \\ or \x and two digits in a name)");
    }
    text += static_cast<char>(high * 16 + low);
    at += 4;
  }
  if (at >= rest.size()) fail(where, "a name does not end");
  rest.remove_prefix(at + 1);
  return text;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

using Comment = std::function<std::string(std::size_t index)>;

/// The text; comments may be empty.
std::string print(const Assembly& assembly, const Comment& call_comment, const Comment& instruction_comment) {
  std::string text;
  std::size_t call = 0;
  const auto append_comment = [&text](const Comment& comment, std::size_t index) {
    const std::string what = comment ? comment(index) : std::string();
    if (!what.empty()) text += "  ; " + what;
    text += '\n';
  };
  const auto label = [&](std::size_t index) {
    for (; call < assembly.calls.size() && assembly.calls[call].entry == index; ++call) {
      text += "call " + quote(assembly.calls[call].name) + ":";
      append_comment(call_comment, call);
    }
  };
  for (std::size_t i = 0; i < assembly.code.size(); ++i) {
    label(i);
    const Decoded decoded = decode(assembly.code[i]);
    if (decoded.error != 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "instruction " + std::to_string(i) + ": " + std::string(arch::error_name(decoded.error)));
    }
    text += "  " + to_text(decoded.instruction);
    append_comment(instruction_comment, i);
  }
  label(assembly.code.size());
  return text;
}

void check_labels(const Assembly& assembly) {
  const auto& calls = assembly.calls;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::size_t end = i + 1 < calls.size() ? calls[i + 1].entry : assembly.code.size();
    if (std::size_t{calls[i].entry} + calls[i].num_instructions != end) {
      throw Error(ErrorCode::kInvalidArgument, "call " + calls[i].name + " does not end where the next one begins");
    }
  }
}

std::string describe_call(const Program& program, const CallInfo& call) {
  std::string text = "in " + std::to_string(call.in_features) + ", x stride " + std::to_string(call.x_stride_bytes) +
                     ", y stride " + std::to_string(call.y_stride_bytes) + ":";
  for (const std::uint32_t matrix : call.matrices) {
    const MatrixInfo& info = program.manifest().matrices[matrix];
    text += " " + comment_text(info.name) + "[" + std::to_string(info.out_features) + "]";
  }
  return text;
}

std::string describe_image(const Program& program, const ImageRecord& image) {
  const BlockRecord& block = program.blocks()[image.block];
  const std::uint32_t out = block.out_begin + image.col_begin;
  return comment_text(program.manifest().matrices[block.matrix].name) + " in " + std::to_string(block.in_begin) + ".." +
         std::to_string(block.in_begin + block.rows) + " out " + std::to_string(out) + ".." +
         std::to_string(out + image.cols) + " tile " + std::to_string(block.tile) +
         (block.replica == 0 ? "" : " copy " + std::to_string(block.replica));
}

}  // namespace

std::string disassemble(const Program& program) {
  Assembly assembly;
  assembly.code.assign(program.code().begin(), program.code().end());
  for (const CallInfo& call : program.manifest().calls)
    assembly.calls.push_back({call.name, call.entry, call.num_instructions});
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> images;
  for (std::size_t i = 0; i < program.images().size(); ++i) {
    images[{program.images()[i].engine, program.images()[i].image_offset}] = i;
  }
  const Comment call_comment = [&program](std::size_t call) {
    return describe_call(program, program.manifest().calls[call]);
  };
  const Comment instruction_comment = [&](std::size_t index) {
    const Instruction instruction = decode(program.code()[index]).instruction;
    if (instruction.opcode != Opcode::kLoadBlock) return std::string();
    const auto image = images.find({instruction.engine, instruction.image_offset});
    return image == images.end() ? std::string() : describe_image(program, program.images()[image->second]);
  };
  return "; " + comment_text(program.manifest().model_name) + ", contract " + std::string(arch::kContractHashText) +
         "\n" + print(assembly, call_comment, instruction_comment);
}

std::string disassemble_call(const Program& program, std::string_view name) {
  const std::vector<CallInfo>& calls = program.manifest().calls;
  const auto call = std::find_if(calls.begin(), calls.end(), [&](const CallInfo& one) { return one.name == name; });
  if (call == calls.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                program.path() + ": no call \"" + std::string(name) + "\"; it has " + std::to_string(calls.size()) +
                    (calls.empty() ? "" : ", from \"" + calls.front().name + "\" to \"" + calls.back().name + "\""));
  }
  const std::string text = disassemble(program);
  const auto line_of = [&](const CallInfo& one) { return text.find("\ncall " + quote(one.name) + ":") + 1; };
  const std::size_t begin = line_of(*call);
  return text.substr(begin, std::next(call) == calls.end() ? std::string::npos : line_of(*std::next(call)) - begin);
}

std::string disassemble(const Assembly& assembly) {
  check_labels(assembly);
  return print(assembly, {}, {});
}

Assembly assemble(std::string_view text, const std::string& origin) {
  Assembly assembly;
  std::size_t line_number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string where = origin + ":" + std::to_string(++line_number);
    std::string_view content = trim(line);
    if (content.empty() || content.starts_with(';')) continue;
    if (assembly.code.size() >= std::numeric_limits<std::uint32_t>::max())
      fail(where, "more instructions than can be counted");
    if (content.starts_with("call ") || content.starts_with("call\t")) {
      content = trim(content.substr(4));
      CallLabel label;
      label.name = unquote(content, where);
      label.entry = static_cast<std::uint32_t>(assembly.code.size());
      content = trim(content);
      if (!content.starts_with(':')) fail(where, "expected : after the name of a call");
      content = trim(content.substr(1));
      if (!content.empty() && !content.starts_with(';')) fail(where, "expected the end of the line after a call");
      assembly.calls.push_back(std::move(label));
      continue;
    }
    assembly.code.push_back(encode(from_text(content, where)));
    if (!assembly.calls.empty()) ++assembly.calls.back().num_instructions;
  }
  return assembly;
}

}  // namespace xw::program
