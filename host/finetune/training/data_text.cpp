// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/data_text.hpp"

#include <vector>

#include "arch/support/file.hpp"

namespace xw::finetune {

std::uint64_t write_data_text(const DataSet& data, const tokenizer::TokenizerData& tokenizer,
                              const std::filesystem::path& path, const std::string& separator) {
  const tokenizer::Tokenizer decoder(tokenizer);
  OutputFile file(path);
  std::vector<std::int32_t> sequence(data.plan().length), document;
  std::uint64_t documents = 0;
  const auto finish = [&] {
    if (document.empty()) return;
    if (documents++ != 0) file.write(separator);
    file.write(decoder.decode(document));
    document.clear();
  };
  for (std::uint64_t s = 0; s < data.sequences(); ++s) {
    data.read(s, 0, sequence);
    for (const std::int32_t token : sequence) {
      if (token == tokenizer.bos || token == tokenizer.eos) {
        finish();
      } else {
        document.push_back(token);
      }
    }
    finish();
  }
  file.commit();
  return documents;
}

}  // namespace xw::finetune
