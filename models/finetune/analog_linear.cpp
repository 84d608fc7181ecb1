// The analog linear layer in training.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/analog_linear.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "arch/support/error.hpp"
#include "models/finetune/cpu_kernels.hpp"

namespace xw::finetune {
namespace {

using torch::Tensor;

/// Codes are compared with the largest one loosely, so that an input that equals its range counts as such after rounding.
constexpr double kTolerance = 1e-6;
constexpr std::int64_t kSampledPosition = 13;

/// One run of a layer: what it is computed with, and what backward needs.
struct Run : torch::CustomClassHolder {
  std::shared_ptr<const AnalogLayer> layer;
  Converters converters;
  PreparedWeights weights;
  Tensor steps;                ///< [ranges] fp32: input per code
  Tensor scaled, codes;        ///< [rows][in]: inputs in units of steps, and rounded
  std::vector<Tensor> passed;  ///< per block [rows][out], where the ADC did not clamp
  Tensor digital_inputs;       ///< [batch * digital positions][in]
  std::vector<std::int64_t> shape;

  void release() {
    scaled = codes = digital_inputs = Tensor();
    passed.clear();
    weights = {};
  }
};

std::atomic<bool> fused_loops{true};

bool has_fused_loops(const Tensor& tensor) {
  return fused_loops && tensor.is_cpu() &&
         (tensor.scalar_type() == torch::kFloat32 || tensor.scalar_type() == torch::kBFloat16);
}
/// Calls `body` with the loops for numbers of the tensor.
template <typename Body>
void with_loops(const Tensor& tensor, const Body& body) {
  if (tensor.scalar_type() == torch::kBFloat16) {
    body(cpu::bf16_kernels());
  } else {
    body(cpu::float_kernels());
  }
}
/// Numbers of a contiguous tensor.
template <typename Loops>
auto* data(const Loops& /*loops*/, const Tensor& tensor) {
  return static_cast<typename Loops::Number*>(tensor.data_ptr());
}

/// Columns [begin, end) of a matrix.
Tensor columns(const Tensor& matrix, std::int64_t begin, std::int64_t end) {
  return begin == 0 && end == matrix.size(1) ? matrix : matrix.slice(1, begin, end);
}

/// Rows [rows of all contexts] -> the view of their first `positions` positions.
Tensor first_positions(const Tensor& rows, const std::vector<std::int64_t>& shape, std::int64_t positions) {
  return rows.view({shape[0], shape[1], rows.size(1)}).narrow(1, 0, positions);
}

/// Rounded and clamped to +-largest, and where the rounded value was not beyond. One pass on CUDA devices.
std::pair<Tensor, Tensor> round_and_clamp(const Tensor& values, int largest) {
  static std::atomic<bool> is_fused{true};
  if (values.is_cuda() && is_fused) {
    try {
      auto [codes, passed] = at::fake_quantize_per_tensor_affine_cachemask(values, 1.0, 0, -largest, largest);
      return {codes, passed};
    } catch (const c10::Error&) {
      is_fused = false;  // not for this type of number
    }
  }
  Tensor codes = values.round();
  Tensor passed = at::le(codes.abs(), largest);
  codes.clamp_(-largest, largest);
  return {codes, passed};
}

/// What a layer of `steps` does to its inputs: fills run.scaled and run.codes.
void convert_inputs(Run& run, const Tensor& inputs) {
  const AnalogLayer& layer = *run.layer;
  const Tensor x = inputs.contiguous();
  if (has_fused_loops(x)) {
    run.scaled = at::empty_like(x);
    run.codes = at::empty_like(x);
    with_loops(x, [&](const auto& loops) {
      for (std::size_t r = 0; r < layer.num_ranges(); ++r) {
        const cpu::Columns place{x.size(0), x.size(1), layer.range_cuts[r], layer.range_cuts[r + 1]};
        loops.convert_inputs(data(loops, x), place, 1 / run.steps.const_data_ptr<float>()[r],
                             static_cast<float>(run.converters.dac_max), data(loops, run.scaled),
                             data(loops, run.codes));
      }
    });
    if (layer.digital_positions > 0) {
      first_positions(run.scaled, run.shape, layer.digital_positions).zero_();
      first_positions(run.codes, run.shape, layer.digital_positions).zero_();
    }
    return;
  }
  const Tensor inverse = run.steps.reciprocal();
  if (layer.num_ranges() == 1) {
    run.scaled = at::empty_like(x);
    at::mul_out(run.scaled, x, inverse);
  } else {
    run.scaled = at::empty_like(x);
    for (std::size_t r = 0; r < layer.num_ranges(); ++r) {
      Tensor part = columns(run.scaled, layer.range_cuts[r], layer.range_cuts[r + 1]);
      at::mul_out(part, columns(x, layer.range_cuts[r], layer.range_cuts[r + 1]), inverse.slice(0, r, r + 1));
    }
  }
  const std::int64_t digital = layer.digital_positions;
  if (digital > 0) first_positions(run.scaled, run.shape, digital).zero_();
  run.codes = round_and_clamp(run.scaled, run.converters.dac_max).first;
}

class AnalogLinear : public torch::autograd::Function<AnalogLinear> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& ranges,
                        const Tensor& /*parameter*/, const c10::intrusive_ptr<Run>& run) {
    const AnalogLayer& layer = *run->layer;
    const Converters& converters = run->converters;
    run->shape = x.sizes().vec();
    const Tensor rows = x.reshape({-1, layer.inputs()});
    const Tensor& values = run->weights.values;
    if (converters.dac_max > 0) {
      run->steps = (converters.log_ranges ? ranges.exp() : ranges.abs()) / converters.dac_max;
      convert_inputs(*run, rows);
    } else {
      run->codes = rows;
    }
    Tensor y;
    for (std::size_t block = 0; block < layer.num_blocks(); ++block) {
      const std::int64_t begin = layer.block_cuts[block], end = layer.block_cuts[block + 1];
      Tensor products = at::mm(columns(run->codes, begin, end), columns(values, begin, end).t());
      if (converters.adc_max > 0 && has_fused_loops(products)) {
        const bool is_first = !y.defined();
        if (is_first) y = at::empty_like(products);
        const Tensor factor = output_factor(*run, block).contiguous();
        Tensor passed = at::empty(products.sizes(), torch::kBool);
        with_loops(products, [&](const auto& loops) {
          loops.convert_outputs(data(loops, products), products.size(0), products.size(1),
                                factor.template const_data_ptr<float>(), static_cast<float>(converters.adc_max),
                                is_first, static_cast<std::uint8_t*>(passed.data_ptr()), data(loops, y));
        });
        run->passed.push_back(passed);
        continue;
      }
      if (converters.adc_max > 0) {
        auto [codes, passed] = round_and_clamp(products, converters.adc_max);
        products = codes;
        run->passed.push_back(passed);
      }
      Tensor factor = output_factor(*run, block);
      if (!factor.defined()) {
        y = y.defined() ? y.add_(products) : products;
      } else if (y.defined()) {
        y.addcmul_(products, factor);
      } else {
        y = products.mul_(factor);
      }
    }
    if (layer.digital_positions > 0) {
      const Tensor inputs = first_positions(rows, run->shape, layer.digital_positions);
      run->digital_inputs = inputs.to(torch::kFloat32).reshape({-1, layer.inputs()});
      const Tensor outputs = at::mm(run->digital_inputs, layer.weight.to(torch::kFloat32).t());
      Tensor target = first_positions(y, run->shape, layer.digital_positions);
      target.copy_(outputs.view(target.sizes()));
    }
    std::vector<std::int64_t> shape = run->shape;
    shape.back() = y.size(1);
    context->saved_data["run"] = c10::IValue::make_capsule(run);
    return y.view(shape);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto capsule = context->saved_data["run"].toCapsule();
    Run& run = static_cast<Run&>(*capsule);
    const AnalogLayer& layer = *run.layer;
    const Converters& converters = run.converters;
    TORCH_CHECK(run.codes.defined(), "analog_linear: gradients can be taken once");
    const Tensor dy = gradients[0].reshape({-1, gradients[0].size(-1)});
    const Tensor& values = run.weights.values;
    Tensor input_gradient = at::empty_like(run.codes);
    for (std::size_t block = 0; block < layer.num_blocks(); ++block) {
      const std::int64_t begin = layer.block_cuts[block], end = layer.block_cuts[block + 1];
      const Tensor passed = run.passed.empty() ? dy : masked(dy, run.passed[block]);
      Tensor noisy = columns(values, begin, end);
      if (run.weights.scales.defined()) {
        const Tensor scale = run.weights.scales[static_cast<std::int64_t>(block)].unsqueeze(1);
        Tensor product = at::empty(noisy.sizes(), noisy.options());
        noisy = at::mul_out(product, noisy, scale);
      }
      Tensor part = columns(input_gradient, begin, end);
      at::mm_out(part, passed, noisy);
      if (!layer.weight_gradient.defined()) continue;
      Tensor target = columns(layer.weight_gradient, begin, end);
      const Tensor change = at::mm(passed.t(), columns(run.codes, begin, end));
      if (run.steps.defined()) {
        const auto range = static_cast<std::int64_t>(layer.range_of(block));
        target.addcmul_(change, run.steps.slice(0, range, range + 1));
      } else {
        target.add_(change);
      }
    }
    Tensor range_gradient;
    if (run.steps.defined() && has_fused_loops(input_gradient)) {
      range_gradient = convert_gradient(run, input_gradient);
    } else if (run.steps.defined()) {
      const double bound = converters.dac_max * (1 + kTolerance);
      const Tensor inner = at::hardtanh_backward(input_gradient, run.scaled, -bound, bound);
      range_gradient = gradient_of_ranges(run, input_gradient, inner);
      input_gradient = inner;
    }
    if (layer.digital_positions > 0) digital_backward(run, dy, input_gradient);
    const Tensor dx = input_gradient.view(run.shape);
    run.release();
    return {dx, range_gradient, Tensor(), Tensor()};
  }

