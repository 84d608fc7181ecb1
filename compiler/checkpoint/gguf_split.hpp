// GGUF models that are split over several files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "compiler/checkpoint/gguf_file.hpp"

namespace xw::checkpoint {

/// Opens a GGUF model whole. A file with `split.count` above 1 is one part of several, NAME-00001-of-00003.gguf and so
/// on beside each other, the first of which has the metadata; any of them may be given.
/// Throws Error{kFileNotFound} naming the part that is missing, Error{kFormat} for parts that do not belong together
/// and for tensors that are in none of them (`split.tensors.count`).
[[nodiscard]] GgufFile open_gguf_parts(const std::filesystem::path& path);

/// The file that has the metadata: the first part of a split model, `path` itself otherwise. Throws as the above.
[[nodiscard]] std::filesystem::path first_gguf_part(const std::filesystem::path& path);

}  // namespace xw::checkpoint
