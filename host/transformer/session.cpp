// Running a prepared model on one sequence.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/batch.hpp"
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
  /// `sequences`: of a Batch, each with caches of its own.
  Impl(Model::Impl& owner, std::uint32_t first_vector, std::uint32_t limit, std::uint32_t sequences = 1)
      : model(owner),
        next_vector(first_vector),
        context_limit(limit == 0 ? owner.context_length : std::min(limit, owner.context_length)),
        slots(owner.num_slots),
        where(owner.graph.values.size()) {
    for (const RopeConfig& rope : model.ropes) {
      ropes.emplace_back(rope, 0);
      keeps_tokens = keeps_tokens || depends_on_length(rope);
    }
    for (std::uint32_t sequence = 0; sequence < sequences; ++sequence) {
      for (const std::uint32_t node : model.attentions)
        caches.emplace_back(model.nodes[node].attention.num_kv_heads, model.nodes[node].attention.head_dim);
    }
  }

  Model::Impl& model;
  std::uint32_t next_vector;  ///< vector index of the next token
  std::uint32_t context_limit;
  std::uint32_t position = 0;
  std::uint32_t known_length = 0;  ///< tokens that the sequence will have at least
  bool keeps_tokens = false;       ///< a rotation depends on the length of the sequence
  struct Token {
    std::int32_t id;
    std::uint32_t vector;
  };
  std::vector<Token> past;  ///< tokens so far, if `keeps_tokens`
  std::vector<RopeTable> ropes;
  std::vector<KvCache> caches;  ///< [sequence][attention]
  AttentionScratch scratch;
  ThreadPool serial{1};  ///< for attention of many sequences, which are shared out among the threads
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
  /// Tokens of a pass that follow the first `position` tokens.
  struct Piece {
    std::uint32_t position = 0;
    std::size_t tokens = 0;
    std::uint32_t sequence = 0;
  };
  std::vector<Piece> pieces;  ///< of the current pass

  /// One pass over `pieces`, one after the other. `logits_begin`: first of the pass's tokens whose logits are wanted,
  /// tokens.size() for none.
  void run(std::span<const std::int32_t> tokens, std::size_t logits_begin, float* logits);
  void run_node(std::size_t index, std::span<const std::int32_t> tokens, std::size_t rows, float* logits);
  void run_attention(const ir::Node& node, const PreparedNode& prepared, std::size_t rows);
  /// Rows of a pass that a call computes at one place.
  struct RowRange {
    std::size_t begin = 0, end = 0;
    bool on_host = false;  ///< they stand at positions that the host computes
  };
  /// Rows [begin, end) of the current pass.
  [[nodiscard]] std::vector<RowRange> rows_by_place(std::uint32_t digital_positions, std::size_t begin,
                                                    std::size_t end) const;
  /// Tokens of a piece of the next pass, whose first row is `row`.
  void remember(std::span<const std::int32_t> tokens, std::uint32_t at, std::size_t row) {
    if (!keeps_tokens) return;
    past.resize(at);
    for (const std::int32_t token : tokens) past.push_back({token, next_vector + static_cast<std::uint32_t>(row++)});
  }
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
  const std::uint32_t next = std::exchange(next_vector, 0U);
  position = 0;
  std::vector<std::int32_t> tokens;
  for (std::size_t begin = 0; begin < past.size(); begin += tokens.size()) {
    tokens.clear();
    next_vector = past[begin].vector;
    for (std::size_t i = begin; i < past.size() && tokens.size() < kChunk; ++i) {
      if (past[i].vector != next_vector + static_cast<std::uint32_t>(i - begin)) break;
      tokens.push_back(past[i].id);
    }
    pieces = {{position, tokens.size(), 0}};
    run(tokens, tokens.size(), nullptr);
  }
  next_vector = next;
}

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
  if (caches.size() > model.attentions.size()) {  // a batch: every piece is a token of a sequence of its own
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

Session::Session(Model& model, std::uint32_t vector_base, std::uint32_t context_limit)
    : impl_(std::make_unique<Impl>(*model.impl_, vector_base, context_limit)) {}

Session::~Session() = default;

std::vector<float> Session::forward(std::span<const std::int32_t> tokens, LogitsOf logits) {
  const Segment segment{impl_->position, tokens};
  const std::size_t rows = logits == LogitsOf::kAll ? tokens.size() : logits == LogitsOf::kLast ? 1 : 0;
  return forward({&segment, 1}, tokens.size() - std::min(rows, tokens.size()));
}

std::vector<float> Session::forward(std::span<const Segment> segments, std::size_t logits_begin) {
  Impl& impl = *impl_;
  const Model::Impl& model = impl.model;
  std::vector<std::int32_t> tokens;
  std::uint32_t before = impl.position;
  std::uint32_t longest = impl.known_length;
  for (const Segment& segment : segments) {
    if (segment.tokens.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "forward: expected at least one token, found none");
    }
    if (segment.position > before) {
      throw Error(ErrorCode::kInvalidArgument, "forward: a segment follows " + std::to_string(segment.position) +
                                                   " tokens, the sequence has " + std::to_string(before));
    }
    for (const std::int32_t token : segment.tokens) {
      if (token < 0 || static_cast<std::uint32_t>(token) >= model.vocab_size) {
        throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(token) +
                                                     " is outside the vocabulary of " +
                                                     std::to_string(model.vocab_size) + " tokens");
      }
    }
    if (segment.tokens.size() > impl.context_limit - segment.position) {
      throw Error(ErrorCode::kCapacity, "sequence of " + std::to_string(segment.position + segment.tokens.size()) +
                                            " tokens exceeds the context of " + std::to_string(impl.context_limit));
    }
    tokens.insert(tokens.end(), segment.tokens.begin(), segment.tokens.end());
    before = segment.position + static_cast<std::uint32_t>(segment.tokens.size());
    longest = std::max(longest, before);
  }
  if (tokens.empty()) throw Error(ErrorCode::kInvalidArgument, "forward: expected at least one segment, found none");
  if (segments.front().position < impl.position) rewind(segments.front().position);
  impl.set_length(longest);
  const std::size_t rows = tokens.size() - std::min(logits_begin, tokens.size());
  std::vector<float> result(rows * model.num_logits);
  std::size_t segment = 0, used = 0;  // tokens of `segment` that have run
  for (std::size_t begin = 0; begin < tokens.size();) {
    impl.pieces.clear();
    std::size_t count = 0;
    while (segment < segments.size() && count < kChunk) {
      const std::size_t some = std::min(segments[segment].tokens.size() - used, kChunk - count);
      impl.pieces.push_back({segments[segment].position + static_cast<std::uint32_t>(used), some, 0});
      impl.remember(segments[segment].tokens.subspan(used, some), impl.pieces.back().position, count);
      count += some;
      used += some;
      if (used < segments[segment].tokens.size()) continue;
      ++segment;
      used = 0;
    }
    const std::size_t first = std::clamp(logits_begin, begin, begin + count);  // of the rows with logits
    float* target = first < begin + count ? result.data() + (first - logits_begin) * model.num_logits : nullptr;
    impl.run(std::span(tokens).subspan(begin, count), first - begin, target);
    begin += count;
  }
  check_mapped_files();
  return result;
}

