// One pass over a model's graph.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "host/transformer/session_impl.hpp"

namespace xw::transformer {
namespace {

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

void Session::Impl::run(std::span<const std::int32_t> tokens, std::size_t logits_begin, float* logits) {
  const bool observed = model.input_observer != nullptr;
  const std::size_t wanted = tokens.size() - logits_begin;
  for (const Piece& piece : pieces) {
    for (RopeTable& rope : ropes) rope.extend(piece.position + static_cast<std::uint32_t>(piece.tokens));
  }
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
  position = pieces.back().position + static_cast<std::uint32_t>(pieces.back().tokens);
  next_vector += static_cast<std::uint32_t>(tokens.size());
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
      const std::size_t n = prepared.index;
      const std::size_t groups = rows * features(node.inputs[0]) / n;
      const std::span<const float> x = input(node.inputs[0], rows);
      const std::span<float> y = result(node.results[0], rows);
      each_row(groups, n, [&](std::size_t begin, std::size_t end) {
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
    case ir::OpKind::kAttention:
      run_attention(node, prepared, rows);
      break;
    case ir::OpKind::kSwiGlu:
    case ir::OpKind::kGeGlu: {
      const Timer timer(times.activation);
      const std::size_t n = features(node.inputs[0]);
      const std::span<const float> gate = input(node.inputs[0], rows);
      const std::span<const float> up = input(node.inputs[1], rows);
      const std::span<float> y = result(node.results[0], rows);
      const auto gated = node.kind == ir::OpKind::kSwiGlu ? kernel.swiglu : kernel.geglu;
      each_row(rows, n, [&](std::size_t begin, std::size_t end) {
        gated(gate.data() + begin * n, up.data() + begin * n, (end - begin) * n, y.data() + begin * n);
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

void Session::Impl::run_attention(const ir::Node& node, const PreparedNode& prepared, std::size_t rows) {
  const Timer timer(times.attention);
  const std::span<const float> q = input(node.inputs[0], rows), k = input(node.inputs[1], rows),
                               v = input(node.inputs[2], rows);
  const std::size_t q_width = features(node.inputs[0]), kv_width = features(node.inputs[1]);
  const std::span<float> y = result(node.results[0], rows);
  const auto run_piece = [&](const Piece& piece, std::size_t row, ThreadPool& pool) {
    attend(prepared.attention, prepared.rope == 0 ? nullptr : &ropes[prepared.rope - 1],
           caches[piece.sequence * model.attentions.size() + prepared.index], scratch,
           q.subspan(row * q_width, piece.tokens * q_width), k.subspan(row * kv_width, piece.tokens * kv_width),
           v.subspan(row * kv_width, piece.tokens * kv_width), static_cast<std::uint32_t>(piece.tokens), piece.position,
           y.subspan(row * q_width, piece.tokens * q_width), pool);
  };
  if (pieces.size() == rows &&
      caches.size() > model.attentions.size()) {  // every piece is a token of a sequence of its own
    model.pool.for_each(pieces.size(), [&](std::size_t i) { run_piece(pieces[i], i, serial); });
    return;
  }
  std::size_t row = 0;
  for (const Piece& piece : pieces) {
    run_piece(piece, row, model.pool);
    row += piece.tokens;
  }
}

std::vector<Session::Impl::RowRange> Session::Impl::rows_by_place(std::uint32_t digital_positions, std::size_t begin,
                                                                  std::size_t end) const {
  std::vector<RowRange> ranges;
  const auto add = [&](std::size_t first, std::size_t last, bool on_host) {
    first = std::max(first, begin);
    last = std::min(last, end);
    if (first >= last) return;
    if (!ranges.empty() && ranges.back().on_host == on_host) {
      ranges.back().end = last;
    } else {
      ranges.push_back({first, last, on_host});
    }
  };
  std::size_t row = 0;
  for (const Piece& piece : pieces) {
    const std::size_t on_host =
        std::min<std::size_t>(piece.tokens, digital_positions - std::min(digital_positions, piece.position));
    add(row, row + on_host, true);
    add(row + on_host, row + piece.tokens, false);
    row += piece.tokens;
  }
  return ranges;
}

void Session::Impl::run_call(const ir::Node& node, const PreparedNode& prepared, std::span<const float> x,
                             std::size_t first_row, std::size_t rows) {
  const std::size_t in = features(node.inputs[0]);
  if (model.input_observer != nullptr) model.input_observer(prepared.name, x, static_cast<std::uint32_t>(in));
  std::vector<std::span<float>> outputs;
  outputs.reserve(node.results.size());
  for (const ir::ValueId value : node.results) outputs.push_back(result(value, rows));
  std::vector<std::span<float>> part(outputs.size());
  for (const RowRange& range : rows_by_place(prepared.digital_positions, first_row, first_row + rows)) {
    const std::size_t begin = range.begin - first_row, count = range.end - range.begin;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const std::size_t width = outputs[k].size() / rows;
      part[k] = outputs[k].subspan(begin * width, count * width);
    }
    const std::span<const float> inputs = x.subspan(begin * in, count * in);
    if (range.on_host) {
      const Timer timer(times.digital_linear);
      model.calls->run_on_host(prepared.index, inputs, static_cast<std::uint32_t>(count), part);
    } else {
      const Timer timer(times.calls);
      model.calls->run_call(prepared.index, inputs, static_cast<std::uint32_t>(count),
                            next_vector + static_cast<std::uint32_t>(range.begin), part);
    }
  }
}

}  // namespace xw::transformer
