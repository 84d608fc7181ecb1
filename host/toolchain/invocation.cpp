// What made an output.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/invocation.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

[[nodiscard]] Json input_json(const std::string& what, const fs::path& path) {
  Json json = {{"what", what}, {"path", path.string()}};
  try {
    const MappedFile file(path);
    json["bytes"] = file.bytes().size();
    json["crc32"] = crc32_text(crc32(file.bytes()));
  } catch (const Error&) {  // a name without a file, or a file that is gone
  }
  return json;
}

}  // namespace

Json about_json(const std::string& command, const std::vector<std::string>& arguments,
                const std::vector<FileRoles::Input>& inputs) {
  Json words = Json::array({"crossweave", command});
  for (const std::string& argument : arguments) words.push_back(argument);
  Json files = Json::array();
  for (const FileRoles::Input& input : inputs) {
    std::error_code error;
    if (!fs::is_directory(input.path, error)) {
      files.push_back(input_json(input.what, input.path));
      continue;
    }
    std::vector<fs::path> inside;
    for (const fs::directory_entry& entry : fs::directory_iterator(input.path, error))
      if (is_checkpoint_file(entry.path().filename().string())) inside.push_back(entry.path());
    std::sort(inside.begin(), inside.end());
    for (const fs::path& path : inside) files.push_back(input_json(input.what, path));
  }
  return {{"output", command},           {"schema", kSchemaVersion},
          {"tool_version", kVersion},    {"contract", arch::kContractHashText},
          {"command", std::move(words)}, {"inputs", std::move(files)}};
}

Json with_about(const Json& about, const Json& json) {
  Json result = {{"about", about}};
  result.update(json);
  return result;
}

}  // namespace xw::toolchain