 private:
  /// dy where the ADC did not clamp.
  static Tensor masked(const Tensor& dy, const Tensor& passed) {
    if (!has_fused_loops(dy)) return dy * passed;
    const Tensor outer = dy.contiguous();
    Tensor result = at::empty_like(outer);
    with_loops(outer, [&](const auto& loops) {
      loops.mask(data(loops, outer), static_cast<const std::uint8_t*>(passed.const_data_ptr()), outer.numel(),
                 data(loops, result));
    });
    return result;
  }

  /// Turns the gradient behind the DAC into that before it, in place, and returns that of the ranges.
  static Tensor convert_gradient(const Run& run, const Tensor& gradient) {
    const AnalogLayer& layer = *run.layer;
    const Converters& converters = run.converters;
    std::int64_t rows = gradient.size(0);
    if (layer.digital_positions > 0) rows -= run.shape[0] * layer.digital_positions;
    Tensor result = at::empty({static_cast<std::int64_t>(layer.num_ranges())}, torch::kFloat32);
    with_loops(gradient, [&](const auto& loops) {
      for (std::size_t r = 0; r < layer.num_ranges(); ++r) {
        const cpu::Columns place{gradient.size(0), gradient.size(1), layer.range_cuts[r], layer.range_cuts[r + 1]};
        const cpu::Widening found =
            loops.input_gradient(data(loops, gradient), data(loops, run.scaled), place,
                                 static_cast<float>(converters.dac_max), static_cast<float>(kTolerance));
        const double count = static_cast<double>(std::max<std::int64_t>(1, rows * (place.end - place.begin)));
        const double inside = 1 - static_cast<double>(found.outside) / count;
        const double range = static_cast<double>(run.steps.const_data_ptr<float>()[r]) * converters.dac_max;
        const double decay = inside > converters.range_inside ? converters.range_decay : 0;
        result.data_ptr<float>()[r] =
            static_cast<float>(range * (found.sum + decay) * (converters.log_ranges ? range : 1));
      }
    });
    return result;
  }

