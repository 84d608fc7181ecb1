// What made an output: tool, command, inputs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arch/support/file_roles.hpp"

namespace xw::toolchain {

/// The value of the key "about" of every JSON output (docs/schemas/about.schema.json): {"output": command, "schema": its version,
/// "tool_version", "contract": hash, "command": words, "inputs": [{"what", "path", "bytes", "crc32"}]}. Files are read for their checksums; of a
/// folder, the checkpoint files in it, by name. What cannot be read has neither bytes nor checksum.
[[nodiscard]] nlohmann::ordered_json about_json(const std::string& command, const std::vector<std::string>& arguments,
                                                const std::vector<FileRoles::Input>& inputs);

/// `json` with "about" as its first key.
[[nodiscard]] nlohmann::ordered_json with_about(const nlohmann::ordered_json& about,
                                                const nlohmann::ordered_json& json);

}  // namespace xw::toolchain
