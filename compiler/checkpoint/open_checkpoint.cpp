// Finds out what a path is and opens it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/checkpoint_parts.hpp"
#include "compiler/checkpoint/gguf_split.hpp"
#include "compiler/checkpoint/llama2c.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "compiler/checkpoint/safetensors.hpp"

namespace xw::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr const char* kSupported =
    "a directory with config.json and *.safetensors, a .safetensors file, a .gguf file, a llama2.c .bin file";

bool has_file(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

ModelConfig read_config(const fs::path& directory) {
  const fs::path path = directory / "config.json";
  if (!has_file(path)) {
    throw Error(ErrorCode::kFileNotFound,
                path.string() + ": expected the model's configuration beside its weights, found no file");
  }
  ModelConfig config = parse_hf_config(read_text_file(path), path.string());
  const fs::path generation = directory / "generation_config.json";
  if (has_file(generation)) add_generation_config(config, read_text_file(generation), generation.string());
  if (config.name.empty()) config.name = fs::absolute(directory).lexically_normal().filename().string();
  return config;
}

// Adds the tensors of one file.
void add_file(const fs::path& path, std::vector<MappedFile>& maps, std::map<std::string, Tensor>& tensors) {
  maps.emplace_back(path);
  for (auto& [tensor_name, tensor] : parse_safetensors(maps.back().bytes(), path.string())) {
    const auto [position, is_new] = tensors.emplace(tensor_name, tensor);
    if (!is_new) {
      throw Error(ErrorCode::kFormat, path.string() + ": tensor \"" + printable(tensor_name) +
                                          "\": expected each tensor in one file, found it also at " +
                                          position->second.location);
    }
  }
}

std::unique_ptr<Checkpoint> open_safetensors(const fs::path& path, const fs::path& directory,
                                             const std::set<std::string>& files,
                                             const std::map<std::string, std::string>& index) {
  ModelConfig config = read_config(directory);
  std::vector<MappedFile> maps;
  std::map<std::string, Tensor> tensors;
  for (const std::string& file : files) {
    if (!has_file(directory / file)) {
      throw Error(ErrorCode::kFileNotFound,
                  (directory / file).string() + ": expected a file named in " + kIndexName + ", found none");
    }
    add_file(directory / file, maps, tensors);
  }
  for (const auto& [tensor_name, file] : index) {
    if (!tensors.contains(tensor_name)) {
      throw Error(ErrorCode::kFormat, (directory / kIndexName).string() + ": expected tensor \"" +
                                          printable(tensor_name) + "\" in " + printable(file) + ", found none");
    }
  }
  CheckpointParts parts = safetensors_parts(std::move(config), std::move(tensors), path);
  parts.maps = std::move(maps);
  parts.training = find_analog_training(directory);
  return make_checkpoint(std::move(parts));
}

std::unique_ptr<Checkpoint> open_sharded(const fs::path& path, const fs::path& directory) {
  const fs::path index_path = directory / kIndexName;
  const std::map<std::string, std::string> index =
      parse_safetensors_index(read_text_file(index_path), index_path.string());
  std::set<std::string> files;
  for (const auto& [tensor_name, file] : index) files.insert(file);
  return open_safetensors(path, directory, files, index);
}

std::unique_ptr<Checkpoint> open_directory(const fs::path& path) {
  if (has_file(path / kIndexName)) return open_sharded(path, path);
  std::vector<std::string> files;
  bool has_pickles = false;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() == ".safetensors") files.push_back(file);
    has_pickles = has_pickles || (file.starts_with("pytorch_model") && file.ends_with(".bin"));
  }
  if (std::find(files.begin(), files.end(), "model.safetensors") != files.end()) files = {"model.safetensors"};
  if (files.size() == 1) return open_safetensors(path, path, {files.front()}, {});
  if (files.empty() && has_pickles) {
    throw Error(ErrorCode::kUnsupported,
                path.string() + ": found pickled PyTorch weights; convert them first: scripts/convert_lightning.py");
  }
  throw Error(files.empty() ? ErrorCode::kFileNotFound : ErrorCode::kFormat,
              path.string() + ": expected model.safetensors, one *.safetensors, or several with " + kIndexName +
                  ", found " + std::to_string(files.size()) + " *.safetensors files");
}

/// A file that carries its graph, or null for another one; it needs no configuration beside it.
std::unique_ptr<Checkpoint> open_adapted(const fs::path& path) {
  std::vector<MappedFile> maps;
  std::map<std::string, Tensor> tensors;
  add_file(path, maps, tensors);
  if (!is_adapted(tensors)) return nullptr;
  CheckpointParts parts = adapted_parts(std::move(tensors), path);
  parts.maps = std::move(maps);
  return make_checkpoint(std::move(parts));
}

std::unique_ptr<Checkpoint> open_gguf(const fs::path& path) {
  CheckpointParts parts = gguf_parts(open_gguf_parts(path));
  if (parts.config.name.empty()) parts.config.name = path.stem().string();
  return make_checkpoint(std::move(parts));
}

std::unique_ptr<Checkpoint> open_llama2c(MappedFile map, const fs::path& path) {
  CheckpointParts parts = llama2c_parts(map.bytes(), path);
  parts.config.name = path.stem().string();
  parts.maps.push_back(std::move(map));
  return make_checkpoint(std::move(parts));
}

}  // namespace

std::unique_ptr<Checkpoint> open_checkpoint(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_directory(path);
  const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (path.extension() == ".safetensors" && has_file(path)) {
    if (std::unique_ptr<Checkpoint> adapted = open_adapted(path)) return adapted;
    const bool is_shard =
        path.filename().string().find("-of-") != std::string::npos && has_file(directory / kIndexName);
    return is_shard ? open_sharded(path, directory) : open_safetensors(path, directory, {path.filename().string()}, {});
  }
  MappedFile map(path);
  const std::span<const std::byte> bytes = map.bytes();
  const std::string_view magic(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 4));
  if (magic == "GGUF" || path.extension() == ".gguf") return open_gguf(path);
  if (magic.starts_with("PK")) {
    throw Error(
        ErrorCode::kUnsupported,
        path.string() + ": found a zip archive (PyTorch weights?); convert them first: scripts/convert_lightning.py");
  }
  if (is_safetensors(bytes)) {
    if (std::unique_ptr<Checkpoint> adapted = open_adapted(path)) return adapted;
    return open_safetensors(path, directory, {path.filename().string()}, {});
  }
  if (path.extension() == ".bin" || looks_like_llama2c(bytes)) return open_llama2c(std::move(map), path);
  throw Error(ErrorCode::kUnsupported,
              path.string() + ": found \"" + printable(magic) + "\" at its begin; supported: " + kSupported);
}

}  // namespace xw::checkpoint