void Session::rewind(std::uint32_t position) {
  if (position > impl_->position) {
    throw Error(ErrorCode::kInvalidArgument, "rewind: expected at most " + std::to_string(impl_->position) +
                                                 " tokens, found " + std::to_string(position));
  }
  impl_->position = position;
  if (impl_->keeps_tokens) impl_->past.resize(position);
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
  impl_->next_vector = vector_base;
}

const HostTimes& Session::times() const {
  return impl_->times;
}

struct Batch::Impl {
  Impl(Model& of, std::uint32_t count, std::uint32_t tokens)
      : model(*of.impl_), sequences(count), length(tokens), session(model, 0, tokens, count) {}

  Model::Impl& model;
  std::uint32_t sequences, length;
  std::uint32_t position = 0;
  Session::Impl session;
  AlignedBuffer<float> logits;
};

Batch::Batch(Model& model, std::uint32_t sequences, std::uint32_t length) {
  if (sequences == 0) throw Error(ErrorCode::kInvalidArgument, "batch: expected at least one sequence, found none");
  if (length > model.context_length())
    throw Error(ErrorCode::kCapacity, "sequences of " + std::to_string(length) + " tokens exceed the context of " +
                                          std::to_string(model.context_length()));
  if (model.impl_->calls != nullptr)
    throw Error(ErrorCode::kUnsupported,
                "batch: found a model with calls of a chip; supported: models of the host alone");
  impl_ = std::make_unique<Impl>(model, sequences, length);
  impl_->session.set_length(length);
  impl_->session.keeps_tokens = false;
  impl_->logits.reserve(std::size_t{sequences} * model.num_logits());
}

Batch::~Batch() = default;

std::span<const float> Batch::step(std::span<const std::int32_t> tokens) {
  Impl& impl = *impl_;
  if (tokens.size() != impl.sequences)
    throw Error(ErrorCode::kInvalidArgument, "batch: expected a token for each of " + std::to_string(impl.sequences) +
                                                 " sequences, found " + std::to_string(tokens.size()));
  if (impl.position >= impl.length)
    throw Error(ErrorCode::kCapacity, "batch: sequences exceed their " + std::to_string(impl.length) + " tokens");
  for (const std::int32_t token : tokens) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= impl.model.vocab_size)
      throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(token) + " is outside the vocabulary of " +
                                                   std::to_string(impl.model.vocab_size) + " tokens");
  }
  for (std::size_t begin = 0; begin < tokens.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, tokens.size() - begin);
    impl.session.pieces.clear();
    for (std::size_t i = 0; i < count; ++i)
      impl.session.pieces.push_back({impl.position, 1, static_cast<std::uint32_t>(begin + i)});
    impl.session.run(tokens.subspan(begin, count), 0, impl.logits.data() + begin * impl.model.num_logits);
  }
  ++impl.position;
  check_mapped_files();
  return {impl.logits.data(), tokens.size() * impl.model.num_logits};
}

}  // namespace xw::transformer
