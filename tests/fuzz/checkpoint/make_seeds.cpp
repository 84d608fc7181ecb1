// Writes small valid files as seeds: make_checkpoint_seeds DIRECTORY -> DIRECTORY/{gguf,hf_config,llama2c,rpu_config,safetensors}/*
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/unit/checkpoint/builders.hpp"

namespace {

void write(const std::filesystem::path& path, const xw::test::Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_checkpoint_seeds DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path root = argv[1];
  for (const char* family : {"gemma3", "llama", "mistral", "phi3", "qwen2", "qwen3"}) {
    const xw::test::TinyModel model = xw::test::tiny_model(family);
    write(root / "hf_config" / family, xw::test::to_bytes(model.config_json));
    write(root / "safetensors" / family, xw::test::safetensors_file(xw::test::stored_tensors(model)));
    if (model.family != "mistral") write(root / "gguf" / family, xw::test::tiny_gguf(model).build());
  }
  std::string scaled = xw::test::tiny_model("phi3").config_json;
  scaled.insert(scaled.size() - 1,
                R"(, "rope_scaling": {"type": "longrope", "short_factor": [1, 2], "long_factor": [3, 4]})");
  write(root / "hf_config" / "longrope", xw::test::to_bytes(scaled));
  write(root / "rpu_config" / "lightning",
        xw::test::to_bytes(R"({"fields": {"forward": {"fields": {"inp_res": 254, "out_res": 254, "out_bound": 14.0}},
            "clip": {"fields": {"sigma": 2.5, "type": {"arguments": ["LayerGaussianPerChannel"]}}},
            "mapping": {"fields": {"max_input_size": 512}},
            "pre_post": {"fields": {"input_range": {"fields": {"dynamic": false}}}}}})"));
  xw::test::GgufBuilder factors = xw::test::tiny_gguf(xw::test::tiny_model("llama"));
  factors.add_tensor("rope_freqs.weight", {2}, 0, xw::test::float_bytes({1, 8}));
  factors.add_tensor("output.weight", {20, 16}, 1, xw::test::Bytes(640));
  write(root / "gguf" / "factors", factors.build());
  xw::test::GgufBuilder quantized;
  for (const std::uint32_t type : {2U, 3U, 6U, 7U, 8U})
    quantized.add_tensor("t" + std::to_string(type), {32}, type, xw::test::Bytes(34));
  for (const std::uint32_t type : {12U, 13U, 14U})
    quantized.add_tensor("t" + std::to_string(type), {256}, type, xw::test::Bytes(210));
  write(root / "gguf" / "quantized", quantized.build());
  write(root / "safetensors" / "small", xw::test::safetensors_file({{"a", xw::test::make_tensor("a", {2, 3})},
                                                                    {"b", xw::test::make_tensor("b", {4})}}));
  write(root / "safetensors" / "index",
        xw::test::to_bytes(R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})"));
  xw::test::GgufBuilder small;
  small.add_string("general.architecture", "llama");
  small.add_raw("array", 9, xw::test::to_bytes(std::string("\4\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0", 20)));
  small.add_tensor("t", {2, 2}, 0, xw::test::float_bytes({1, 2, 3, 4}));
  write(root / "gguf" / "small", small.build());
  for (const int version : {0, 1}) {
    for (const bool is_tied : {true, false}) {
      write(root / "llama2c" / ("v" + std::to_string(version) + (is_tied ? "_tied" : "_untied")),
            xw::test::tiny_llama2c(xw::test::tiny_model("llama"), version, is_tied));
    }
  }
  return 0;
}
