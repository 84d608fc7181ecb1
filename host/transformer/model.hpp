// Running a model graph on the host: everything but the analog matrix products.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::transformer {

/// Tensors by name for the host side, whatever they are stored as (checkpoint or program). Thread safe.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  /// Shape of a tensor; throws Error{kFormat} if there is none of that name.
  [[nodiscard]] virtual std::vector<std::uint64_t> shape(const std::string& tensor) const = 0;
  /// Rows [begin, end) as fp32, row-major. A tensor of one dimension is one row.
  virtual void read_rows(const std::string& tensor, std::uint64_t begin, std::uint64_t end,
                         std::span<float> dst) const = 0;
  /// Hint that a tensor has been read and will not be needed soon.
  virtual void release(const std::string& tensor) const { static_cast<void>(tensor); }
};

/// Executes kAimcCall nodes. Implementations: the chip instance (analog), digital-w8a8, digital-w4a8 references.
class CallBackend {
 public:
  virtual ~CallBackend() = default;
  virtual void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                        std::uint32_t vector_base, std::span<const std::span<float>> outputs) = 0;
  /// The same call in floating point on the host, for tokens at positions below its `digital_positions`. Throws
  /// Error{kUnsupported} unless overridden.
  virtual void run_on_host(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                           std::span<const std::span<float>> outputs);
};

/// Sees the input of every linear layer or call (calibration). `name` is the linear's name, or "call.<i>"; x is
/// [n][in_features]. While a model is observed every linear sees all tokens; only the layer that makes the logits runs
/// just for the rows asked for.
using InputObserver = std::function<void(const std::string& name, std::span<const float> x, std::uint32_t in_features)>;

/// In what the host computes digital linear layers and holds keys and values.
enum class HostPrecision {
  kExact,  ///< weights as they are; products, keys and values in fp32
  kInt8,  ///< weights and inputs rounded to 8 bits (Int8Matrix), keys and values to fp16; more than twice as fast where many
          ///< vectors are multiplied
};

/// A model ready to run. Immutable after construction except for observers; holds host weights in the fastest form.
class Model {
 public:
  /// `calls` may be null when the graph has no kAimcCall. Digital kLinear nodes run here, in fp32 (weights are held as
  /// fp32, or as fp16 or bfloat16 where that is exact) or in 8-bit integers; embeddings are exact. Throws Error{kFormat} for a graph that is not well formed or a
  /// missing tensor, Error{kShapeMismatch} for a tensor of another shape, Error{kInvalidArgument} for calls without a
  /// backend; with kInt8 also what Int8Matrix throws.
  Model(ir::Graph graph, std::shared_ptr<const TensorSource> tensors, CallBackend* calls, ThreadPool& pool,
        HostPrecision precision = HostPrecision::kExact);
  ~Model();
  [[nodiscard]] const ir::Graph& graph() const;
  [[nodiscard]] std::uint32_t vocab_size() const;
  [[nodiscard]] std::uint32_t num_logits() const;  ///< columns of the output
  [[nodiscard]] std::uint32_t context_length() const;
  /// Sequences of lengths with the same number have the same rotations (longrope: 0 up to the original context). A
  /// model whose rotations do not depend on the length always says 0.
  [[nodiscard]] std::uint32_t rotation_class(std::uint32_t length) const;
  /// Bytes of host weights in memory.
  [[nodiscard]] std::uint64_t weight_bytes() const;
  /// Null ends it.
  void observe(InputObserver inputs);

 private:
  friend class Session;
  friend class Batch;
  friend class SequencePool;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

enum class LogitsOf { kLast, kAll, kNone };

/// Tokens that continue a sequence after its first `position` tokens.
struct Segment {
  std::uint32_t position = 0;
  std::span<const std::int32_t> tokens;
};

/// Measured host time by kind of operation, seconds.
struct HostTimes {
  double embedding = 0, norm = 0, attention = 0, activation = 0, digital_linear = 0, calls = 0, other = 0;
  [[nodiscard]] double total() const {
    return embedding + norm + attention + activation + digital_linear + calls + other;
  }
};

/// One sequence with its KV cache. Not thread safe; a Model may have many sessions used one after another.
class Session {
 public:
  /// vector_base: vector_index of the first token; the t-th token that the session computes has vector_base + t (modulo
  /// 2^32), so results do not depend on how the tokens are split into batches: logits have the same bits for every split
  /// and number of threads. context_limit: the longest sequence that it will hold; 0 or more than the model's context length
  /// means that length.
  ///
  /// Models with longrope scaling (as transformers does): a sequence of more tokens than the original context has the
  /// long factors, a shorter one the short factors. The call of forward() with which a sequence passes the original
  /// context first computes all tokens before it again, with the same vector indices. Logits that were asked for
  /// earlier are those of the shorter sequence; say the length in reset() to have them for the whole one.
  explicit Session(Model& model, std::uint32_t vector_base = 0, std::uint32_t context_limit = 0);
  ~Session();
  /// Appends tokens and returns logits [rows][vocab] (rows: 1, tokens.size() or 0). Long inputs run in bounded pieces.
  /// Throws Error{kInvalidArgument} for no tokens and for ids outside the vocabulary, Error{kCapacity} beyond the
  /// context limit; the session is then unchanged. After an error of the backend the session must be reset.
  [[nodiscard]] std::vector<float> forward(std::span<const std::int32_t> tokens, LogitsOf logits);
  /// The same as rewind(position) and forward(tokens) for one segment after the other, with the same bits, but all in the
  /// same passes over the model: continuations of one beginning are computed together, and what they share once.
  /// Returns logits [rows][vocab] of the rows from `logits_begin` on, counted over all segments. All of them have the
  /// rotations of the longest. Throws like forward(), also for no segments and for one behind the end of the sequence.
  [[nodiscard]] std::vector<float> forward(std::span<const Segment> segments, std::size_t logits_begin);
  /// Forgets all tokens but the first `position`. The vector index goes on where it is. Throws Error{kInvalidArgument} for
  /// a position behind the end.
  void rewind(std::uint32_t position);
  [[nodiscard]] std::uint32_t position() const;
  /// The longest sequence that it holds.
  [[nodiscard]] std::uint32_t context_limit() const;
  /// Forgets the sequence (KV cache and position). The vector index starts at `vector_base` again. `known_length`:
  /// tokens that the next sequence is known to have at least, for rotations that depend on it.
  void reset(std::uint32_t vector_base = 0, std::uint32_t known_length = 0);
  [[nodiscard]] const HostTimes& times() const;

 private:
  friend class Batch;
  friend class SequencePool;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::transformer
