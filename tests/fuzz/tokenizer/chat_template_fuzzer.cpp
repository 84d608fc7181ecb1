// Fuzzes the chat template language.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using xw::tokenizer::jinja::Value;
  const auto message = [](const char* role) {
    return Value::object({{"role", Value::string(role)}, {"content", Value::string(" Hi \n")}});
  };
  try {
    const Value context =
        Value::object({{"messages", Value::list({message("user"), message("assistant"), message("user")})},
                       {"add_generation_prompt", Value::boolean(true)},
                       {"bos_token", Value::string("<s>")},
                       {"eos_token", Value::string("</s>")}});
    (void)xw::tokenizer::jinja::Template(std::string_view(reinterpret_cast<const char*>(data), size)).render(context);
  } catch (const xw::Error&) {
    // refused with a message
  }
  return 0;
}
