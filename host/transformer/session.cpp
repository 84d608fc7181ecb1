// Running a prepared model on one sequence.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/model_impl.hpp"

namespace xw::transformer {
namespace {

constexpr std::size_t kChunk = 512;                 // tokens of one pass over the graph
constexpr std::size_t kSerialElements = 32 * 1024;  // smaller element-wise operations stay on one thread

class Timer {
 public:
  explicit Timer(double& seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~Timer() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

struct Session::Impl {
  Impl(Model::Impl& owner, std::uint32_t first_vector, std::uint32_t limit)
      : model(owner),
        vector_base(first_vector),
        context_limit(limit == 0 ? owner.context_length : std::min(limit, owner.context_length)),
        slots(owner.num_slots),
        where(owner.graph.values.size()) {
    for (const RopeConfig& rope : model.ropes) {
      ropes.emplace_back(rope, 0);
      keeps_tokens = keeps_tokens || depends_on_length(rope);
    }
    for (const std::uint32_t node : model.attentions) {
      caches.emplace_back(model.nodes[node].attention.num_kv_heads, model.nodes[node].attention.head_dim);
    }
  }

  Model::Impl& model;
  std::uint32_t vector_base;
  std::uint32_t context_limit;
  std::uint32_t position = 0;
  std::uint32_t known_length = 0;  ///< tokens that the sequence will have at least
  bool keeps_tokens = false;       ///< a rotation depends on the length of the sequence
  std::vector<std::int32_t> past;  ///< tokens so far, if `keeps_tokens`
  std::vector<RopeTable> ropes;
  std::vector<KvCache> caches;
  AttentionScratch scratch;
  HostTimes times;

  /// Rows of a value in the current pass: [rows][features].
  struct Place {
    float* data = nullptr;
    std::size_t rows = 0;
  };
  std::vector<AlignedBuffer<float>> slots;
  std::vector<Place> where;

  /// Rotations for a sequence of `length` tokens; computes the tokens so far again if theirs were others.
  void set_length(std::uint32_t length);
  /// One pass. `logits_begin`: first of the pass's tokens whose logits are wanted, tokens.size() for none.
  void run(std::span<const std::int32_t> tokens, std::size_t logits_begin, float* logits);
  void run_node(std::size_t index, std::span<const std::int32_t> tokens, std::size_t rows, float* logits);
  void run_linear(const PreparedNode& prepared, std::span<const float> x, std::span<float> y, std::size_t rows);
  void run_call(const ir::Node& node, const PreparedNode& prepared, std::span<const float> x, std::size_t first_row,
                std::size_t rows);

  [[nodiscard]] std::size_t features(ir::ValueId value) const { return model.graph.values[value].features; }
  /// The last `rows` rows of an input.
  [[nodiscard]] std::span<const float> input(ir::ValueId value, std::size_t rows) const {
    const Place& place = where[value];
    return {place.data + (place.rows - rows) * features(value), rows * features(value)};
  }
  std::span<float> result(ir::ValueId value, std::size_t rows) {
    Place& place = where[value];
    AlignedBuffer<float>& slot = slots[model.slot_of[value]];
    if (place.data == nullptr) {
      slot.reserve(rows * features(value));
      place.data = slot.data();
    }
    place.rows = rows;
    return {place.data, rows * features(value)};
  }
  /// body(begin, end) over rows, on all threads if there is enough to do.
  void each_row(std::size_t rows, std::size_t row_features, const std::function<void(std::size_t, std::size_t)>& body) {
    if (rows * row_features < kSerialElements) {
      body(0, rows);
    } else {
      model.pool.for_ranges(rows, 1, body);
    }
  }
};

void Session::Impl::set_length(std::uint32_t length) {
  bool is_other = false;
  for (RopeTable& rope : ropes) is_other = rope.set_length(length) || is_other;
  if (!is_other || position == 0) return;
  for (KvCache& cache : caches) cache.clear();
  position = 0;
  for (std::size_t begin = 0; begin < past.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, past.size() - begin);
    run(std::span(past).subspan(begin, count), count, nullptr);
  }
}

void Session::Impl::run(std::span<const std::int32_t> tokens, std::size_t logits_begin, float* logits) {
  const bool observed = model.input_observer != nullptr;
  const std::size_t wanted = tokens.size() - logits_begin;
  for (RopeTable& rope : ropes) rope.extend(position + static_cast<std::uint32_t>(tokens.size()));
  std::fill(where.begin(), where.end(), Place{});
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    const ir::Node& node = model.graph.nodes[i];
    const bool makes_logits = std::find(node.results.begin(), node.results.end(), model.output) != node.results.end();
    std::size_t rows = tokens.size();
    if (model.nodes[i].late && (!observed || makes_logits || node.kind == ir::OpKind::kOutput)) rows = wanted;
    if (rows == 0) continue;
    if (makes_logits && model.nodes[i].late) where[model.output].data = logits;
    run_node(i, tokens, rows, logits);
  }
  position += static_cast<std::uint32_t>(tokens.size());
}

void Session::Impl::run_node(std::size_t index, std::span<const std::int32_t> tokens, std::size_t rows, float* logits) {
  const ir::Node& node = model.graph.nodes[index];
  const PreparedNode& prepared = model.nodes[index];
  const Kernels& kernel = kernels();
  switch (node.kind) {
    case ir::OpKind::kInput:
      break;
    case ir::OpKind::kEmbedding: {
      const Timer timer(times.embedding);
      const std::size_t n = features(node.results[0]);
      const std::span<float> y = result(node.results[0], rows);
      const std::string& tensor = ir::attr_tensor(node, "weight").tensor;
      for (std::size_t t = 0; t < rows; ++t) {
        const std::uint64_t row = prepared.rows.begin + static_cast<std::uint64_t>(tokens[tokens.size() - rows + t]);
        const std::span<float> target = y.subspan(t * n, n);
        model.tensors->read_rows(tensor, row, row + 1, target);
        if (prepared.number != 1.0F) {
          for (float& value : target) value *= prepared.number;
        }
      }
      break;
    }
    case ir::OpKind::kRmsNorm: {
      const Timer timer(times.norm);
      const std::size_t n = features(node.inputs[0]);
      const std::span<const float> x = input(node.inputs[0], rows);
      const std::span<float> y = result(node.results[0], rows);
      each_row(rows, n, [&](std::size_t begin, std::size_t end) {
        for (std::size_t t = begin; t < end; ++t) {
          kernel.rms_norm(x.data() + t * n, prepared.vector.data(), n, prepared.number, y.data() + t * n);
        }
      });
      break;
    }
    case ir::OpKind::kLinear:
      run_linear(prepared, input(node.inputs[0], rows), result(node.results[0], rows), rows);
      break;
    case ir::OpKind::kAimcCall:
      run_call(node, prepared, input(node.inputs[0], rows), tokens.size() - rows, rows);
      break;
    case ir::OpKind::kAttention: {
      const Timer timer(times.attention);
      attend(prepared.attention, prepared.rope == 0 ? nullptr : &ropes[prepared.rope - 1], caches[prepared.index],
             scratch, input(node.inputs[0], rows), input(node.inputs[1], rows), input(node.inputs[2], rows),
             static_cast<std::uint32_t>(rows), position, result(node.results[0], rows), model.pool);
      break;
    }
    case ir::OpKind::kSwiGlu: {
      const Timer timer(times.activation);
      const std::size_t n = features(node.inputs[0]);
      const std::span<const float> gate = input(node.inputs[0], rows);
      const std::span<const float> up = input(node.inputs[1], rows);
      const std::span<float> y = result(node.results[0], rows);
      each_row(rows, n, [&](std::size_t begin, std::size_t end) {
        kernel.swiglu(gate.data() + begin * n, up.data() + begin * n, (end - begin) * n, y.data() + begin * n);
      });
      break;
    }
    case ir::OpKind::kAdd: {
      const Timer timer(times.other);
      const std::size_t n = features(node.inputs[0]);
      const std::span<const float> a = input(node.inputs[0], rows);
      const std::span<const float> b = input(node.inputs[1], rows);
      const std::span<float> y = result(node.results[0], rows);
      each_row(rows, n, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin * n; i < end * n; ++i) y[i] = a[i] + b[i];
      });
      break;
    }
    case ir::OpKind::kShift: {
      const Timer timer(times.other);
      const std::size_t n = features(node.inputs[0]);
      const std::span<const float> x = input(node.inputs[0], rows);
      const float* vector = prepared.vector.data();
      const std::span<float> y = result(node.results[0], rows);
      each_row(rows, n, [&](std::size_t begin, std::size_t end) {
        for (std::size_t t = begin; t < end; ++t) {
          for (std::size_t i = 0; i < n; ++i) y[t * n + i] = x[t * n + i] + vector[i];
        }
      });
      break;
    }
    case ir::OpKind::kOutput: {
      const std::span<const float> x = input(node.inputs[0], rows);
      if (x.data() != logits) std::copy(x.begin(), x.end(), logits);
      break;
    }
  }
}