  /// What an output code of a block is worth, [out] or [1]; undefined: 1.
  static Tensor output_factor(const Run& run, std::size_t block) {
    if (!run.steps.defined()) return {};
    const auto range = static_cast<std::int64_t>(run.layer->range_of(block));
    const Tensor step = run.steps.slice(0, range, range + 1);
    return run.weights.scales.defined() ? run.weights.scales[static_cast<std::int64_t>(block)] * step : step;
  }

  /// Only gradients that widen a range count; decay narrows ranges that hold nearly all inputs. `inner` is the gradient where the
  /// DAC did not clamp.
  static Tensor gradient_of_ranges(const Run& run, const Tensor& gradient, const Tensor& inner) {
    const AnalogLayer& layer = *run.layer;
    const Converters& converters = run.converters;
    const double bound = converters.dac_max * (1 - kTolerance);
    // bf16 cannot tell inputs at the bound from those just beyond.
    const bool is_exact = run.scaled.scalar_type() == torch::kFloat32;
    Tensor outside = gradient - (is_exact ? at::hardtanh_backward(gradient, run.scaled, -bound, bound) : inner);
    outside = outside.mul_(run.codes).clamp_max_(0);
    // Which part of the inputs is inside only decides about decay: in bf16 some positions stand for all.
    const bool has_contexts = run.shape.size() > 2;
    const std::int64_t contexts = has_contexts ? run.shape[0] : 1;
    const Tensor sample = run.scaled.view({contexts, -1, layer.inputs()})
                              .slice(1, layer.digital_positions, c10::nullopt, is_exact ? 1 : kSampledPosition);
    const Tensor clamped = at::ge(sample.abs(), bound);
    std::vector<Tensor> parts;
    for (std::size_t r = 0; r < layer.num_ranges(); ++r) {
      const std::int64_t begin = layer.range_cuts[r], end = layer.range_cuts[r + 1];
      const Tensor widening = columns(outside, begin, end).sum(torch::kFloat32) / converters.dac_max;
      const Tensor part = clamped.slice(2, begin, end);
      const auto count = static_cast<double>(std::max<std::int64_t>(1, part.numel()));
      const Tensor inside = 1 - part.sum().to(torch::kFloat32) / count;
      parts.push_back(widening + at::gt(inside, converters.range_inside).to(torch::kFloat32) * converters.range_decay);
    }
    const Tensor ranges = run.steps * converters.dac_max;
    const Tensor result = at::stack(parts) * ranges;
    return converters.log_ranges ? result * ranges : result;
  }

