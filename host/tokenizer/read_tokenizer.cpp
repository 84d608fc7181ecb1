// Finds and reads tokenizers of any format.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/checkpoint/gguf_file.hpp"
#include "compiler/checkpoint/gguf_split.hpp"
#include "compiler/checkpoint/llama2c.hpp"
#include "host/tokenizer/check.hpp"
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

/// What a file is, by its content: names of blobs in model stores say nothing.
enum class Format { kGguf, kTokenizerJson, kSentencePieceModel, kLlama2cTokenizer, kOther };

std::string_view head_of(const MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 64)};
}

Format format_of(const MappedFile& file) {
  const std::string_view head = head_of(file);
  if (head.starts_with("GGUF")) return Format::kGguf;
  // llama2.c: the length of the longest token in four bytes, before JSON, in which no byte is 0: a length of 123 begins
  // with '{'. SentencePiece: field 1 of a message, a piece, whose field 1 is its text.
  if (head.size() >= 4 && head[2] == '\0' && head[3] == '\0') return Format::kLlama2cTokenizer;
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && head[first] == '{') return Format::kTokenizerJson;
  if (head.size() >= 3 && head[0] == '\x0A' && head[2] == '\x0A') return Format::kSentencePieceModel;
  const std::string extension = file.path().extension().string();
  if (extension == ".json") return Format::kTokenizerJson;
  if (extension == ".model") return Format::kSentencePieceModel;
  if (extension == ".bin") return Format::kLlama2cTokenizer;
  if (extension == ".gguf") return Format::kGguf;
  return Format::kOther;
}

struct Pattern {
  std::string_view prefix;
  std::string_view suffix;
};

/// The first of `names` in `directory`, else the only file that matches the first pattern which any file matches; empty
/// if there is none. Throws Error{kInvalidArgument} instead of guessing between several.
fs::path find_named(const fs::path& directory, std::initializer_list<const char*> names,
                    std::initializer_list<Pattern> patterns) {
  for (const char* name : names) {
    if (is_file(directory / name)) return directory / name;
  }
  for (const Pattern& pattern : patterns) {
    const std::vector<fs::path> found = matching_files(directory, pattern.prefix, pattern.suffix);
    if (found.size() == 1) return found.front();
    if (found.size() > 1) {
      throw Error(ErrorCode::kInvalidArgument, directory.string() + ": several tokenizers (" +
                                                   found[0].filename().string() + ", " + found[1].filename().string() +
                                                   ", ...); name one of them");
    }
  }
  return {};
}

fs::path find_in_directory(const fs::path& directory) {
  fs::path found = find_named(directory, {"tokenizer.json", "tokenizer.model", "tokenizer.bin"},
                              {{"tok", ".bin"}, {"tok", ".model"}, {"", ".gguf"}});
  if (!found.empty()) return found;
  throw Error(ErrorCode::kFileNotFound, directory.string() + ": no tokenizer; expected " + std::string(kFormats));
}

/// The tokenizer of a llama2.c checkpoint: a tokenizer.json or a GGUF beside it belongs to another model.
fs::path find_for_llama2c(const fs::path& checkpoint, const fs::path& directory) {
  fs::path found = find_named(directory, {"tokenizer.bin"}, {{"tok", ".bin"}});
  if (found.empty()) found = find_named(directory, {"tokenizer.model"}, {{"tok", ".model"}});
  if (!found.empty()) return found;
  throw Error(ErrorCode::kFileNotFound, checkpoint.string() +
                                            ": no tokenizer beside this llama2.c checkpoint; expected tokenizer.bin, "
                                            "tok*.bin or tokenizer.model");
}

/// The text of a file beside `path`, or nothing.
std::string text_beside(const fs::path& path, const char* name) {
  const fs::path beside = path.parent_path() / name;
  return is_file(beside) ? read_text_file(beside) : std::string();
}

TokenizerData read_json(const fs::path& path) {
  TokenizerData data =
      read_tokenizer_json(read_text_file(path), text_beside(path, "tokenizer_config.json"), path.string());
  // The file of its own is the newer form: where both exist, it counts.
  if (std::string text = text_beside(path, "chat_template.jinja"); !text.empty()) {
    data.chat_template = std::move(text);
    check(data, path.string());
  }
  return data;
}

}  // namespace

std::filesystem::path find_tokenizer(const std::filesystem::path& checkpoint) {
  if (is_folder(checkpoint)) return find_in_directory(checkpoint);
  if (!is_file(checkpoint)) {
    throw Error(ErrorCode::kFileNotFound, checkpoint.string() + ": no such file or directory");
  }
  const fs::path directory = checkpoint.has_parent_path() ? checkpoint.parent_path() : fs::path(".");
  const MappedFile file(checkpoint);
  if (format_of(file) == Format::kGguf) return checkpoint;
  if (checkpoint::looks_like_llama2c(file.bytes())) {
    return find_for_llama2c(checkpoint, directory);
  }
  return find_in_directory(directory);
}

TokenizerData read_tokenizer(const std::filesystem::path& path) {
  if (is_folder(path)) return read_tokenizer(find_in_directory(path));
  const MappedFile file(path);
  switch (format_of(file)) {
    case Format::kGguf:
      return read_gguf(checkpoint::GgufFile(checkpoint::first_gguf_part(path)), path.string());
    case Format::kTokenizerJson:
      return read_json(path);
    case Format::kSentencePieceModel:
      return read_sentencepiece_model(file.bytes(), path.string());
    case Format::kLlama2cTokenizer:
      return read_llama2c(file.bytes(), path.string());
    case Format::kOther:
      break;
  }
  throw Error(ErrorCode::kUnsupported,
              path.string() + ": not a tokenizer that can be read; expected " + std::string(kFormats));
}

}  // namespace xw::tokenizer