void Session::Impl::run_linear(const PreparedNode& prepared, std::span<const float> x, std::span<float> y,
                               std::size_t rows) {
  const std::uint32_t in = prepared.matrix->in_features();
  const std::uint32_t out = prepared.matrix->out_features();
  if (model.input_observer != nullptr) model.input_observer(prepared.name, x, in);
  {
    const Timer timer(times.digital_linear);
    prepared.matrix->multiply(x, rows, y, model.pool);
  }
  if (prepared.vector.size() == 0) return;
  const Timer timer(times.digital_linear);
  const float* bias = prepared.vector.data();
  each_row(rows, out, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t i = 0; i < out; ++i) y[t * out + i] += bias[i];
    }
  });
}

void Session::Impl::run_call(const ir::Node& node, const PreparedNode& prepared, std::span<const float> x,
                             std::size_t first_row, std::size_t rows) {
  if (model.input_observer != nullptr) {
    model.input_observer(prepared.name, x, static_cast<std::uint32_t>(features(node.inputs[0])));
  }
  std::vector<std::span<float>> outputs;
  outputs.reserve(node.results.size());
  for (const ir::ValueId value : node.results) outputs.push_back(result(value, rows));
  const std::uint32_t first_position = position + static_cast<std::uint32_t>(first_row);
  std::size_t on_host = 0;
  if (prepared.digital_positions > first_position)
    on_host = std::min<std::size_t>(rows, prepared.digital_positions - first_position);
  const std::size_t in = features(node.inputs[0]);
  if (on_host != 0) {
    std::vector<std::span<float>> first;
    first.reserve(outputs.size());
    for (std::span<float>& output : outputs) {
      const std::size_t size = output.size() / rows * on_host;
      first.push_back(output.first(size));
      output = output.subspan(size);
    }
    const Timer timer(times.digital_linear);
    model.calls->run_on_host(prepared.index, x.first(on_host * in), static_cast<std::uint32_t>(on_host), first);
  }
  if (on_host == rows) return;
  const Timer timer(times.calls);
  model.calls->run_call(prepared.index, x.subspan(on_host * in), static_cast<std::uint32_t>(rows - on_host),
                        vector_base + first_position + static_cast<std::uint32_t>(on_host), outputs);
}

