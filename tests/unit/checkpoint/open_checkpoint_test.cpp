// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "compiler/checkpoint/checkpoint.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;
using test::NamedTensors;
using test::TemporaryDirectory;
using test::TinyModel;
using xw::test::expect_error;

void expect_open_failure(const std::filesystem::path& path, ErrorCode code, const std::string& text) {
  expect_error(code, text, [&] { static_cast<void>(open_checkpoint(path)); });
}

// Splits the model into two shards with an index.
void write_shards(const TemporaryDirectory& directory, const TinyModel& model) {
  NamedTensors first = test::stored_tensors(model);
  NamedTensors second;
  std::string index;
  for (const auto& [name, tensor] : test::stored_tensors(model)) {
    const bool is_second = name.find("layers.1") != std::string::npos;
    if (is_second) second.insert(first.extract(name));
    index += (index.empty() ? "\"" : ", \"") + name + "\": \"model-0000" + (is_second ? "2" : "1") +
             "-of-00002.safetensors\"";
  }
  directory.write("model-00001-of-00002.safetensors", test::safetensors_file(first));
  directory.write("model-00002-of-00002.safetensors", test::safetensors_file(second));
  directory.write("model.safetensors.index.json", "{\"metadata\": {}, \"weight_map\": {" + index + "}}");
  directory.write("config.json", model.config_json);
}

TEST(OpenCheckpoint, DirectoryAndFileOfOneSafetensors) {
  const TinyModel model = test::tiny_model("mistral");
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.write("model.safetensors", test::safetensors_file(model.canonical));
  directory.write("config.json", model.config_json);
  directory.write("generation_config.json", R"({"eos_token_id": 9})");
  directory.write("other.safetensors", Bytes(3));  // model.safetensors is the one that counts
  for (const std::filesystem::path& path : {directory.path(), file}) {
    const std::unique_ptr<Checkpoint> checkpoint = open_checkpoint(path);
    EXPECT_EQ(checkpoint->format(), "safetensors");
    EXPECT_EQ(checkpoint->path(), path);
    EXPECT_EQ(checkpoint->config().name, directory.path().filename().string());
    EXPECT_EQ(checkpoint->config().eos_tokens, (std::vector<std::int64_t>{2, 3, 9}));
    for (const auto& [name, tensor] : model.canonical) {
      const Tensor& stored = checkpoint->tensors().at(name);
      EXPECT_EQ(read_all(stored), tensor.values) << name;
      checkpoint->release(stored);
      EXPECT_EQ(read_all(stored), tensor.values) << name << " after release";
    }
    EXPECT_NO_THROW(ir::verify(import_graph(*checkpoint)));
  }
}

TEST(OpenCheckpoint, ShardsOfADirectoryOrOfOneShard) {
  const TinyModel model = test::tiny_model("phi3");
  const TemporaryDirectory directory;
  write_shards(directory, model);
  for (const auto& path : {directory.path(), directory.path() / "model-00002-of-00002.safetensors"}) {
    const std::unique_ptr<Checkpoint> checkpoint = open_checkpoint(path);
    const NamedTensors expected = test::stored_tensors(model);
    EXPECT_EQ(checkpoint->tensors().size(), expected.size());
    for (const auto& [name, tensor] : expected) EXPECT_EQ(read_all(checkpoint->tensors().at(name)), tensor.values);
    EXPECT_NO_THROW(ir::verify(import_graph(*checkpoint)));
  }
}

TEST(OpenCheckpoint, TheContentOfAFileSaysWhatItIs) {
  const TinyModel model = test::tiny_model("llama");
  const TemporaryDirectory directory;
  directory.write("config.json", model.config_json);
  for (const char* name : {"sha256-abc", "MODEL.GGUF", "model.dat"}) {
    EXPECT_EQ(open_checkpoint(directory.write(name, test::tiny_gguf(model).build()))->format(), "gguf");
    EXPECT_EQ(open_checkpoint(directory.write(name, test::safetensors_file(model.canonical)))->format(), "safetensors");
    for (const int version : {0, 1})
      EXPECT_EQ(open_checkpoint(directory.write(name, test::tiny_llama2c(model, version, true)))->format(), "llama2c");
  }
  Bytes cut = test::tiny_llama2c(model, 0, true);
  cut.pop_back();
  expect_open_failure(directory.write("cut", cut), ErrorCode::kUnsupported, "supported: a directory with config.json");
}

