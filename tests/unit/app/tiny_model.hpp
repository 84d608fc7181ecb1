// A tiny llama2.c checkpoint with a tokenizer, made of seeded random weights, for tests of the command line.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace xw::test {

/// Shape of the model: big enough that matrices are cut on both axes of 64x64 tiles.
struct TinyShape {
  std::int32_t dim = 96, hidden = 160, layers = 2, heads = 4, kv_heads = 2, vocab = 300, context = 128;
  float loud = 1;  ///< factor of the weights of every fifth input of a matrix
};

/// Writes model.bin (llama2.c version 0, tied output layer) and tokenizer.bin into `folder`; returns the path of the model.
/// `poison` >= 0: that float of the weights is NaN.
inline std::filesystem::path write_tiny_model(const std::filesystem::path& folder, std::int64_t poison = -1,
                                              const TinyShape& shape = {}) {
  std::filesystem::create_directories(folder);
  const std::int64_t head_dim = shape.dim / shape.heads;
  const std::int64_t kv_dim = head_dim * shape.kv_heads;
  std::vector<float> weights;
  std::mt19937 generator(42);
  const auto random = [&](std::int64_t count, float sigma, float mean) {
    std::normal_distribution<float> normal(mean, sigma);
    for (std::int64_t i = 0; i < count; ++i) weights.push_back(normal(generator));
  };
  const auto matrix = [&](std::int64_t out, std::int64_t in) {
    const std::size_t begin = weights.size();
    random(shape.layers * out * in, 1.0F / std::sqrt(static_cast<float>(in)), 0);
    for (std::size_t i = 2; begin + i < weights.size(); ++i) {
      if (i % static_cast<std::size_t>(in) % 5 == 2) weights[begin + i] *= shape.loud;
    }
  };
  random(std::int64_t{shape.vocab} * shape.dim, 0.5F, 0);   // embedding
  random(std::int64_t{shape.layers} * shape.dim, 0.1F, 1);  // attention norms
  matrix(shape.dim, shape.dim);                             // wq
  matrix(kv_dim, shape.dim);                                // wk
  matrix(kv_dim, shape.dim);                                // wv
  matrix(shape.dim, shape.dim);                             // wo
  random(std::int64_t{shape.layers} * shape.dim, 0.1F, 1);  // mlp norms
  matrix(shape.hidden, shape.dim);                          // w1
  matrix(shape.dim, shape.hidden);                          // w2
  matrix(shape.hidden, shape.dim);                          // w3
  random(shape.dim, 0.1F, 1);                               // final norm
  random(std::int64_t{shape.context} * head_dim, 0, 0);     // freq_cis, real and imaginary, unused
  if (poison >= 0) weights.at(static_cast<std::size_t>(poison)) = std::nanf("");
  const std::filesystem::path model = folder / "model.bin";
  std::ofstream file(model, std::ios::binary);
  const std::int32_t header[7] = {shape.dim,      shape.hidden, shape.layers, shape.heads,
                                  shape.kv_heads, shape.vocab,  shape.context};
  file.write(reinterpret_cast<const char*>(header), sizeof header);
  file.write(reinterpret_cast<const char*>(weights.data()),
             static_cast<std::streamsize>(weights.size() * sizeof(float)));

  std::ofstream tokenizer(folder / "tokenizer.bin", std::ios::binary);
  const auto put = [&](const void* data, std::size_t bytes) {
    tokenizer.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
  };
  const std::int32_t longest = 8;
  put(&longest, 4);
  for (std::int32_t id = 0; id < shape.vocab; ++id) {
    std::string text;
    float score = 0;
    if (id == 0) text = "<unk>";
    if (id == 1) text = "\n<s>\n";
    if (id == 2) text = "\n</s>\n";
    if (id >= 3 && id < 259) {
      char byte[8];
      std::snprintf(byte, sizeof byte, "<0x%02X>", static_cast<unsigned>(id - 3));
      text = byte;
    }
    if (id >= 259) {  // letters, the space, and a few pairs
      const std::int32_t i = id - 259;
      if (i < 26)
        text = std::string(1, static_cast<char>('a' + i));
      else if (i == 26)
        text = " ";
      else
        text = std::string(1, static_cast<char>('a' + (i * 7) % 26)) + static_cast<char>('a' + (i * 11) % 26);
      score = static_cast<float>(-id);
    }
    const auto length = static_cast<std::int32_t>(text.size());
    put(&score, 4);
    put(&length, 4);
    put(text.data(), text.size());
  }
  return model;
}

}  // namespace xw::test
