// Log-likelihoods of a real model beside those of transformers under lm-evaluation-harness.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "host/evaluation/run_task.hpp"
#include "host/evaluation/task_file.hpp"
#include "host/toolchain/opened_model.hpp"
#include "tests/support/paths.hpp"

namespace xw {
namespace {

namespace fs = std::filesystem;

constexpr double kNats = 1e-3;  // fp32 sums in another order; 0.00012 was found

TEST(EvaluationEndToEnd, LogLikelihoodsAreThoseOfTransformers) {
  const char* given = std::getenv("XW_MODEL");
  const fs::path path =
      given != nullptr ? fs::path(given) : test::source_dir() / ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(path)) {
    GTEST_SKIP() << "SmolLM2-135M is not here; scripts/fetch_model.sh smollm2-135m gets it, or set XW_MODEL";
  }
  toolchain::RunOptions run;
  run.mode = toolchain::Mode::kFp32;
  toolchain::OpenedModel opened(path, run, {}, 0);
  std::size_t compared = 0;
  for (const auto& entry : fs::directory_iterator(test::source_dir() / "tests/fixtures/evaluation")) {
    if (entry.path().extension() != ".jsonl") continue;
    const evaluation::Task task = evaluation::read_task(entry.path());
    if (task.kind == evaluation::TaskKind::kGeneration) continue;
    const evaluation::EncodedTask encoded = evaluation::encode(
        task, opened.tokenizer(), evaluation::BosChoice::kTokenizer, opened.model().context_length());
    evaluation::TaskResult result;
    evaluation::run_task(opened.model(), opened.tokenizer(), task, encoded, result);
    for (std::size_t i = 0; i < task.items.size(); ++i) {
      ASSERT_EQ(result.items[i].log_likelihoods.size(), task.items[i].recorded.size());
      for (std::size_t r = 0; r < task.items[i].recorded.size(); ++r, ++compared) {
        EXPECT_NEAR(result.items[i].log_likelihoods[r], task.items[i].recorded[r], kNats)
            << task.items[i].place << ", request " << r;
      }
    }
  }
  EXPECT_EQ(compared, 58U);
}

}  // namespace
}  // namespace xw
