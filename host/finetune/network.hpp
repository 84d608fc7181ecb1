// A model graph as a network of torch tensors: digital or analog, trainable.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/ir/graph.hpp"

namespace xw::finetune {

/// How the analog linears of a graph are computed; the others are always digital.
enum class Mode {
  kDigital,      ///< as digital ones, with the weights as they are
  kAnalogTrain,  ///< converters, and noise on the weights that is drawn anew
  kAnalogEval,   ///< converters only
};

/// Noise on weights while training, per block and output: W + w_max * sigma * N(0, 1), w_max the largest magnitude.
enum class NoiseKind {
  kNone,
  kGaussian,  ///< sigma = gamma
  kCells,     ///< sigma(|w| / w_max), the error that a cell model of models/cells has
};

/// The chip as training sees it.
struct AnalogSettings {
  NoiseKind noise = NoiseKind::kGaussian;
  double gamma = 0.03;
  std::string cells = "pcm-afm";  ///< as `--noise` has it
  double seconds = 0;             ///< since programming, for cell models that drift
  bool compensated = false;       ///< the mean drift is undone by one factor (`--compensation`)
  double sigma_scale = 1;         ///< of the noise of kCells
  double lambda = 5;              ///< ADC full scale in units of input range times w_max
  int dac_bits = 8;               ///< 0: no DAC, inputs stay as they are and there are no ranges
  int adc_bits = 8;               ///< 0: no ADC
  int weight_bits = 0;            ///< weights rounded to that many bits per block and output, straight-through; 0: not
  std::uint32_t max_rows = 512;   ///< rows of a block where `cuts` does not say
  /// First inputs of the blocks of a linear, ascending from 0, by its name.
  std::map<std::string, std::vector<std::uint32_t>> cuts = {};
  bool lm_head_analog = false;
  std::vector<std::string> digital = {};  ///< more linears that stay digital: names or patterns
  bool log_ranges = true;                 ///< input ranges are learnt as logarithms
  double range_decay = 0.01;              ///< of input ranges that hold more than `range_inside` of the inputs
  double range_inside = 0.95;
};

struct NetworkOptions {
  torch::Device device = torch::kCPU;
  torch::ScalarType compute = torch::kFloat32;  ///< kFloat32 or kBFloat16: activations and products
  bool is_trainable = true;         ///< parameters are fp32 with gradients; otherwise all is held in `compute`
  std::set<std::string> only = {};  ///< tensors that are trained; empty: all that the other options say
  bool trains_embedding = false;    ///< also the embedding and a digital output layer
};

/// A trained tensor.
struct Parameter {
  enum class Kind { kMatrix, kNorm, kVector, kRange, kEmbedding };
  std::string name;     ///< of the checkpoint's tensor, or "LINEAR.input_range"
  torch::Tensor value;  ///< fp32 leaf; gradients gather in value.grad(), which is always there
  Kind kind = Kind::kMatrix;
  bool is_analog = false;  ///< the chip has it
};

/// Keys and values of sequences that go on.
struct Cache {
  std::vector<torch::Tensor> keys, values;  ///< per attention [batch][kv_heads][max_positions][head_dim], keys rotated
  std::int64_t length = 0;                  ///< positions used
};

/// How the first input ranges are found.
struct RangeRule {
  enum class Method { kMse, kStd };
  Method method = Method::kMse;  ///< least square error of clamping and rounding
  double kappa = 18;             ///< kStd: this many standard deviations, the mean over the batches
};

/// Rows of analog weights are clamped to alpha times their standard deviation (unbiased, whole row).
struct ClipRule {
  double alpha = 2.5;       ///< 0: nothing is clipped
  double exempt_above = 0;  ///< rows whose largest magnitude exceeds this many deviations stay as they are; 0: none do
  double step_fraction =
      1;  ///< below 1: bounds come nearer by this fraction of what a row exceeds alpha, at every call
};
/// What a rule does to a linear at once.
struct ClipDamage {
  std::string linear;
  std::int64_t rows = 0, exempt_rows = 0, clipped_weights = 0, weights = 0;
  double relative_change = 0;  ///< squared change over squared weights
};

class Network {
 public:
  /// Reads the graph's tensors. `frozen`, which may be null, is a network of the same checkpoint, device and compute type: what is not
  /// trained is shared with it. Throws Error{kUnsupported} for operations that cannot be trained (calls), what verify() and
  /// read_rows() throw, Error{kInvalidArgument} for settings that do not fit together.
  Network(const ir::Graph& graph, const checkpoint::Checkpoint& checkpoint, const NetworkOptions& options,
          const AnalogSettings& analog, const Network* frozen = nullptr);
  ~Network();
  Network(Network&&) noexcept;

