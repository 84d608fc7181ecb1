// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_training.hpp"

#include <span>
#include <utility>
#include <vector>

namespace xw::checkpoint {

void add_gguf_training(CheckpointParts& parts, const GgufFile& file) {
  const std::string path = file.path().string();
  const std::string training_key(kGgufTrainingKey);
  if (const std::string* text = file.find_string(training_key)) {
    parts.training = parse_rpu_config(*text, path + ": " + training_key);
    parts.training->max_input_size = 0;
  }
  for (auto at = file.metadata().lower_bound(std::string(kGgufRangePrefix));
       at != file.metadata().end() && at->first.starts_with(kGgufRangePrefix); ++at) {
    const std::vector<double> numbers = *file.find_floats(at->first);
    const std::vector<float>& values = parts.values.emplace_back(numbers.begin(), numbers.end());
    std::string name = at->first.substr(kGgufRangePrefix.size()) + ".input_range";
    parts.tensors[name] = {
        name, Dtype::kF32, {values.size()}, std::as_bytes(std::span(values)), path + ": " + at->first};
  }
}

}  // namespace xw::checkpoint
