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

/// Names that loaders of checkpoints and tokenizers know, and those that others write beside them.
constexpr std::array kNames = {"config.json"sv,
                               "generation_config.json"sv,
                               "rpu_config.json"sv,
                               "rpu_config"sv,
                               "tokenizer.json"sv,
                               "tokenizer_config.json"sv,
                               "special_tokens_map.json"sv,
                               "added_tokens.json"sv,
                               "chat_template.json"sv,
                               "vocab.json"sv,
                               "vocab.txt"sv,
                               "merges.txt"sv,
                               "params.json"sv,
                               "adapter_config.json"sv,
                               "preprocessor_config.json"sv,
                               "quantize_config.json"sv};

/// How names of weights, tokenizers, templates and indices end, whatever they are called.
constexpr std::array kEndings = {".safetensors"sv, ".gguf"sv, ".bin"sv, ".model"sv, ".jinja"sv, ".index.json"sv};

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

/// The folder that the name of `path` stands in, whatever that name links to.
[[nodiscard]] Path folder_of(const Path& path) {
  std::error_code error;
  const Path full = std::filesystem::absolute(path, error);
  return error ? path.parent_path() : full.parent_path();
}

/// Whether something has this name, be it a link that leads nowhere.
[[nodiscard]] bool is_taken(const Path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

/// Whether writing to `output` would write to a file of a checkpoint in `folder`, under any name of it. Links count twice:
/// caches of models keep links of telling names to files of others.
[[nodiscard]] bool is_of_checkpoint(const Path& output, const Path& folder) {
  if (!is_taken(output)) return false;
  if (is_checkpoint_file(output.filename().string()) && same_file(folder_of(output), folder)) return true;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (is_checkpoint_file(entry->path().filename().string()) && same_file(output, entry->path())) return true;
  }
  return false;
}

[[nodiscard]] bool is_character_device(const Path& path) {
  std::error_code error;
  return std::filesystem::is_character_file(path, error);
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
    case OutputKind::kCheckpoint:
      return bytes.size() > 8 && bytes[8] == '{';  // behind the length of its header
    case OutputKind::kWaveform:
      return bytes.starts_with("\0\0\0\0\0\0\0\x01\x49"sv);  // its header block, of 329 bytes
    case OutputKind::kTable:
      return bytes.starts_with("SQLite format 3\0"sv);
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
    case OutputKind::kCheckpoint:
      return "a checkpoint";
    case OutputKind::kWaveform:
      return "a waveform";
    case OutputKind::kTable:
      return "a table of SQLite";
  }
  return "";
}

[[noreturn]] void refuse(const std::string& what, const Path& path, const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, what + ": " + path.string() + " " + why + "; nothing was read or written");
}

[[noreturn]] void fail(const std::string& what, const Path& path, const std::string& why) {
  throw Error(ErrorCode::kIo, path.string() + ": cannot write (" + what + "): " + why);
}

void check_writable(const std::string& what, const Path& path, OutputKind kind) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 && errno != ENOENT) {
    fail(what, path, std::generic_category().message(errno));  // e.g. a name that is too long
  }
  if (kind == OutputKind::kText && is_character_device(path)) {  // /dev/null, a terminal: written in place
    if (::access(path.c_str(), W_OK) != 0) fail(what, path, std::generic_category().message(errno));
    return;
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

std::vector<FileRoles::Input> FileRoles::inputs() const {
  std::vector<Input> given;
  for (const File& input : inputs_) given.push_back({input.what, input.path});
  return given;
}

bool is_checkpoint_file(std::string_view name) {
  const auto ends_name = [name](std::string_view ending) { return name.ends_with(ending); };
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kEndings.begin(), kEndings.end(), ends_name);
}

void FileRoles::check() const {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const File& output = outputs_[i];
    // What has the mark of its own kind is no file of a checkpoint, whatever its name; text has no mark.
    const std::string bytes = beginning(output.path);
    const bool is_own = output.kind != OutputKind::kText && !bytes.empty() && may_replace(output.kind, bytes);
    for (const File& input : inputs_) {
      if (is_folder(input.path)) {
        const bool is_below = is_taken(output.path) && is_checkpoint_file(output.path.filename().string()) &&
                              is_inside(folder_of(output.path), input.path);
        if (!is_own && (is_below || is_of_checkpoint(output.path, input.path))) {
          refuse(output.what, output.path, "is a file of " + input.what + " (" + input.path.string() + ")");
        }
        continue;
      }
      if (same_file(output.path, input.path)) refuse(output.what, output.path, "is also " + input.what);
      if (is_own) continue;
      for (const Path& folder : {folder_of(input.path), whole(input.path).parent_path()}) {
        if (is_of_checkpoint(output.path, folder)) {
          refuse(output.what, output.path, "belongs to " + input.what + " (" + input.path.string() + ")");
        }
      }
    }
    for (std::size_t k = 0; k < i && !is_character_device(output.path); ++k) {
      if (same_file(output.path, outputs_[k].path)) refuse(output.what, output.path, "is also " + outputs_[k].what);
    }
    check_writable(output.what, output.path, output.kind);
    if (!may_replace(output.kind, bytes)) {
      refuse(output.what, output.path, std::string("exists and is not ") + name(output.kind));
    }
  }
}

}  // namespace xw