  /// ids int64 [batch][positions] on the device, every row a context from its beginning. Logits [batch][positions][vocab] in
  /// the compute type. All three build the graph of gradients unless that is switched off (torch::NoGradGuard).
  [[nodiscard]] torch::Tensor forward(const torch::Tensor& ids, Mode mode);
  /// What the output layer reads, [batch][positions][hidden].
  [[nodiscard]] torch::Tensor hidden(const torch::Tensor& ids, Mode mode);
  /// The output layer for hidden [...][hidden].
  [[nodiscard]] torch::Tensor head(const torch::Tensor& hidden, Mode mode);

  /// Buffers for step(): `max_positions` at most the model's context.
  [[nodiscard]] Cache make_cache(std::int64_t batch, std::int64_t max_positions) const;
  /// Appends ids [batch][n] to every sequence, digitally, without gradients; logits [batch][vocab] of the last position. Throws
  /// Error{kCapacity} if the cache is full.
  [[nodiscard]] torch::Tensor step(const torch::Tensor& ids, Cache& cache);

  /// What is trained; ranges only once they are there. The order is that of the graph and stays.
  [[nodiscard]] std::vector<Parameter>& parameters();
  void zero_gradients();

  /// Draws all parameters anew, as models are before any training: matrices N(0, 0.02^2), those whose results are added to the
  /// stream of the layers divided by sqrt(2 layers) (Radford et al., Language Models are Unsupervised Multitask Learners, 2.3);
  /// norms are neutral, vectors zero. A function of the seed alone.
  void initialise_weights(std::uint64_t seed);

  /// Sets input ranges from what the analog linears read in digital mode, batches as for forward(). Before it (and without
  /// stored ranges) analog modes throw Error{kInvalidArgument}.
  void initialise_ranges(const std::vector<torch::Tensor>& batches, const RangeRule& rule);
  /// Ranges by linear name, one for each of equal parts of the inputs (`LINEAR.input_range` of a checkpoint).
  [[nodiscard]] std::map<std::string, std::vector<float>> input_ranges() const;
  void set_input_ranges(const std::map<std::string, std::vector<float>>& ranges);

  /// Clamps master weights; to be called after the optimiser's step.
  void clip(const ClipRule& rule);
  /// What it would do, before training.
  [[nodiscard]] std::vector<ClipDamage> clip_damage(const ClipRule& rule) const;

  /// Other noise, converters or lambda from now on; blocks, analog linears and log_ranges must stay.
  void set_analog(const AnalogSettings& analog);
  [[nodiscard]] const AnalogSettings& analog() const;
  [[nodiscard]] std::vector<std::string> analog_linears() const;
  /// First inputs of the blocks of every analog linear.
  [[nodiscard]] std::map<std::string, std::vector<std::uint32_t>> block_begins() const;
  /// Noise of the following forward passes is a function of this number (on one device and thread count).
  void seed_noise(std::uint64_t seed);

  /// Values of all parameters (copies on the CPU, fp32, ranges as they are learnt), and back; names and shapes must agree.
  [[nodiscard]] std::map<std::string, torch::Tensor> state() const;
  void load_state(const std::map<std::string, torch::Tensor>& state);

  [[nodiscard]] const ir::Graph& graph() const;
  [[nodiscard]] const NetworkOptions& options() const;
  [[nodiscard]] std::int64_t vocab_size() const;
  [[nodiscard]] std::int64_t context_length() const;

  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::finetune
