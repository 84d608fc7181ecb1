// What a fine-tuning run is: model, data, hardware, method and budget, from one TOML file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace xw::finetune {

/// What is trained, and against what.
enum class Method {
  kAfm,       ///< "afm": distillation with the chip in the loop
  kQat,       ///< "qat": distillation with rounded weights and static input ranges, no noise and no ADC
  kAdapters,  ///< "lora": distillation with the chip in the loop; digital low-rank adapters alone are trained
  kPretrain,  ///< "pretrain": the likelihood of the text, digitally
};
[[nodiscard]] const char* name(Method method);
enum class RangeStart {
  kMse,
  kKappa
};  ///< "mse": least square error; "kappa": kappa standard deviations, as lightning
enum class LrDecay { kLinear, kCosine, kNone };
enum class ExportType { kF32, kBf16 };

/// All keys with their units: docs/finetuning.md.
struct Recipe {
  struct Model {
    std::filesystem::path checkpoint, tokenizer;
  } model;
  struct Data {
    std::filesystem::path path;         ///< folder of `crossweave generate-data`
    std::uint32_t sequence_length = 0;  ///< tokens of a training sequence; 0: the data's
    std::uint32_t held_out = 8;         ///< sequences at the end of the data that are not trained on
  } data;
  Method method = Method::kAfm;
  double temperature = 1;         ///< of teacher and student
  std::uint32_t weight_bits = 4;  ///< of kQat: weights are rounded to 2^bits - 1 levels
  bool starts_random = false;     ///< of kPretrain: the checkpoint gives the shape alone, its weights are drawn anew
  struct Hardware {
    std::string chip = "afm-512";
    std::string lm_head = "digital";   ///< or "analog"
    std::vector<std::string> digital;  ///< linears that stay digital
    std::string tiles = "chip";        ///< inputs of a layer cut as the chip's tiles ("chip") or not at all ("whole")
    bool first_token_digital = false;
    double gamma = 0.03;                ///< weight noise: standard deviation over a column's largest weight; 0: none
    std::string noise = "gaussian";     ///< "gaussian" with gamma, "none", "chip" or a cell model
    double noise_scale = 1;             ///< multiplies the standard deviation of a cell model
    double seconds = 0;                 ///< age of the chip, for cell models that drift
    std::string compensation = "none";  ///< against drift, as `--compensation` has it
    double lambda = 0;                  ///< ADC full scale over input range times largest weight; 0: the chip's
  } hardware;
  struct Adapters {
    std::uint32_t rank = 8;
    double alpha = 16;                 ///< the scale is alpha / rank
    std::vector<std::string> linears;  ///< names or patterns; empty: all that the chip holds but the output layer
  } adapters;
  struct Ranges {
    RangeStart start = RangeStart::kMse;
    double kappa = 18;
    std::uint32_t batches = 4;  ///< micro-batches to choose them from
    bool learn = true;
    double lr = 5e-3;  ///< in log space
    double decay = 0.01, min_percentage = 0.95;
  } ranges;
  struct Clipping {
    double alpha = 0;          ///< standard deviations of a row; 0: none
    double exempt = 0;         ///< rows whose largest weight is above this many stay unclipped; 0: none is
    std::uint32_t anneal = 0;  ///< steps over which rows come down to alpha; 0: at once
  } clipping;
  struct Optimiser {
    double lr = 1e-4, end_lr = 0;
    LrDecay decay = LrDecay::kLinear;
    std::uint32_t warmup_steps = 5;
    double beta1 = 0.9, beta2 = 0.98, eps = 1e-6, weight_decay = 0.01, grad_clip = 1.0;
    std::uint32_t micro_batch = 2;   ///< sequences of one pass
    std::uint32_t accumulation = 1;  ///< passes of one step
    /// "linears": what the chip holds; "layers": all but embedding and a digital output layer; "all". Ranges always.
    std::string train = "layers";
  } optimiser;
  struct Budget {
    std::uint64_t tokens = 0;  ///< of training text; 0: no limit
    double minutes = 0;        ///< of training time; 0: no limit
  } budget;
  struct Run {
    std::string device = "cpu";    ///< "cpu", "cuda" or "cuda:N"
    std::string compute = "auto";  ///< products in "fp32" or "bf16"; "auto": bf16 where the processor has it
    std::uint32_t threads = 0;     ///< 0: all
    std::uint64_t seed = 1;
    double checkpoint_minutes = 5;
    std::uint32_t kl_chunk = 0;  ///< positions whose logits are there at once; 0: chosen for the device
    double log_seconds = 10;     ///< between two lines of the log
  } run;
  struct Evaluation {
    std::uint32_t every = 0;      ///< steps; 0: never
    std::uint32_t tokens = 4096;  ///< held-out tokens
    std::filesystem::path text;   ///< empty: the held-out sequences
    std::uint32_t chips = 1;
    std::string noise;   ///< empty: the chip's
    double seconds = 0;  ///< age of the chip
  } evaluation;
  ExportType export_type = ExportType::kF32;
};

/// "KEY=VALUE" of the command line: a dotted key of the recipe and a TOML value; a value that is none is a text.
using Overrides = std::vector<std::string>;

/// Parses a recipe. Throws Error{kFormat} naming origin, line and key for unknown keys, wrong types and impossible values;
/// Error{kInvalidArgument} for an override that is no KEY=VALUE; Error{kUnsupported} for a method that is not there.
[[nodiscard]] Recipe parse_recipe(std::string_view toml_text, const std::string& origin,
                                  const Overrides& overrides = {});
/// Reads a file; throws Error{kFileNotFound | kIo} too.
[[nodiscard]] Recipe load_recipe(const std::filesystem::path& path, const Overrides& overrides = {});
/// Every key with its value, for logs and for the comparison with an interrupted run.
[[nodiscard]] nlohmann::ordered_json recipe_json(const Recipe& recipe);

}  // namespace xw::finetune
