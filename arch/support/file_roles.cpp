// Which outputs would destroy something.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/file_roles.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"

namespace xw {
namespace {

using Path = std::filesystem::path;
using namespace std::string_view_literals;

/// Files that belong to a checkpoint in a file beside them.
constexpr std::array kBeside = {"config.json"sv,
                                "generation_config.json"sv,
                                "tokenizer.json"sv,
                                "tokenizer_config.json"sv,
                                "tokenizer.model"sv,
                                "tokenizer.bin"sv,
                                "special_tokens_map.json"sv,
                                "added_tokens.json"sv,
                                "chat_template.jinja"sv,
                                "chat_template.json"sv,
                                "vocab.json"sv,
                                "merges.txt"sv,
                                "model.safetensors.index.json"sv,
                                "pytorch_model.bin.index.json"sv,
                                "params.json"sv};

/// The path without links and dots, as far as it exists.
[[nodiscard]] Path whole(const Path& path) {
  std::error_code error;
  Path result = std::filesystem::weakly_canonical(path, error);
  return error ? std::filesystem::absolute(path, error).lexically_normal() : result;
}

[[nodiscard]] bool same_file(const Path& a, const Path& b) {
  struct stat first {
  }, second{};
  if (::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0) {
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  }
  return whole(a) == whole(b);
}

[[nodiscard]] bool is_folder(const Path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// Whether `path` stands in `folder` or in a folder below it, under any name of theirs.
[[nodiscard]] bool is_inside(const Path& path, const Path& folder) {
  const Path root = whole(folder), file = whole(path);
  return std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
}

/// The beginning of a file that is there; empty for what is none.
[[nodiscard]] std::string beginning(const Path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return first_bytes(path, 4096);
}

[[nodiscard]] bool may_replace(OutputKind kind, std::string_view bytes) {
  if (bytes.empty()) return true;
  switch (kind) {
    case OutputKind::kText:
      return bytes.find('\0') == std::string_view::npos && !bytes.starts_with("GGUF") &&
             !bytes.starts_with("\x89XWP") && !bytes.starts_with("XWRUN\r\n");
    case OutputKind::kProgram:
      return bytes.starts_with("\x89XWP\r\n\x1a\n");
    case OutputKind::kCapture:
      return bytes.starts_with("XWRUN\r\n\x1a");
    case OutputKind::kWaveform:
      return bytes.starts_with("\0\0\0\0\0\0\0\x01\x49"sv);  // its header block, of 329 bytes
  }
  return false;
}

[[nodiscard]] const char* name(OutputKind kind) {
  switch (kind) {
    case OutputKind::kText:
      return "text";
    case OutputKind::kProgram:
      return "a program";
    case OutputKind::kCapture:
      return "a saved run";
    case OutputKind::kWaveform:
      return "a waveform";
  }
  return "";
}

[[noreturn]] void refuse(const std::string& what, const Path& path, const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, what + ": " + path.string() + " " + why + "; nothing was read or written");
}

[[noreturn]] void fail(const std::string& what, const Path& path, const std::string& why) {
  throw Error(ErrorCode::kIo, path.string() + ": cannot write (" + what + "): " + why);
}

void check_writable(const std::string& what, const Path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 && errno != ENOENT) {
    fail(what, path, std::generic_category().message(errno));  // e.g. a name that is too long
  }
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    fail(what, path, "it exists and is not a regular file");
  }
  if (path.filename().empty()) fail(what, path, "expected a file, found a folder");
  const Path real = whole(path);
  const Path folder = real.has_parent_path() ? real.parent_path() : Path(".");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) fail(what, path, std::generic_category().message(errno));
}

}  // namespace

void FileRoles::add_input(const std::string& what, const Path& path) {
  if (!path.empty()) inputs_.push_back({what, path});
}

void FileRoles::add_output(const std::string& what, const Path& path, OutputKind kind) {
  if (!path.empty() && path != "-") outputs_.push_back({what, path, kind});
}

void FileRoles::check() const {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const File& output = outputs_[i];
    for (const File& input : inputs_) {
      if (is_folder(input.path)) {
        std::error_code error;
        const bool exists = std::filesystem::exists(output.path, error);
        if (exists && is_inside(output.path, input.path) &&
            !(output.kind == OutputKind::kProgram && may_replace(output.kind, beginning(output.path)))) {
          refuse(output.what, output.path, "is a file of " + input.what + " (" + input.path.string() + ")");
        }
        continue;
      }
      if (same_file(output.path, input.path)) refuse(output.what, output.path, "is also " + input.what);
      for (const std::string_view beside : kBeside) {
        std::error_code error;
        const Path neighbour = whole(input.path).parent_path() / beside;
        if (std::filesystem::exists(neighbour, error) && same_file(output.path, neighbour)) {
          refuse(output.what, output.path, "belongs to " + input.what + " (" + input.path.string() + ")");
        }
      }
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (same_file(output.path, outputs_[k].path)) refuse(output.what, output.path, "is also " + outputs_[k].what);
    }
    check_writable(output.what, output.path);
    if (!may_replace(output.kind, beginning(output.path))) {
      refuse(output.what, output.path, std::string("exists and is not ") + name(output.kind));
    }
  }
}

}  // namespace xw