  static void digital_backward(const Run& run, const Tensor& dy, Tensor& input_gradient) {
    const AnalogLayer& layer = *run.layer;
    const Tensor outer =
        first_positions(dy, run.shape, layer.digital_positions).to(torch::kFloat32).reshape({-1, dy.size(1)});
    Tensor target = first_positions(input_gradient, run.shape, layer.digital_positions);
    target.copy_(at::mm(outer, layer.weight.to(torch::kFloat32)).view(target.sizes()));
    if (layer.weight_gradient.defined()) {
      Tensor sum = layer.weight_gradient;
      sum.addmm_(outer.t(), run.digital_inputs);
    }
  }
};

/// prepare_weights() row by row.
void prepare_fused(const AnalogLayer& layer, const Converters& converters, const WeightNoise& noise,
                   const Tensor& deviates, PreparedWeights& prepared) {
  const Tensor& weight = layer.weight;
  const Tensor master = weight.scalar_type() == torch::kFloat32 ? weight : weight.to(torch::kFloat32);
  const std::int64_t outputs = master.size(0), inputs = master.size(1);
  const double ratio = converters.adc_max > 0 ? static_cast<double>(converters.adc_max) / converters.dac_max : 0;
  Tensor scales = at::empty({static_cast<std::int64_t>(layer.num_blocks()), outputs}, torch::kFloat32);
  cpu::WeightRow common;
  common.sigma = static_cast<float>(layer.noise_factor * (noise.table.defined() ? 1.0 : noise.sigma));
  common.levels = static_cast<float>(converters.weight_max);
  common.scale = static_cast<float>(ratio / converters.lambda);
  Tensor table;
  if (noise.table.defined()) {
    table = noise.table.contiguous();
    common.table = table.const_data_ptr<float>();
    common.points = table.size(0);
  }
  const float* weights = master.const_data_ptr<float>();
  const float* normal = deviates.defined() ? deviates.const_data_ptr<float>() : nullptr;
  float* maxima = scales.data_ptr<float>();
  with_loops(prepared.values, [&](const auto& loops) {
    auto* target = data(loops, prepared.values);
    for (std::int64_t row = 0; row < outputs; ++row) {
      for (std::size_t block = 0; block < layer.num_blocks(); ++block) {
        const std::int64_t begin = layer.block_cuts[block];
        cpu::WeightRow part = common;
        part.weight = weights + row * master.stride(0) + begin;
        part.deviates = normal == nullptr ? nullptr : normal + row * inputs + begin;
        part.count = layer.block_cuts[block + 1] - begin;
        maxima[static_cast<std::int64_t>(block) * outputs + row] =
            loops.prepare_row(part, target + row * inputs + begin);
      }
    }
  });
  if (converters.adc_max > 0) prepared.scales = scales.mul_(converters.lambda / ratio);
}

}  // namespace