TEST(OpenCheckpoint, AGitLfsPointerIsNamedWhereverItStands) {
  const TinyModel model = test::tiny_model("llama");
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "config.json", "generation_config.json",
                           "rpu_config.json"}) {
    const TemporaryDirectory directory;
    directory.write("config.json", model.config_json);
    directory.write("model.safetensors", test::safetensors_file(model.canonical));
    directory.write(name, pointer);
    expect_open_failure(directory.path(), ErrorCode::kFormat, std::string(name) + ": this is a Git LFS pointer");
  }
  const TemporaryDirectory directory;
  for (const char* name : {"m.gguf", "m.bin", "sha256-abc"})
    expect_open_failure(directory.write(name, pointer), ErrorCode::kFormat, std::string(name) + ": this is a Git LFS");
}

TEST(OpenCheckpoint, BrokenShardsAreNamed) {
  const TinyModel model = test::tiny_model("llama");
  {
    const TemporaryDirectory directory;
    write_shards(directory, model);
    std::filesystem::remove(directory.path() / "model-00002-of-00002.safetensors");
    expect_open_failure(directory.path(), ErrorCode::kFileNotFound,
                        "model-00002-of-00002.safetensors: expected a file named in");
  }
  {
    const TemporaryDirectory directory;
    write_shards(directory, model);
    directory.write("model-00002-of-00002.safetensors", test::safetensors_file(model.canonical));
    expect_open_failure(directory.path(), ErrorCode::kFormat, "expected each tensor in one file, found it also at");
  }
  {
    const TemporaryDirectory directory;
    write_shards(directory, model);
    directory.write("model-00002-of-00002.safetensors", test::safetensors_file(NamedTensors{}));
    expect_open_failure(directory.path(), ErrorCode::kFormat, "in model-00002-of-00002.safetensors, found none");
  }
  {
    const TemporaryDirectory directory;
    write_shards(directory, model);
    directory.write("model.safetensors.index.json", "{");
    expect_open_failure(directory.path(), ErrorCode::kFormat, "model.safetensors.index.json: expected JSON");
  }
}

TEST(OpenCheckpoint, GgufAndLlama2cByTheirContent) {
  const TinyModel model = test::tiny_model("llama");
  const TemporaryDirectory directory;
  const auto gguf = open_checkpoint(directory.write("a.gguf", test::tiny_gguf(model).build()));
  EXPECT_EQ(gguf->format(), "gguf");
  gguf->release(gguf->tensors().at("blk.0.attn_q.weight"));
  EXPECT_EQ(read_all(gguf->tensors().at("blk.0.attn_q.weight")),
            model.canonical.at("model.layers.0.self_attn.q_proj.weight").values);
  EXPECT_EQ(open_checkpoint(directory.write("renamed.bin", test::tiny_gguf(model).build()))->format(), "gguf");
  for (const int version : {0, 1}) {
    const auto llama2c = open_checkpoint(directory.write("b.bin", test::tiny_llama2c(model, version, true)));
    EXPECT_EQ(llama2c->format(), "llama2c");
    EXPECT_EQ(llama2c->config().name, "b");
    EXPECT_EQ(open_checkpoint(directory.write("sha256-0", test::tiny_llama2c(model, version, true)))->format(),
              "llama2c");
    EXPECT_NO_THROW(ir::verify(import_graph(*llama2c)));
    llama2c->release(llama2c->tensors().at("model.norm.weight"));
    EXPECT_EQ(read_all(llama2c->tensors().at("model.norm.weight")), model.canonical.at("model.norm.weight").values);
  }
}

TEST(OpenCheckpoint, WhatIsNoCheckpointIsExplained) {
  const TemporaryDirectory directory;
  expect_open_failure(directory.path() / "absent", ErrorCode::kFileNotFound, "absent");
  expect_open_failure(directory.path() / "absent.safetensors", ErrorCode::kFileNotFound, "absent.safetensors");
  expect_open_failure(directory.path(), ErrorCode::kFileNotFound, "found 0 *.safetensors files");
  expect_open_failure(directory.write("x.txt", "hello"), ErrorCode::kUnsupported,
                      "found \"hell\" at its begin; supported: a directory with config.json");
  expect_open_failure(directory.write("x.gguf", "hello"), ErrorCode::kFormat, "expected the magic \"GGUF\"");
  expect_open_failure(directory.write("x.bin", "PK\x03\x04"), ErrorCode::kUnsupported, "scripts/convert_lightning.py");
  expect_open_failure(directory.write("empty.bin", ""), ErrorCode::kFormat, "truncated at byte 0");
  directory.write("pytorch_model.bin", "PK\x03\x04");
  expect_open_failure(directory.path(), ErrorCode::kUnsupported, "found pickled PyTorch weights");
  const Bytes file = test::safetensors_file(NamedTensors{});
  expect_open_failure(directory.write("a.safetensors", file), ErrorCode::kFileNotFound,
                      "config.json: expected the model's configuration");
  directory.write("b.safetensors", file);
  expect_open_failure(directory.path(), ErrorCode::kFormat, "found 2 *.safetensors files");
}

}  // namespace
}  // namespace xw::checkpoint
