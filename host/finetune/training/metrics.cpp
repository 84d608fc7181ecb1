// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/metrics.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/finetune/training/plot.hpp"

namespace xw::finetune {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxBytes = 4ULL << 30;

}  // namespace

Metrics::Metrics(std::filesystem::path path, std::uint64_t step) : path_(std::move(path)) {
  std::string kept;
  std::error_code error;
  if (step > 0 && std::filesystem::exists(path_, error)) {
    const std::string text = read_text_file(path_, kMaxBytes);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      if (end == std::string::npos) break;  // a line that a kill cut
      const Json line = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                    text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      if (line.is_object() && line.contains("step") && line["step"].is_number_unsigned() &&
          line["step"].get<std::uint64_t>() <= step)
        kept += text.substr(begin, end + 1 - begin);
      begin = end + 1;
    }
  }
  write_text_file(path_, kept);
}

void Metrics::add(const StepMetrics& metrics) {
  const Json line = {{"step", metrics.step},
                     {"tokens", metrics.tokens},
                     {"loss", metrics.loss},
                     {"lr", metrics.lr},
                     {"gradient_norm", metrics.gradient_norm},
                     {"seconds", metrics.seconds}};
  pending_ += line.dump() + "\n";
}

void Metrics::add_held_out(std::uint64_t step, std::uint64_t tokens, double perplexity) {
  pending_ += Json({{"step", step}, {"tokens", tokens}, {"held_out", perplexity}}).dump() + "\n";
}

void Metrics::write() {
  std::ofstream file(path_, std::ios::binary | std::ios::app);
  file << pending_;
  file.flush();
  if (!file) throw Error(ErrorCode::kIo, path_.string() + ": writing failed: " + std::strerror(errno));
  pending_.clear();
}

void Metrics::plot(const std::filesystem::path& svg, const std::string& title) const {
  write_text_file(svg, loss_svg(read_loss_points(path_), title));
}

}  // namespace xw::finetune
