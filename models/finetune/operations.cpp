// Operations of a transformer with gradients of their own.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/operations.hpp"

#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/finetune/cpu_attention.hpp"

namespace xw::finetune {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class RmsNorm : public torch::autograd::Function<RmsNorm> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, double eps,
                        torch::ScalarType compute) {
    const std::int64_t n = weight.size(0);
    const Tensor rows = x.reshape({-1, n});
    const Tensor norm = at::linalg_vector_norm(rows, 2, {1}, true, torch::kFloat32);
    const Tensor inverse = norm.square_().div_(static_cast<double>(n)).add_(eps).rsqrt_();
    Tensor y = at::empty(rows.sizes(), rows.options().dtype(compute));
    at::mul_out(y, rows * inverse, weight);
    context->save_for_backward({rows, inverse, weight});
    return y.view(x.sizes());
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& rows = saved[0];
    const Tensor& inverse = saved[1];
    const Tensor& weight = saved[2];
    const Tensor dy = gradients[0].reshape(rows.sizes());
    const Tensor normal = rows.to(torch::kFloat32) * inverse;
    Tensor weight_gradient;
    if (context->needs_input_grad(1)) weight_gradient = (dy * normal).sum(0);
    Tensor dx = dy * weight;
    const Tensor mean = (dx * normal).mean(1, true);
    dx.addcmul_(normal, mean, -1).mul_(inverse);
    return {dx.to(rows.dtype()).view(gradients[0].sizes()), weight_gradient, Tensor(), Tensor()};
  }
};

class SwiGlu : public torch::autograd::Function<SwiGlu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up) {
    context->save_for_backward({gate, up});
    return at::silu(gate).mul_(up);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor& dy = gradients[0];
    return {at::silu_backward(dy * saved[1], saved[0]), at::silu(saved[0]).mul_(dy)};
  }
};

/// (a, b) -> (a cos - b sin, a sin + b cos); `sign` -1 turns back.
Tensor rotated(const Tensor& x, const Tensor& cosines, const Tensor& sines, bool is_interleaved, double sign) {
  const std::int64_t pairs = cosines.size(1);
  const Tensor cosine = cosines.unsqueeze(1), sine = sines.unsqueeze(1);
  Tensor y = at::empty(x.sizes(), x.options());
  const auto part = [&](const Tensor& of, std::int64_t second) {
    return is_interleaved ? of.slice(3, second, 2 * pairs, 2) : of.slice(3, second * pairs, (second + 1) * pairs);
  };
  const Tensor a = part(x, 0), b = part(x, 1);
  Tensor ya = part(y, 0), yb = part(y, 1);
  at::sub_out(ya, a * cosine, b * sine, sign);
  at::add_out(yb, b * cosine, a * sine, sign);
  if (2 * pairs < x.size(3)) y.slice(3, 2 * pairs).copy_(x.slice(3, 2 * pairs));
  return y;
}

class Rotate : public torch::autograd::Function<Rotate> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& cosines, const Tensor& sines,
                        bool is_interleaved) {
    context->save_for_backward({cosines, sines});
    context->saved_data["interleaved"] = is_interleaved;
    return rotated(x, cosines, sines, is_interleaved, 1);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    return {rotated(gradients[0], saved[0], saved[1], context->saved_data["interleaved"].toBool(), -1), Tensor(),
            Tensor(), Tensor()};
  }
};

/// Calls `of` with the kernels for the type of the tensors, which are fp32 or bf16, contiguous.
template <typename Of>
void with_attention(const Tensor& q, const Of& of) {
  if (q.scalar_type() == torch::kFloat32) {
    of(cpu::float_attention());
  } else {
    TORCH_CHECK(q.scalar_type() == torch::kBFloat16, "attention: expected fp32 or bf16");
    of(cpu::bf16_attention());
  }
}

cpu::AttentionShape shape_of(const Tensor& q, const Tensor& k, double scale, std::int64_t window) {
  return {q.size(0), q.size(1), q.size(2), k.size(2), q.size(3), window, static_cast<float>(scale)};
}

