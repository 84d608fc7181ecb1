// Assembler text of one instruction.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <limits>
#include <type_traits>

#include "arch/support/error.hpp"
#include "compiler/program/instruction.hpp"

namespace xw::program {
namespace {

std::string hex(std::uint32_t value) {
  std::array<char, 8> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return "0x" + std::string(digits.data(), result.ptr);
}

void append_wait(std::string& text, unsigned id, unsigned count) {
  text += " wait=s" + std::to_string(id) + ":" + std::to_string(count);
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kFormat, where + ": " + what);
}

std::uint32_t parse_number(std::string_view text, const std::string& where, std::string_view key) {
  int base = 10;
  std::string_view digits = text;
  if (digits.starts_with("0x")) {
    base = 16;
    digits.remove_prefix(2);
  }
  std::uint32_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || result.ec != std::errc{} || result.ptr != digits.data() + digits.size()) {
    fail(where, std::string(key) + ": expected a number below 2^32, found \"" + std::string(text) + "\"");
  }
  return value;
}

/// "s12" -> 12
std::uint32_t parse_semaphore(std::string_view text, const std::string& where, std::string_view key) {
  if (!text.starts_with("s"))
    fail(where, std::string(key) + ": expected a semaphore as s12, found \"" + std::string(text) + "\"");
  return parse_number(text.substr(1), where, key);
}

std::uint32_t parse_unit(std::string_view text, const std::string& where) {
  for (std::uint32_t id = 0; id < arch::kNumUnits; ++id) {
    if (arch::is_unit(id) && arch::unit_name(id) == text) return id;
  }
  fail(where, "unit: expected x_load, y_store, block_load[n] or mvm[n], found \"" + std::string(text) + "\"");
}

template <typename T>
void assign(T& member, std::uint32_t value, const std::string& where, std::string_view key) {
  if constexpr (std::is_same_v<T, bool>) {
    member = value != 0;
  } else {
    if (value > std::numeric_limits<T>::max())
      fail(where, std::string(key) + ": " + std::to_string(value) + " is too large");
    member = static_cast<T>(value);
  }
}

/// Next word of a line; advances `rest`. Empty at the end or at a comment.
std::string_view next_word(std::string_view& rest) {
  const std::size_t begin = rest.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos || rest[begin] == ';') {
    rest = {};
    return {};
  }
  rest.remove_prefix(begin);
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r;"));
  rest.remove_prefix(word.size());
  return word;
}

/// Parses key[=value] words into an instruction whose opcode is set.
class FieldParser {
 public:
  FieldParser(Instruction& instruction, const std::string& where) : instruction_(instruction), where_(where) {}

  void parse(std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view key = word.substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    const std::string_view value = has_value ? word.substr(equals + 1) : std::string_view{};
    if (key == "wait" && has_value) return parse_wait(value);
    if ((key == "signal" || key == "nosignal") && has_value) return parse_signal(key, value);
    std::uint32_t index = 0;
    bool found = false;
    arch::visit_fields(instruction_, [&](const char* name, const arch::Field&, auto& member, arch::FieldStyle style) {
      const std::uint32_t bit = 1U << index++;
      if (key != name || has_value == (style == arch::FieldStyle::kFlag)) return;
      if ((seen_ & bit) != 0) fail(where_, "\"" + std::string(key) + "\" is given twice");
      seen_ |= bit;
      found = true;
      const std::uint32_t number = style == arch::FieldStyle::kFlag   ? 1
                                   : style == arch::FieldStyle::kUnit ? parse_unit(value, where_)
                                                                      : parse_number(value, where_, key);
      assign(member, number, where_, key);
    });
    if (!found) {
      fail(where_,
           std::string(arch::opcode_name(instruction_.opcode)) + " does not understand \"" + std::string(word) + "\"");
    }
  }

  void check_complete() const {
    std::uint32_t index = 0;
    arch::visit_fields(instruction_, [&](const char* name, const arch::Field&, auto&, arch::FieldStyle style) {
      const std::uint32_t bit = 1U << index++;
      if (style != arch::FieldStyle::kFlag && (seen_ & bit) == 0)
        fail(where_, std::string("\"") + name + "\" is missing");
    });
  }

 private:
  void parse_wait(std::string_view value) {
    const std::size_t colon = value.find(':');
    if (colon == std::string_view::npos) fail(where_, "wait: expected wait=s4:1, found \"" + std::string(value) + "\"");
    const std::uint32_t id = parse_semaphore(value.substr(0, colon), where_, "wait");
    const std::uint32_t count = parse_number(value.substr(colon + 1), where_, "wait");
    if (waits_ == 0) {
      assign(instruction_.wait0_id, id, where_, "wait");
      assign(instruction_.wait0_count, count, where_, "wait");
    } else if (waits_ == 1) {
      assign(instruction_.wait1_id, id, where_, "wait");
      assign(instruction_.wait1_count, count, where_, "wait");
    } else {
      fail(where_, "an instruction has at most two waits");
    }
    ++waits_;
  }

  void parse_signal(std::string_view key, std::string_view value) {
    if (has_signal_) fail(where_, "an instruction has at most one signal");
    has_signal_ = true;
    instruction_.signal = key == "signal";
    assign(instruction_.signal_id, parse_semaphore(value, where_, key), where_, key);
  }

  Instruction& instruction_;
  const std::string& where_;
  std::uint32_t seen_ = 0;
  unsigned waits_ = 0;
  bool has_signal_ = false;
};

}  // namespace

std::string to_text(const Instruction& instruction) {
  std::string text(arch::opcode_name(instruction.opcode));
  arch::visit_fields(instruction, [&text](const char* name, const arch::Field&, auto member, arch::FieldStyle style) {
    const auto value = static_cast<std::uint32_t>(member);
    if (style == arch::FieldStyle::kFlag) {
      if (value != 0) text += std::string(" ") + name;
      return;
    }
    text += std::string(" ") + name + "=" +
            (style == arch::FieldStyle::kHex    ? hex(value)
             : style == arch::FieldStyle::kUnit ? arch::unit_name(value)
                                                : std::to_string(value));
  });
  const bool has_wait1 = instruction.wait1_id != 0 || instruction.wait1_count != 0;
  if (has_wait1 || instruction.wait0_id != 0 || instruction.wait0_count != 0) {
    append_wait(text, instruction.wait0_id, instruction.wait0_count);
  }
  if (has_wait1) append_wait(text, instruction.wait1_id, instruction.wait1_count);
  if (instruction.signal) {
    text += " signal=s" + std::to_string(instruction.signal_id);
  } else if (instruction.signal_id != 0) {
    text += " nosignal=s" + std::to_string(instruction.signal_id);  // ignored by devices; kept so that text is exact
  }
  return text;
}

Instruction from_text(std::string_view line, const std::string& where) {
  std::string_view rest = line;
  const std::string_view mnemonic = next_word(rest);
  Instruction instruction;
  std::uint32_t opcode = 0;
  while (opcode < arch::kNumOpcodes && arch::opcode_name(opcode) != mnemonic) ++opcode;
  if (mnemonic.empty() || opcode == arch::kNumOpcodes) {
    fail(where, "expected an instruction, found \"" + std::string(mnemonic) + "\"");
  }
  instruction.opcode = static_cast<Opcode>(opcode);
  FieldParser parser(instruction, where);
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) parser.parse(word);
  parser.check_complete();
  try {
    (void)encode(instruction);
  } catch (const Error& error) {
    fail(where, error.what());
  }
  return instruction;
}

}  // namespace xw::program