void use_fused_loops(bool is_on) {
  fused_loops = is_on;
}

std::size_t AnalogLayer::range_of(std::size_t block) const {
  const auto after = std::upper_bound(range_cuts.begin(), range_cuts.end(), block_cuts[block]);
  return static_cast<std::size_t>(after - range_cuts.begin()) - 1;
}

Tensor range_values(const AnalogLayer& layer, const Converters& converters) {
  const torch::NoGradGuard guard;
  return converters.log_ranges ? layer.ranges.exp() : layer.ranges.abs();
}

PreparedWeights prepare_weights(const AnalogLayer& layer, const Converters& converters, const WeightNoise& noise,
                                NoiseSource& source, torch::ScalarType compute) {
  const torch::NoGradGuard guard;
  PreparedWeights prepared;
  const Tensor& weight = layer.weight;
  const bool has_adc = converters.adc_max > 0;
  prepared.values = at::empty(weight.sizes(), weight.options().dtype(compute));
  Tensor deviates;
  if (!noise.is_none()) {
    deviates = source.normal(weight.sizes(), weight.is_cuda() ? compute : torch::kFloat32).contiguous();
  }
  if (has_fused_loops(prepared.values) && weight.stride(1) == 1) {
    prepare_fused(layer, converters, noise, deviates, prepared);
    return prepared;
  }
  std::vector<Tensor> scales;
  for (std::size_t block = 0; block < layer.num_blocks(); ++block) {
    const std::int64_t begin = layer.block_cuts[block], end = layer.block_cuts[block + 1];
    const Tensor clean = columns(weight, begin, end);
    const Tensor maxima = at::linalg_vector_norm(clean, INFINITY, {1}, false, torch::kFloat32);
    const Tensor inverse = at::where(at::gt(maxima, 0), maxima.reciprocal(), at::zeros_like(maxima));
    Tensor target = columns(prepared.values, begin, end);
    // Normalised: weights in units of w_max, for which the noise is the same everywhere.
    Tensor normal = clean * inverse.unsqueeze(1);
    if (converters.weight_max > 0) normal.mul_(converters.weight_max).round_().div_(converters.weight_max);
    if (noise.table.defined()) {
      const std::int64_t last = noise.table.size(0) - 1;
      const Tensor place = normal.abs().mul_(static_cast<double>(last)).clamp_max_(static_cast<double>(last));
      const Tensor lower = place.floor().clamp_max_(static_cast<double>(last - 1));
      const Tensor index = lower.to(torch::kInt32);
      const Tensor low = noise.table.index_select(0, index.flatten()).view_as(normal);
      const Tensor high = noise.table.index_select(0, (index + 1).flatten()).view_as(normal);
      const Tensor sigma = at::lerp(low, high, place - lower);
      normal.addcmul_(sigma, columns(deviates, begin, end), layer.noise_factor);
    } else if (deviates.defined()) {
      normal.add_(columns(deviates, begin, end), noise.sigma * layer.noise_factor);
    }
    if (has_adc) {
      const double ratio = static_cast<double>(converters.adc_max) / converters.dac_max;
      at::mul_out(target, normal, at::scalar_tensor(ratio / converters.lambda, maxima.options()));
      scales.push_back(maxima * (converters.lambda / ratio));
    } else {
      at::mul_out(target, normal, maxima.unsqueeze(1));
    }
  }
  if (has_adc) prepared.scales = at::stack(scales);
  return prepared;
}

Tensor analog_linear(const Tensor& x, const std::shared_ptr<const AnalogLayer>& layer, const Converters& converters,
                     const PreparedWeights& weights) {
  if (layer->digital_positions > 0 && (x.dim() != 3 || x.size(1) < layer->digital_positions)) {
    throw Error(ErrorCode::kShapeMismatch, "analog linear: expected contexts of at least " +
                                               std::to_string(layer->digital_positions) + " positions");
  }
  auto run = c10::make_intrusive<Run>();
  run->layer = layer;
  run->converters = converters;
  run->weights = weights;
  const Tensor& ranges =
      layer->ranges.defined() ? layer->ranges : layer->weight_parameter;  // without a DAC there are none
  Tensor y = AnalogLinear::apply(x, ranges, layer->weight_parameter, run);
  return layer->bias.defined() ? y + layer->bias.to(y.dtype()) : y;
}

}  // namespace xw::finetune