template <typename T>
T* numbers_of(const Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

class Attention : public torch::autograd::Function<Attention> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& k, const Tensor& v, double scale,
                        std::int64_t window) {
    const Tensor queries = q.contiguous(), keys = k.contiguous(), values = v.contiguous();
    const cpu::AttentionShape shape = shape_of(q, k, scale, window);
    TORCH_CHECK(shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0 && k.size(1) == shape.positions &&
                    k.sizes() == v.sizes() && k.size(3) == shape.dim && k.scalar_type() == q.scalar_type() &&
                    v.scalar_type() == q.scalar_type(),
                "attention: shapes or types differ");
    Tensor y = at::empty(queries.sizes(), queries.options());
    const Tensor logs =
        at::empty({shape.batch, shape.heads, shape.positions}, queries.options().dtype(torch::kFloat32));
    with_attention(queries, [&](const auto& kernels) {
      using T = typename std::decay_t<decltype(kernels)>::Number;
      kernels.forward(shape, numbers_of<T>(queries), numbers_of<T>(keys), numbers_of<T>(values), numbers_of<T>(y),
                      numbers_of<float>(logs));
    });
    context->save_for_backward({queries, keys, values, logs});
    context->saved_data["scale"] = scale;
    context->saved_data["window"] = window;
    return y.view({shape.batch, shape.positions, shape.heads * shape.dim});
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &q = saved[0], &k = saved[1], &v = saved[2];
    const cpu::AttentionShape shape =
        shape_of(q, k, context->saved_data["scale"].toDouble(), context->saved_data["window"].toInt());
    const Tensor dy = gradients[0].to(q.scalar_type()).contiguous();
    Tensor dq = at::empty(q.sizes(), q.options()), dk = at::empty(k.sizes(), k.options()),
           dv = at::empty(v.sizes(), v.options());
    with_attention(q, [&](const auto& kernels) {
      using T = typename std::decay_t<decltype(kernels)>::Number;
      kernels.backward(shape, numbers_of<T>(q), numbers_of<T>(k), numbers_of<T>(v), numbers_of<float>(saved[3]),
                       numbers_of<T>(dy), numbers_of<T>(dq), numbers_of<T>(dk), numbers_of<T>(dv));
    });
    return {dq, dk, dv, Tensor(), Tensor()};
  }
};

class DigitalLinear : public torch::autograd::Function<DigitalLinear> {
 public:
  /// `matrix`: weight and gradient.
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& /*parameter*/,
                        const std::pair<Tensor, Tensor>& matrix) {
    const auto& [weight, gradient] = matrix;
    const Tensor rows = x.reshape({-1, weight.size(1)});
    // The gradient is added to in place, perhaps by several layers: not a saved variable, whose version would be checked.
    context->save_for_backward({gradient.defined() ? rows : Tensor(), weight});
    if (gradient.defined()) context->saved_data["gradient"] = gradient;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(0);
    return at::mm(rows, weight.t()).view(shape);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor dy = gradients[0].reshape({-1, gradients[0].size(-1)});
    if (saved[0].defined()) {
      Tensor sum = context->saved_data["gradient"].toTensor();
      sum.add_(at::mm(dy.t(), saved[0]));
    }
    std::vector<std::int64_t> shape = gradients[0].sizes().vec();
    shape.back() = saved[1].size(1);
    Tensor dx;
    if (context->needs_input_grad(0)) dx = at::mm(dy, saved[1]).view(shape);
    return {dx, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps, torch::ScalarType compute) {
  return RmsNorm::apply(x, weight, eps, compute);
}

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  return SwiGlu::apply(gate, up);
}

Tensor geglu(const Tensor& gate, const Tensor& up) {
  return at::gelu(gate, "tanh") * up;
}

Tensor rotate(const Tensor& x, const Tensor& cosines, const Tensor& sines, bool is_interleaved) {
  return Rotate::apply(x, cosines, sines, is_interleaved);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale, std::int64_t window) {
  return Attention::apply(q, k, v, scale, window);
}

Tensor digital_linear(const Tensor& x, const Tensor& weight, const Tensor& gradient, const Tensor& parameter,
                      const Tensor& bias) {
  const Tensor y = DigitalLinear::apply(x, parameter, std::make_pair(weight, gradient));
  return bias.defined() ? y + bias.to(y.dtype()) : y;
}

Divergence divergence(const Tensor& student, const Tensor& teacher, double temperature, double scale) {
  const torch::NoGradGuard guard;
  const auto logarithms = [&](const Tensor& logits) {
    Tensor values = logits.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/temperature != 1);
    if (temperature != 1) values.div_(temperature);
    return at::log_softmax(values, 1);
  };
  Tensor p = logarithms(teacher);
  Tensor q = logarithms(student);
  // exp(log p) log p is 0 where p underflows: log p is finite.
  Tensor difference = p - q;
  p.exp_();
  Divergence result;
  result.loss = difference.mul_(p).sum() * (temperature * temperature);
  difference = Tensor();
  result.gradient = q.exp_().sub_(p).mul_(scale * temperature).to(student.dtype());
  return result;
}

Divergence likelihood(const Tensor& logits, const Tensor& targets, double scale) {
  const torch::NoGradGuard guard;
  Tensor q = at::log_softmax(logits.to(torch::kFloat32), 1);
  const Tensor counted = at::ne(targets, -100).to(torch::kFloat32).unsqueeze(1);
  const Tensor places = targets.clamp_min(0).unsqueeze(1);
  Divergence result;
  result.loss = -(q.gather(1, places) * counted).sum();
  result.gradient =
      q.exp_().scatter_add_(1, places, at::full_like(counted, -1)).mul_(counted).mul_(scale).to(logits.dtype());
  return result;
}

}  // namespace xw::finetune
