// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/codegen.hpp"

#include <algorithm>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "compiler/codegen/emit.hpp"
#include "compiler/codegen/layout.hpp"
#include "compiler/codegen/partition.hpp"
#include "compiler/codegen/schedule.hpp"
#include "compiler/program/check.hpp"
#include "compiler/program/outputs.hpp"

namespace xw::codegen {
namespace {

void check_input(const Input& input, const arch::EmulatorDescription& emulator) {
  const auto require = [](bool condition, const std::string& what) {
    if (!condition) throw Error(ErrorCode::kInvalidArgument, "code generation: " + what);
  };
  require(emulator.num_engines >= 1 && emulator.num_engines <= arch::kMaxEngines,
          "emulator " + emulator.name + " has an impossible number of engines");
  require(emulator.contexts >= 2 && emulator.lanes >= 1,
          "emulator " + emulator.name + " needs two contexts and a lane");
  require(input.calls.size() == input.call_names.size(), "every call needs a name");
  const auto by_matrix = [](const program::BlockRecord& a, const program::BlockRecord& b) {
    return a.matrix < b.matrix;
  };
  require(std::is_sorted(input.blocks.begin(), input.blocks.end(), by_matrix), "blocks are not sorted by matrix");
  for (std::size_t call = 0; call < input.calls.size(); ++call) {
    require(!input.calls[call].empty(), "call " + input.call_names[call] + " has no matrix");
    for (const std::uint32_t matrix : input.calls[call]) {
      require(matrix < input.matrices.size(), "call " + input.call_names[call] + " names a matrix that does not exist");
    }
  }
}

/// The better of whole groups per engine and groups divided between engines.
Partition best_partition(const Layout& layout, const arch::EmulatorDescription& emulator) {
  Partition whole = make_partition(make_units(layout, emulator), emulator.num_engines, false);
  Partition split = make_partition(whole.units, emulator.num_engines, true);
  return split.max_cost < whole.max_cost ? split : whole;
}

std::vector<program::OutputSegment> output_segments(const Layout& layout) {
  std::vector<program::OutputSegment> segments;
  for (const Panel& panel : layout.panels) {
    const bool continues = !segments.empty() && segments.back().matrix == panel.matrix &&
                           segments.back().out_begin + segments.back().length == panel.out_begin &&
                           segments.back().y_word + segments.back().length == panel.y_word;
    if (continues) {
      segments.back().length += panel.cols;
    } else {
      segments.push_back({panel.matrix, panel.out_begin, panel.y_word, panel.cols});
    }
  }
  return segments;
}

void prove(const program::CallInfo& call, const Input& input, const Output& output, std::size_t first_image,
           const arch::EmulatorDescription& emulator) {
  program::CallMemory memory = {call.x_stride_bytes, call.y_stride_bytes, output.engine_image_bytes, {}};
  std::vector<std::uint32_t> images_of_call;
  for (std::size_t i = first_image; i < output.images.size(); ++i) {
    const program::ImageRecord& image = output.images[i];
    memory.images.push_back({image.engine, image.image_offset, input.blocks[image.block].rows, image.cols});
    images_of_call.push_back(static_cast<std::uint32_t>(i));
  }
  auto violations = program::check_call(output.code, call.entry, emulator, memory);
  if (violations.empty()) {
    violations = program::check_outputs(output.code, emulator,
                                        {call, input.matrices, input.blocks, output.images, images_of_call});
  }
  if (violations.empty()) return;
  const program::Violation& first = violations.front();
  throw Error(ErrorCode::kInternal, "call " + call.name + ": generated code is wrong at instruction " +
                                        std::to_string(first.instruction) + " (" +
                                        program::to_text(program::decode(output.code[first.instruction]).instruction) +
                                        "): " + first.what);
}

}  // namespace

Output generate(const Input& input, const arch::EmulatorDescription& emulator) {
  check_input(input, emulator);
  Output output;
  output.engine_image_bytes.assign(emulator.num_engines, 0);
  for (std::uint32_t index = 0; index < input.calls.size(); ++index) {
    const Layout layout = make_layout(input, index, emulator);
    const Schedule schedule = make_schedule(layout, best_partition(layout, emulator), emulator);
    program::CallInfo call;
    call.name = input.call_names[index];
    call.entry = static_cast<std::uint32_t>(output.code.size());
    call.in_features = layout.in_features;
    call.x_stride_bytes = align_up(layout.in_features, arch::kMemoryAlignment);
    call.y_stride_bytes = layout.y_words * 4;
    call.matrices = input.calls[index];
    call.outputs = output_segments(layout);
    const std::size_t first_image = output.images.size();
    emit_call(layout, schedule, input, index, emulator, output);
    call.num_instructions = static_cast<std::uint32_t>(output.code.size()) - call.entry;
    prove(call, input, output, first_image, emulator);
    output.calls.push_back(std::move(call));
  }
  return output;
}

}  // namespace xw::codegen
