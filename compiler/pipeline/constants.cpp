// The tensors that stay on the host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/constants.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "arch/support/error.hpp"
#include "arch/support/half.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/progress.hpp"
#include "compiler/pipeline/quantize.hpp"
#include "compiler/pipeline/targets.hpp"

namespace xw::compiler {
namespace {

constexpr std::uint64_t kChunkElements = 1U << 20;  ///< elements converted at a time, over all threads
constexpr std::uint64_t kChunksPerRelease = 16;     ///< chunks after which pages of the checkpoint are given back

using checkpoint::Dtype;
using checkpoint::Tensor;
using program::ConstantType;

bool is_vector(const Tensor& tensor) {
  return tensor.shape.size() < 2;
}

/// Calls body(reference) for every tensor reference of the graph.
template <typename Body>
void for_each_reference(ir::Graph& graph, const Body& body) {
  for (ir::Node& node : graph.nodes) {
    for (auto& [key, attribute] : node.attributes) {
      if (auto* reference = std::get_if<ir::TensorRef>(&attribute)) body(*reference);
    }
  }
}

[[noreturn]] void fail_rows(const Tensor& tensor, const ir::TensorRef& reference, std::uint64_t rows) {
  throw Error(ErrorCode::kShapeMismatch,
              tensor.location + ": tensor '" + tensor.name + "': expected rows " + std::to_string(reference.row_begin) +
                  " to " + std::to_string(reference.row_end) + ", found " + std::to_string(rows) + " rows");
}

using Intervals = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

/// Sorted, disjoint, touching ones joined.
Intervals merged(Intervals intervals) {
  std::sort(intervals.begin(), intervals.end());
  Intervals out;
  for (const auto& interval : intervals) {
    if (!out.empty() && interval.first <= out.back().second) {
      out.back().second = std::max(out.back().second, interval.second);
    } else {
      out.push_back(interval);
    }
  }
  return out;
}

/// Where row `row` of a tensor stands among the stored rows.
std::uint64_t stored_row(const Intervals& intervals, std::uint64_t row) {
  std::uint64_t before = 0;
  for (const auto& [begin, end] : intervals) {
    if (row >= begin && row < end) return before + row - begin;
    before += end - begin;
  }
  throw Error(ErrorCode::kInternal, "constants: row " + std::to_string(row) + " is not stored");
}

/// What read_rows() changes (clamped weights) is stored as it is read.
ConstantType stored_type(const Tensor& tensor) {
  return tensor.bounds != nullptr ? ConstantType::kF32 : constant_type(tensor.dtype);
}

class Streamer {
 public:
  Streamer(const checkpoint::Checkpoint& checkpoint, program::ProgramWriter& writer, ThreadPool& pool,
           std::uint64_t elements)
      : checkpoint_(checkpoint), writer_(writer), pool_(pool), progress_("constants", elements, "weights") {}

  void write(const ConstantPlan& constant) {
    const Tensor& tensor = find_tensor(checkpoint_, {constant.tensor, 0, 0});
    std::uint64_t rows = 0;
    for (const auto& [begin, end] : constant.rows) rows += end - begin;
    std::vector<std::uint64_t> shape = tensor.shape;
    if (shape.empty()) shape = {1};
    shape[0] = rows;
    writer_.begin_constant(constant.name, stored_type(tensor), shape);
    for (const auto& [begin, end] : constant.rows) {
      if (is_vector(tensor)) {
        write_vector(tensor, begin, end);
      } else {
        write_rows(tensor, begin, end);
      }
    }
    checkpoint_.release(tensor);
  }

 private:
  void write_vector(const Tensor& tensor, std::uint64_t begin, std::uint64_t end) {
    const std::vector<float> values = checkpoint::read_all(tensor);
    const std::span<const float> part = std::span(values).subspan(begin, end - begin);
    check(tensor, 0, values, values.size());
    emit(tensor, begin, end - begin, part);
    progress_.advance(part.size());
  }

  void write_rows(const Tensor& tensor, std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t width = tensor.row_elements();
    const std::uint64_t chunk = std::max<std::uint64_t>(1, kChunkElements / width);
    for (std::uint64_t row = begin; row < end; row += chunk) {
      const std::uint64_t rows = std::min(chunk, end - row);
      values_.resize(rows * width);
      pool_.for_ranges(rows, 1, [&](std::size_t first, std::size_t last) {
        const std::span<float> part = std::span(values_).subspan(first * width, (last - first) * width);
        checkpoint::read_rows(tensor, row + first, row + last, part);
        check(tensor, row + first, part, width);
      });
      emit(tensor, row * width, rows * width, values_);
      progress_.advance(rows * width);
      if ((row - begin) / chunk % kChunksPerRelease == kChunksPerRelease - 1) checkpoint_.release(tensor);
    }
  }

  static void check(const Tensor& tensor, std::uint64_t first_row, std::span<const float> values, std::uint64_t width) {
    const std::size_t bad = first_not_finite(values);
    if (bad == SIZE_MAX) return;
    throw Error(ErrorCode::kNotFinite, tensor.location + ": tensor '" + tensor.name + "', row " +
                                           std::to_string(first_row + bad / width) + ", column " +
                                           std::to_string(bad % width) + ": expected a finite number, found " +
                                           std::to_string(values[bad]));
  }

