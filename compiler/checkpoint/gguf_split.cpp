// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_split.hpp"

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "arch/support/error.hpp"

namespace xw::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxParts = 65535;  // the format's own limit

/// Which part of how many a file is; count 1 for a model in one file.
struct Split {
  std::int64_t number = 0;  ///< from 0
  std::int64_t count = 1;
};

Split read_split(const GgufFile& file) {
  const Split split{file.find_int("split.no").value_or(0), file.find_int("split.count").value_or(1)};
  if (split.count < 0 || split.count > kMaxParts || split.number < 0 ||
      (split.count > 1 && split.number >= split.count)) {
    throw Error(ErrorCode::kFormat, file.path().string() + ": expected \"split.no\" below \"split.count\" of at most " +
                                        std::to_string(kMaxParts) + ", found " + std::to_string(split.number) +
                                        " and " + std::to_string(split.count));
  }
  return split;
}

/// "-00001-of-00003.gguf" for part 0 of 3.
std::string suffix(const Split& split) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "-%05lld-of-%05lld.gguf", static_cast<long long>(split.number + 1),
                static_cast<long long>(split.count));
  return text.data();
}

std::string part_text(const Split& split) {
  return "part " + std::to_string(split.number + 1) + " of " + std::to_string(split.count);
}

/// The path of another part of the same model.
fs::path part_path(const fs::path& path, const Split& own, std::int64_t number) {
  std::string name = path.filename().string();
  const std::string end = suffix(own);
  if (!name.ends_with(end)) {
    throw Error(ErrorCode::kFileNotFound, path.string() + ": is " + part_text(own) +
                                              " of a split GGUF model; expected a name that ends in " + end +
                                              ", so that the other parts can be found beside it");
  }
  name.resize(name.size() - end.size());
  return path.parent_path() / (name + suffix({number, own.count}));
}

GgufFile open_part(const fs::path& path, const Split& expected) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw Error(ErrorCode::kFileNotFound,
                path.string() + ": " + part_text(expected) + " of a split GGUF model is missing");
  }
  GgufFile part(path);
  const Split found = read_split(part);
  if (found.number != expected.number || found.count != expected.count) {
    throw Error(ErrorCode::kFormat, path.string() + ": expected " + part_text(expected) +
                                        " of a split GGUF model, found " + part_text(found));
  }
  return part;
}

}  // namespace

GgufFile open_gguf_parts(const fs::path& path) {
  GgufFile given(path);
  const Split own = read_split(given);
  if (own.count <= 1) return given;
  GgufFile model = own.number == 0 ? std::move(given) : open_part(part_path(path, own, 0), {0, own.count});
  for (std::int64_t number = 1; number < own.count; ++number) {
    model.add_part(open_part(part_path(path, own, number), {number, own.count}));
  }
  const std::optional<std::int64_t> total = model.find_int("split.tensors.count");
  if (total.has_value() && *total != static_cast<std::int64_t>(model.tensors().size())) {
    throw Error(ErrorCode::kFormat, model.path().string() + ": expected " + std::to_string(*total) +
                                        " tensors in the " + std::to_string(own.count) + " parts, found " +
                                        std::to_string(model.tensors().size()));
  }
  return model;
}

fs::path first_gguf_part(const fs::path& path) {
  const GgufFile given(path);
  const Split own = read_split(given);
  return own.count <= 1 || own.number == 0 ? path : part_path(path, own, 0);
}

}  // namespace xw::checkpoint