Session::Session(Model& model, std::uint32_t vector_base, std::uint32_t context_limit)
    : impl_(std::make_unique<Impl>(*model.impl_, vector_base, context_limit)) {}

Session::~Session() = default;

std::vector<float> Session::forward(std::span<const std::int32_t> tokens, LogitsOf logits) {
  const Model::Impl& model = impl_->model;
  if (tokens.empty()) throw Error(ErrorCode::kInvalidArgument, "forward: expected at least one token, found none");
  for (const std::int32_t token : tokens) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= model.vocab_size) {
      throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(token) + " is outside the vocabulary of " +
                                                   std::to_string(model.vocab_size) + " tokens");
    }
  }
  if (tokens.size() > impl_->context_limit - impl_->position) {
    throw Error(ErrorCode::kCapacity, "sequence of " + std::to_string(impl_->position + tokens.size()) +
                                          " tokens exceeds the context of " + std::to_string(impl_->context_limit));
  }
  impl_->set_length(std::max(impl_->known_length, impl_->position + static_cast<std::uint32_t>(tokens.size())));
  const std::size_t rows = logits == LogitsOf::kAll ? tokens.size() : logits == LogitsOf::kLast ? 1 : 0;
  std::vector<float> result(rows * model.num_logits);
  for (std::size_t begin = 0; begin < tokens.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, tokens.size() - begin);
    const std::size_t end = begin + count;
    const std::size_t wanted = logits == LogitsOf::kAll ? count : rows == 1 && end == tokens.size() ? 1 : 0;
    float* target = logits == LogitsOf::kAll ? result.data() + begin * model.num_logits : result.data();
    impl_->run(tokens.subspan(begin, count), count - wanted, target);
  }
  check_mapped_files();
  if (impl_->keeps_tokens) impl_->past.insert(impl_->past.end(), tokens.begin(), tokens.end());
  return result;
}

std::uint32_t Session::position() const {
  return impl_->position;
}

std::uint32_t Session::context_limit() const {
  return impl_->context_limit;
}

void Session::reset(std::uint32_t vector_base, std::uint32_t known_length) {
  for (KvCache& cache : impl_->caches) cache.clear();
  impl_->past.clear();
  impl_->position = 0;
  impl_->known_length = known_length;
  impl_->vector_base = vector_base;
}

const HostTimes& Session::times() const {
  return impl_->times;
}

}  // namespace xw::transformer
