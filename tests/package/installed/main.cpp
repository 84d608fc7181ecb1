// Uses the installed libraries: writes a tiny checkpoint, compiles it, runs it on a chip, prints the ids of the new tokens.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "arch/support/parallel.hpp"
#include "host/toolchain/compile.hpp"
#include "host/toolchain/opened_model.hpp"
#include "host/transformer/generate.hpp"

namespace {

constexpr std::int32_t kDim = 64, kHidden = 96, kLayers = 1, kHeads = 2, kVocabulary = 259, kContext = 32;

template <typename T>
void put(std::ofstream& file, const T& value) {
  file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

/// A llama2.c checkpoint (version 0, tied output layer) of random weights: the format is a header and the tensors in order.
void write_checkpoint(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  for (const std::int32_t value : {kDim, kHidden, kLayers, kHeads, kHeads, kVocabulary, kContext}) put(file, value);
  std::mt19937 generator(1);
  const auto tensor = [&](int count, float mean, float sigma) {
    std::normal_distribution<float> normal(mean, sigma);
    for (int i = 0; i < count; ++i) put(file, normal(generator));
  };
  tensor(kVocabulary * kDim, 0, 0.5F);                                 // embedding
  tensor(kDim, 1, 0.1F);                                               // norm before attention
  for (int i = 0; i < 4; ++i) tensor(kDim * kDim, 0, 0.1F);            // q, k, v, output
  tensor(kDim, 1, 0.1F);                                               // norm before the MLP
  for (int i = 0; i < 3; ++i) tensor(kDim * kHidden, 0, 0.1F);         // gate, down, up
  tensor(kDim, 1, 0.1F);                                               // norm before the output layer
  for (int i = 0; i < kContext * kDim / kHeads; ++i) put(file, 0.0F);  // tables of rotary embeddings, unused
}

/// Its tokenizer: three special tokens and the bytes.
void write_tokenizer(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  put(file, std::int32_t{8});
  for (std::int32_t id = 0; id < kVocabulary; ++id) {
    char byte[8];
    std::snprintf(byte, sizeof byte, "<0x%02X>", static_cast<unsigned>(id < 3 ? 0 : id - 3));
    const std::string text = id == 0 ? "<unk>" : id == 1 ? "\n<s>\n" : id == 2 ? "\n</s>\n" : byte;
    put(file, 0.0F);
    put(file, static_cast<std::int32_t>(text.size()));
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  write_checkpoint(folder / "model.bin");
  write_tokenizer(folder / "tokenizer.bin");

  xw::ThreadPool pool(1);
  xw::toolchain::CompileOptions compile;
  compile.chip = "tiny-64";
  xw::toolchain::compile_checkpoint(folder / "model.bin", compile, folder / "model.xwp", pool);

  xw::toolchain::RunOptions run;
  run.chip.noise = "pcm-afm";
  run.chip.chip_seed = 7;
  xw::toolchain::OpenedModel model(folder / "model.xwp", run, compile, 1);
  xw::transformer::Session session(model.model());
  const auto prompt = model.tokenizer().encode("ab", true, true);
  for (const std::int32_t token :
       xw::transformer::generate(session, prompt, {.max_tokens = 4, .stop_tokens = {}, .sampler = {}}).tokens)
    std::cout << token << ' ';
  std::cout << '\n';
  return 0;
}