  /// Plain types are copied; `values` are the same elements as fp32.
  void emit(const Tensor& tensor, std::uint64_t first, std::uint64_t count, std::span<const float> values) {
    if (stored_type(tensor) == ConstantType::kF32) {
      writer_.add_constant_data(std::as_bytes(values));
      return;
    }
    if (tensor.dtype == Dtype::kBF16 || tensor.dtype == Dtype::kF16) {
      const std::uint64_t bytes = checkpoint::block_bytes(tensor.dtype);
      writer_.add_constant_data(tensor.data.subspan(first * bytes, count * bytes));
      return;
    }
    halves_.resize(count);
    pool_.for_ranges(count, 4096, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) halves_[i] = float_to_half(values[i]);
    });
    const auto infinite =
        std::find_if(halves_.begin(), halves_.end(), [](std::uint16_t half) { return (half & 0x7C00U) == 0x7C00U; });
    if (infinite != halves_.end()) {
      throw Error(ErrorCode::kUnsupported,
                  tensor.location + ": tensor '" + tensor.name +
                      "': expected numbers within the range of fp16, found " +
                      std::to_string(values[static_cast<std::size_t>(infinite - halves_.begin())]));
    }
    writer_.add_constant_data(std::as_bytes(std::span(halves_)));
  }

  const checkpoint::Checkpoint& checkpoint_;
  program::ProgramWriter& writer_;
  ThreadPool& pool_;
  Progress progress_;
  std::vector<float> values_;
  std::vector<std::uint16_t> halves_;
};

}  // namespace

ConstantType constant_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
    case Dtype::kF64:
      return ConstantType::kF32;
    case Dtype::kBF16:
      return ConstantType::kBF16;
    case Dtype::kI8:
    case Dtype::kI16:
    case Dtype::kI32:
    case Dtype::kI64:
      throw Error(
          ErrorCode::kUnsupported,
          std::string("constants: expected floating-point or quantised elements, found ") + checkpoint::name(dtype));
    default:
      return ConstantType::kF16;
  }
}

std::vector<ConstantPlan> plan_constants(const checkpoint::Checkpoint& checkpoint, ir::Graph& graph,
                                         std::span<ir::TensorRef*> extra) {
  std::map<std::string, Intervals> used;       // tensor -> rows
  std::map<std::string, ConstantPlan> pieces;  // parts of vectors, by constant name
  const auto rows_of = [&](const ir::TensorRef& reference) {
    const Tensor& tensor = find_tensor(checkpoint, reference);
    const std::uint64_t rows = is_vector(tensor) ? tensor.row_elements() : tensor.rows();
    const ir::RowRange range = reference.rows(rows);
    if (!reference.all_rows() && (range.begin >= range.end || range.end > rows)) fail_rows(tensor, reference, rows);
    return std::pair{range.begin, range.end};
  };
  const auto collect = [&](ir::TensorRef& reference) {
    const auto rows = rows_of(reference);
    const Tensor& tensor = find_tensor(checkpoint, reference);
    if (is_vector(tensor) && rows.second - rows.first != tensor.row_elements()) {
      const std::string name =
          reference.tensor + "[" + std::to_string(rows.first) + ":" + std::to_string(rows.second) + "]";
      pieces[name] = {name, reference.tensor, {rows}};
    } else {
      used[reference.tensor].push_back(rows);
    }
  };
  for_each_reference(graph, collect);
  for (ir::TensorRef* reference : extra) collect(*reference);

  for (auto& [tensor, intervals] : used) intervals = merged(std::move(intervals));
  const auto rewrite = [&](ir::TensorRef& reference) {
    const auto rows = rows_of(reference);
    const Tensor& tensor = find_tensor(checkpoint, reference);
    if (is_vector(tensor)) {
      if (rows.second - rows.first != tensor.row_elements()) {
        reference.tensor += "[" + std::to_string(rows.first) + ":" + std::to_string(rows.second) + "]";
      }
      reference.row_begin = reference.row_end = 0;
      return;
    }
    if (reference.all_rows()) return;
    const Intervals& intervals = used.at(reference.tensor);
    reference.row_begin = stored_row(intervals, rows.first);
    reference.row_end = reference.row_begin + (rows.second - rows.first);
  };
  for_each_reference(graph, rewrite);
  for (ir::TensorRef* reference : extra) rewrite(*reference);

  std::vector<ConstantPlan> plans;
  for (const auto& [tensor, intervals] : used) plans.push_back({tensor, tensor, intervals});
  for (const auto& [name, piece] : pieces) plans.push_back(piece);
  return plans;
}

void write_constants(const checkpoint::Checkpoint& checkpoint, std::span<const ConstantPlan> constants,
                     program::ProgramWriter& writer, ThreadPool& pool) {
  std::uint64_t elements = 0;
  for (const ConstantPlan& constant : constants) {
    const Tensor& tensor = find_tensor(checkpoint, {constant.tensor, 0, 0});
    for (const auto& [begin, end] : constant.rows)
      elements += (end - begin) * (is_vector(tensor) ? 1 : tensor.row_elements());
  }
  Streamer streamer(checkpoint, writer, pool, elements);
  for (const ConstantPlan& constant : constants) streamer.write(constant);
}

}  // namespace xw::compiler
