// Finds and reads tokenizers of any format.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/checkpoint/gguf_file.hpp"
#include "host/tokenizer/readers.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormats =
    "a GGUF file, tokenizer.json (Hugging Face), tokenizer.model (SentencePiece) or tokenizer.bin (llama2.c)";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// Files in `directory` whose name starts with `prefix` and ends with `suffix`, sorted.
std::vector<fs::path> matching_files(const fs::path& directory, std::string_view prefix, std::string_view suffix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(suffix) && is_file(it->path())) found.push_back(it->path());
  }
  std::ranges::sort(found);
  return found;
}

fs::path find_in_directory(const fs::path& directory) {
  for (const char* name : {"tokenizer.json", "tokenizer.model", "tokenizer.bin"}) {
    if (is_file(directory / name)) return directory / name;
  }
  struct Pattern {
    const char* prefix;
    const char* suffix;
  };
  for (const Pattern pattern : {Pattern{"tok", ".bin"}, Pattern{"tok", ".model"}, Pattern{"", ".gguf"}}) {
    const std::vector<fs::path> found = matching_files(directory, pattern.prefix, pattern.suffix);
    if (found.size() == 1) return found.front();
    if (found.size() > 1) {
      throw Error(ErrorCode::kInvalidArgument, directory.string() + ": several tokenizers (" +
                                                   found[0].filename().string() + ", " + found[1].filename().string() +
                                                   ", ...); name one of them");
    }
  }
  throw Error(ErrorCode::kFileNotFound, directory.string() + ": no tokenizer; expected " + std::string(kFormats));
}

/// The text of a file beside `path`, or nothing.
std::string text_beside(const fs::path& path, const char* name) {
  const fs::path beside = path.parent_path() / name;
  return is_file(beside) ? read_text_file(beside) : std::string();
}

TokenizerData read_json(const fs::path& path) {
  TokenizerData data =
      read_tokenizer_json(read_text_file(path), text_beside(path, "tokenizer_config.json"), path.string());
  if (data.chat_template.empty()) data.chat_template = text_beside(path, "chat_template.jinja");
  return data;
}

}  // namespace

std::filesystem::path find_tokenizer(const std::filesystem::path& checkpoint) {
  if (is_folder(checkpoint)) return find_in_directory(checkpoint);
  if (!is_file(checkpoint)) {
    throw Error(ErrorCode::kFileNotFound, checkpoint.string() + ": no such file or directory");
  }
  if (checkpoint.extension() == ".gguf") return checkpoint;
  return find_in_directory(checkpoint.has_parent_path() ? checkpoint.parent_path() : fs::path("."));
}

TokenizerData read_tokenizer(const std::filesystem::path& path) {
  if (is_folder(path)) return read_tokenizer(find_in_directory(path));
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 64));
  const std::string extension = path.extension().string();
  if (text.starts_with("GGUF")) return read_gguf(checkpoint::GgufFile(path), path.string());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (extension == ".json" ||
      (first != std::string_view::npos && text[first] == '{' && extension != ".model" && extension != ".bin")) {
    return read_json(path);
  }
  if (extension == ".model") return read_sentencepiece_model(bytes, path.string());
  if (extension == ".bin") return read_llama2c(bytes, path.string());
  throw Error(ErrorCode::kUnsupported,
              path.string() + ": not a tokenizer that can be read; expected " + std::string(kFormats));
}

}  // namespace xw::tokenizer
