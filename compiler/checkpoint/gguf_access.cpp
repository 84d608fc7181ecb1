// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
// Typed access to GGUF metadata.
#include <limits>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/gguf_file.hpp"

namespace xw::checkpoint {

const GgufValue* GgufFile::find(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

void GgufFile::throw_type(const std::string& key, const char* expected, const GgufValue& found) const {
  throw Error(ErrorCode::kFormat, path_.string() + ": metadata \"" + printable(key) + "\": expected " + expected +
                                      ", found " + found.type_name());
}

std::optional<std::int64_t> GgufFile::find_int(const std::string& key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<std::int64_t>(&value->data)) return *number;
  if (const auto* number = std::get_if<bool>(&value->data)) return *number ? 1 : 0;
  const auto* number = std::get_if<std::uint64_t>(&value->data);
  if (number == nullptr || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw_type(key, "an integer below 2^63", *value);
  }
  return static_cast<std::int64_t>(*number);
}

std::optional<double> GgufFile::find_float(const std::string& key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<double>(&value->data)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value->data)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&value->data)) return static_cast<double>(*number);
  throw_type(key, "a number", *value);
}

std::optional<bool> GgufFile::find_bool(const std::string& key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* flag = std::get_if<bool>(&value->data);
  if (flag == nullptr) throw_type(key, "a boolean", *value);
  return *flag;
}

const std::string* GgufFile::find_string(const std::string& key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return nullptr;
  const auto* text = std::get_if<std::string>(&value->data);
  if (text == nullptr) throw_type(key, "a string", *value);
  return text;
}

const std::vector<std::string>* GgufFile::find_strings(const std::string& key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return nullptr;
  const auto* texts = std::get_if<std::vector<std::string>>(&value->data);
  if (texts == nullptr) throw_type(key, "an array of strings", *value);
  return texts;
}

std::optional<std::vector<std::int64_t>> GgufFile::find_ints(const std::string& key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value->data)) return *numbers;
  if (const auto* flags = std::get_if<std::vector<std::uint8_t>>(&value->data)) {
    return std::vector<std::int64_t>(flags->begin(), flags->end());
  }
  const auto* numbers = std::get_if<std::vector<std::uint64_t>>(&value->data);
  if (numbers == nullptr) throw_type(key, "an array of integers", *value);
  std::vector<std::int64_t> result;
  result.reserve(numbers->size());
  for (const std::uint64_t number : *numbers) {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw_type(key, "integers below 2^63", *value);
    }
    result.push_back(static_cast<std::int64_t>(number));
  }
  return result;
}

std::optional<std::vector<double>> GgufFile::find_floats(const std::string& key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* numbers = std::get_if<std::vector<double>>(&value->data)) return *numbers;
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value->data)) {
    return std::vector<double>(numbers->begin(), numbers->end());
  }
  const auto* numbers = std::get_if<std::vector<std::uint64_t>>(&value->data);
  if (numbers == nullptr) throw_type(key, "an array of numbers", *value);
  return std::vector<double>(numbers->begin(), numbers->end());
}

}  // namespace xw::checkpoint
