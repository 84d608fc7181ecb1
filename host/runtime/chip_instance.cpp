// A chip instance: one program, programmed with one seed and noise model, loaded on one device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/chip_instance.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>

#include "arch/description/description.hpp"
#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/progress.hpp"
#include "compiler/program/call_copies.hpp"
#include "compiler/program/program_check.hpp"
#include "host/runtime/calibration.hpp"
#include "host/runtime/call_conversion.hpp"
#include "host/runtime/converters.hpp"
#include "host/runtime/device_buffer.hpp"
#include "host/runtime/device_program.hpp"
#include "host/runtime/image_builder.hpp"
#include "host/runtime/program_fit.hpp"
#include "host/runtime/vector_shares.hpp"
#include "host/runtime/write_counts.hpp"
#include "models/analog/numerics.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/compensation.hpp"
#include "models/cells/faults.hpp"
#include "models/cells/programming.hpp"

namespace xw::runtime {
namespace {

using Clock = std::chrono::steady_clock;

[[nodiscard]] double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a chip cannot have whose tiles are written anew all the time: `what` is the option as users know it.
void refuse_for_rounds(const program::Program& program, bool is_asked_for, const char* what, const char* reason) {
  if (!program.manifest().rounds.any() || !is_asked_for) return;
  throw Error(ErrorCode::kUnsupported, program.path() +
                                           ": its tiles are written anew between calls (compiled with "
                                           "--reload), which goes without " +
                                           what + ": " + reason);
}

void refuse_age(const program::Program& program, double seconds) {
  refuse_for_rounds(program, seconds > 0, "a time since programming", "cells that have just been written are not old");
}

/// Throws Error{kUnsupported} naming what the program goes without.
void check_rounds(const program::Program& program, const ChipOptions& options) {
  refuse_age(program, options.seconds);
  refuse_for_rounds(program, cells::parse_compensation(options.compensation).kind != cells::CompensationKind::kNone,
                    "compensation", "factors of converters belong to what is in the tiles");
  refuse_for_rounds(program, cells::Faults(cells::parse_faults(options.faults), options.chip_seed).any(), "faults",
                    "a broken cell is under the weights of every round");
}

/// `program`: its path, for messages.
[[nodiscard]] ChipOptions resolve(ChipOptions options, const arch::ChipDescription& chip, const std::string& program) {
  if (options.noise.empty()) {
    if (const std::string file = cells::noise_file(chip.noise); !file.empty()) {
      throw Error(ErrorCode::kFormat, program + ": its cells are a table in the file '" + file +
                                          "', which is not part of the program and may have changed; compile it again, "
                                          "or name the noise when it is run");
    }
    options.noise = chip.noise;
  }
  options.noise = cells::parse_noise(options.noise).text();
  if (options.read_sigma < 0) options.read_sigma = static_cast<double>(chip.read_sigma);
  const cells::Compensation compensation = cells::parse_compensation(options.compensation);
  options.compensation = compensation.text();
  options.adc_mismatch = cells::parse_converter_spread(options.adc_mismatch.text());
  if (!(options.recalibrate >= 0) || options.recalibrate > 1e10) {
    throw Error(ErrorCode::kInvalidArgument,
                "time between calibrations: expected 0..1e10 seconds, found " + std::to_string(options.recalibrate));
  }
  if (options.recalibrate > 0 && compensation.kind == cells::CompensationKind::kNone) {
    throw Error(ErrorCode::kInvalidArgument, "recalibration: there is no compensation to recalibrate");
  }
  return options;
}

}  // namespace

struct ChipInstance::Impl {
  Impl(std::shared_ptr<const program::Program> the_program, device::Device& the_device, const ChipOptions& requested,
       ThreadPool& the_pool)
      : program(std::move(the_program)),
        device(the_device),
        pool(the_pool),
        chip(arch::parse_chip(program->manifest().chip_toml, program->path() + ": chip description")),
        options(resolve(requested, chip, program->path())),
        stats(program->manifest().calls.size()),
        copies(program::call_copies(program->manifest())) {
    const auto start = Clock::now();
    check_device(*program, device.info());
    program::check_program(*program, device.info().emulator);
    for (std::uint32_t call = 0; call < stats.size(); ++call) conversions.emplace_back(*program, call, chip.dac_max());
    arguments.chip_seed = options.chip_seed;
    check_rounds(*program, options);
    const cells::Compensation compensation = cells::parse_compensation(options.compensation);
    if (compensation.kind != cells::CompensationKind::kNone) {
      if (!device.info().values) {
        throw Error(ErrorCode::kInvalidArgument,
                    device.info().name + ": simulates time only; compensation needs values");
      }
      calibration = std::make_unique<Calibration>(program, device, compensation, chip);
    }
    faults = cells::Faults(cells::parse_faults(options.faults), options.chip_seed);
    placement = Placement(*program, chip.cols, faults, parse_spares(options.spares));
    allocate();
    load_code();
    writes = WriteCounts(*program, placement);
    const std::unique_ptr<cells::ProgrammingModel> last =
        model_at(options.seconds);  // an impossible time costs nothing
    converters.mismatch = converter_mismatch(*program, placement, options.chip_seed, options.adc_mismatch.gain);
    converters.offsets = converter_offsets(*program, placement, options.chip_seed, options.adc_mismatch.offset);
    if (calibration == nullptr) {
      write_images(*last, "program");
      set_converters();
    } else {
      calibration->set_arguments(arguments);
      write_images(*model_at(0), "program");
      set_converters();
      if (options.adc_mismatch.offset > 0) {
        calibration->measure_offsets();
        converters.corrections = calibration->corrections();
        set_converters();
      }
      if (compensation.exact) {
        const cells::ProgrammingOptions ideal{.noise = "ideal", .chip_seed = 0, .g_unit = chip.g_unit, .seconds = 0};
        calibration->compute_reference(*cells::make_programming_model(ideal), pool);
      } else {
        calibration->measure_reference();
      }
      if (options.seconds > 0 || compensation.exact) age(options.seconds);
    }
    programming_seconds = seconds_since(start);
  }

  void allocate();
  void load_code();
  /// The cells of this chip at a time since programming.
  [[nodiscard]] std::unique_ptr<cells::ProgrammingModel> model_at(double seconds) const;
  /// Builds all images in parallel; `title` of the progress line.
  void write_images(const cells::ProgrammingModel& model, const char* title);
  void age(double seconds);
  /// Converters of the images that have just been built: how they differ, and what calibrations have found.
  void set_converters();
  /// Builds one image in device memory.
  void place_image(const program::ImageRecord& record, const ImageSettings& settings, std::vector<std::byte>& staging,
                   std::mutex& device_mutex);
  /// Codes are in x memory: runs them, at most max_batch, in one of the copies of the call, and counts.
  void run(std::uint32_t call, std::uint32_t copy, std::uint32_t num_vectors, std::uint32_t vector_base);
  /// Codes of vectors to words, at most most_vectors(), of a call with several copies: each takes its share of them.
  void run_copies(std::uint32_t call, std::uint32_t num_vectors, std::uint32_t vector_base,
                  std::span<const std::int8_t> codes, std::span<std::int32_t> words);
  /// Vectors of the call that one run of every copy does.
  [[nodiscard]] std::uint32_t most_vectors(std::uint32_t call) const {
    return max_batch() * static_cast<std::uint32_t>(copies[call].size());
  }
  /// x memory for building codes in place, or `staging`.
  [[nodiscard]] std::int8_t* codes_memory(std::size_t bytes);
  void codes_written(const std::int8_t* codes, std::size_t bytes);
  /// Y words of the last run.
  [[nodiscard]] const std::int32_t* result_words(std::size_t bytes);
  [[nodiscard]] std::uint32_t max_batch() const { return device.info().emulator.max_batch; }

  std::shared_ptr<const program::Program> program;
  device::Device& device;
  ThreadPool& pool;
  arch::ChipDescription chip;
  ChipOptions options;
  std::vector<CallConversion> conversions;
  std::vector<DeviceBuffer> image_buffers;
  DeviceBuffer code_buffer, x_buffer;
  DeviceBuffer result_buffer;  ///< completion record, then Y: a device over a bus fetches both at once
  device::RunArguments arguments;
  std::vector<std::int8_t> x_staging;
  std::vector<std::int32_t> y_staging;
  std::vector<CallStats> stats;
  std::vector<std::vector<std::uint32_t>> copies;  ///< by call: itself, and the calls that are copies of it
  double programming_seconds = 0;
  std::unique_ptr<Calibration> calibration;  ///< null without compensation
  cells::Faults faults{{}, 0};
  Placement placement;
  ConverterState converters;
  WriteCounts writes;
};

void ChipInstance::Impl::allocate() {
  const program::Manifest& manifest = program->manifest();
  std::uint64_t x_stride = arch::kMemoryAlignment;
  std::uint64_t y_stride = arch::kMemoryAlignment;
  for (const program::CallInfo& call : manifest.calls) {
    x_stride = std::max<std::uint64_t>(x_stride, call.x_stride_bytes);
    y_stride = std::max<std::uint64_t>(y_stride, call.y_stride_bytes);
  }
  for (std::uint32_t engine = 0; engine < manifest.engine_image_bytes.size(); ++engine) {
    if (manifest.engine_image_bytes[engine] == 0) continue;
    image_buffers.emplace_back(device, manifest.engine_image_bytes[engine],
                               device::MemoryPort{static_cast<int>(engine)});
    arguments.image_base[engine] = image_buffers.back().address();
  }
  const device::MemoryPort common;
  const std::size_t calibration_bytes =
      calibration == nullptr ? 0 : calibration->code().size() * sizeof(program::EncodedInstruction);
  code_buffer =
      DeviceBuffer(device, arch::kProgramHeaderBytes + program->code().size_bytes() + calibration_bytes, common);
  x_buffer = DeviceBuffer(device, x_stride * max_batch(), common);
  static_assert(arch::kCompletionBytes % arch::kMemoryAlignment == 0);
  result_buffer = DeviceBuffer(device, arch::kCompletionBytes + y_stride * max_batch(), common);
  arguments.program_base = code_buffer.address();
  arguments.x_base = x_buffer.address();
  arguments.completion_base = result_buffer.address();
  arguments.y_base = arguments.completion_base + arch::kCompletionBytes;
}

void ChipInstance::Impl::load_code() {
  std::vector<program::EncodedInstruction> code(program->code().begin(), program->code().end());
  if (calibration != nullptr) code.insert(code.end(), calibration->code().begin(), calibration->code().end());
  const std::vector<std::byte> bytes = device_program(code);
  device.write(code_buffer.address(), bytes);
}

std::unique_ptr<cells::ProgrammingModel> ChipInstance::Impl::model_at(double seconds) const {
  cells::ProgrammingOptions programming;
  programming.noise = options.noise;
  programming.chip_seed = options.chip_seed;
  programming.g_unit = chip.g_unit;
  programming.seconds = seconds;
  return cells::make_programming_model(programming);
}

void ChipInstance::Impl::age(double seconds) {
  refuse_age(*program, seconds);
  const auto start = Clock::now();
  const std::unique_ptr<cells::ProgrammingModel> model = model_at(seconds);
  options.seconds = seconds;
  bool is_written = false;
  if (calibration != nullptr) {
    calibration->forget();
    const double interval = options.recalibrate;
    const double last = interval > 0 ? std::floor(seconds / interval) * interval : seconds;
    if (last > 0 || cells::parse_compensation(options.compensation).exact) {  // else it is before the first one
      is_written = last == seconds;
      write_images(is_written ? *model : *model_at(last), "age");
      set_converters();
      calibration->measure(last);
    }
  }
  if (!is_written) write_images(*model, "age");
  set_converters();
  programming_seconds += seconds_since(start);
}

void ChipInstance::Impl::set_converters() {
  converters.compensation = calibration == nullptr ? BlockFactors() : calibration->factors();
  if (converters.mismatch.empty() && converters.compensation.empty() && converters.offsets.empty()) return;
  const std::uint64_t limited = write_converters(*program, device, arguments, converters);
  if (calibration != nullptr) calibration->count_limited(limited);
}

void ChipInstance::Impl::write_images(const cells::ProgrammingModel& model, const char* title) {
  ImageSettings settings;
  settings.model = &model;
  settings.g_unit = chip.g_unit;
  if (faults.any()) {
    settings.faults = &faults;
    settings.placement = &placement;
  }
  settings.lanes = device.info().emulator.lanes;
  // Sigma in units of s: a full-scale input times a full-scale weight is dac_max * g_unit.
  settings.read_sigma_q = analog::quantize_read_sigma(options.read_sigma * chip.dac_max() * chip.g_unit);

  // Images by block, so that the targets of a block are checked once and read while they are in the cache.
  const std::span<const program::ImageRecord> images = program->images();
  std::vector<std::vector<std::uint32_t>> images_of(program->blocks().size());
  std::uint64_t weights = 0;
  for (std::uint32_t i = 0; i < images.size(); ++i) {
    images_of[images[i].block].push_back(i);
    weights += std::uint64_t{program->blocks()[images[i].block].rows} * images[i].cols;
  }
  Progress progress(title, weights, "weights");
  std::mutex device_mutex;
  pool.for_each(images_of.size(), [&](std::size_t block) {
    if (images_of[block].empty()) return;
    program->check_targets(static_cast<std::uint32_t>(block));
    std::vector<std::byte> staging;
    for (const std::uint32_t i : images_of[block]) {
      place_image(images[i], settings, staging, device_mutex);
      progress.advance(std::uint64_t{program->blocks()[block].rows} * images[i].cols);
    }
  });
}

void ChipInstance::Impl::place_image(const program::ImageRecord& record, const ImageSettings& settings,
                                     std::vector<std::byte>& staging, std::mutex& device_mutex) {
  const device::Address address =
      arguments.image_base[record.engine] + std::uint64_t{record.image_offset} * arch::kMemoryAlignment;
  const std::uint64_t bytes = std::uint64_t{record.image_length} * arch::kMemoryAlignment;
  std::span<std::byte> image;
  {
    const std::lock_guard lock(device_mutex);
    image = device.host_view(address, bytes);
  }
  const bool in_place = !image.empty();
  if (!in_place) {
    staging.resize(static_cast<std::size_t>(bytes));
    image = staging;
  }
  build_image(*program, record, settings, image);
  const std::lock_guard lock(device_mutex);
  if (in_place) {
    device.written(address, bytes);
  } else {
    device.write(address, staging);
  }
}

void ChipInstance::Impl::run(std::uint32_t call, std::uint32_t copy, std::uint32_t num_vectors,
                             std::uint32_t vector_base) {
  arguments.entry = program->manifest().calls[copies[call][copy]].entry;
  arguments.num_vectors = num_vectors;
  arguments.vector_base = vector_base;
  writes.enter(call);
  const auto start = Clock::now();
  const device::RunStats run = device.run(arguments);
  CallStats& total = stats[call];
  total.device_seconds += seconds_since(start);
  total.runs += 1;
  total.vectors += num_vectors;
  total.device += run;
  if (!options.checksum_y) return;
  // Words that are no outputs do not count: what stands there is of other calls.
  const program::CallInfo& info = program->manifest().calls[call];
  const std::size_t y_words = info.y_stride_bytes / 4;
  const std::int32_t* words = result_words(std::size_t{num_vectors} * info.y_stride_bytes);
  for (std::uint32_t v = 0; v < num_vectors; ++v) {
    for (const program::OutputSegment& segment : info.outputs) {
      total.y_crc32 =
          crc32(std::as_bytes(std::span(words + v * y_words + segment.y_word, segment.length)), total.y_crc32);
    }
  }
}

void ChipInstance::Impl::run_copies(std::uint32_t call, std::uint32_t num_vectors, std::uint32_t vector_base,
                                    std::span<const std::int8_t> codes, std::span<std::int32_t> words) {
  const program::CallInfo& info = program->manifest().calls[call];
  const std::size_t x_stride = info.x_stride_bytes, y_words = info.y_stride_bytes / 4;
  const auto number = static_cast<std::uint32_t>(copies[call].size());
  const std::vector<VectorShare> shares = share_vectors(number, num_vectors, vector_base);
  for (std::uint32_t copy = 0; copy < number; ++copy) {
    const std::vector<std::uint32_t>& vectors = shares[copy].vectors;
    if (vectors.empty()) continue;
    std::int8_t* memory = codes_memory(vectors.size() * x_stride);
    for (std::size_t v = 0; v < vectors.size(); ++v)
      std::memcpy(memory + v * x_stride, codes.data() + vectors[v] * x_stride, x_stride);
    codes_written(memory, vectors.size() * x_stride);
    run(call, copy, static_cast<std::uint32_t>(vectors.size()), shares[copy].vector_base);
    const std::int32_t* found = result_words(vectors.size() * info.y_stride_bytes);
    for (std::size_t v = 0; v < vectors.size(); ++v)
      std::copy_n(found + v * y_words, y_words, words.data() + vectors[v] * y_words);
  }
}

std::int8_t* ChipInstance::Impl::codes_memory(std::size_t bytes) {
  const std::span<std::byte> view = device.host_view(x_buffer.address(), bytes);
  if (!view.empty()) return reinterpret_cast<std::int8_t*>(view.data());
  x_staging.resize(bytes);
  return x_staging.data();
}

void ChipInstance::Impl::codes_written(const std::int8_t* codes, std::size_t bytes) {
  if (codes == x_staging.data()) {
    device.write(x_buffer.address(), std::as_bytes(std::span(codes, bytes)));
  } else {
    device.written(x_buffer.address(), bytes);
  }
}

const std::int32_t* ChipInstance::Impl::result_words(std::size_t bytes) {
  const std::span<std::byte> view = device.host_view(arguments.y_base, bytes);
  if (!view.empty()) return reinterpret_cast<const std::int32_t*>(view.data());
  y_staging.resize(bytes / 4);
  device.read(arguments.y_base, std::as_writable_bytes(std::span(y_staging)));
  return y_staging.data();
}

ChipInstance::ChipInstance(std::shared_ptr<const program::Program> program, device::Device& device,
                           const ChipOptions& options, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(std::move(program), device, options, pool)) {}
ChipInstance::~ChipInstance() = default;

const program::Program& ChipInstance::program() const {
  return *impl_->program;
}
device::Device& ChipInstance::device() {
  return impl_->device;
}
const device::Device& ChipInstance::device() const {
  return impl_->device;
}
const ChipOptions& ChipInstance::options() const {
  return impl_->options;
}
const std::vector<CallStats>& ChipInstance::stats() const {
  return impl_->stats;
}
void ChipInstance::reset_stats() {
  std::fill(impl_->stats.begin(), impl_->stats.end(), CallStats{});
}
void ChipInstance::age(double seconds) {
  impl_->age(seconds);
}
const FaultReport* ChipInstance::faults() const {
  return impl_->faults.any() ? &impl_->placement.report() : nullptr;
}
const std::map<std::uint32_t, std::uint64_t>& ChipInstance::cell_writes() const {
  return impl_->writes.cells();
}
const std::map<std::uint32_t, std::uint64_t>& ChipInstance::tile_writes() const {
  return impl_->writes.tiles();
}
const CalibrationStats* ChipInstance::calibration() const {
  return impl_->calibration == nullptr ? nullptr : &impl_->calibration->stats();
}
bool ChipInstance::drifts() const {
  return cells::parse_noise(impl_->options.noise).model->drifts;
}
double ChipInstance::programming_seconds() const {
  return impl_->programming_seconds;
}

void ChipInstance::run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                            std::uint32_t vector_base, std::span<const std::span<float>> outputs) {
  Impl& impl = *impl_;
  if (call >= impl.conversions.size()) {
    throw Error(ErrorCode::kInvalidArgument, impl.program->path() + ": no call " + std::to_string(call));
  }
  const CallConversion& conversion = impl.conversions[call];
  conversion.check_shapes(x, num_vectors, outputs);
  const program::CallInfo& info = conversion.call();
  if (impl.copies[call].size() > 1) {
    for (std::uint32_t first = 0; first < num_vectors; first += impl.most_vectors(call)) {
      const std::uint32_t count = std::min(impl.most_vectors(call), num_vectors - first);
      std::vector<std::int8_t> codes(std::size_t{count} * info.x_stride_bytes);
      std::vector<std::int32_t> words(std::size_t{count} * info.y_stride_bytes / 4);
      conversion.to_codes(x.subspan(std::size_t{first} * info.in_features, std::size_t{count} * info.in_features),
                          count, codes.data(), info.x_stride_bytes, first, impl.pool);
      impl.run_copies(call, count, vector_base + first, codes, words);
      conversion.to_reals(words.data(), info.y_stride_bytes / 4, count, first, outputs, impl.pool);
    }
    return;
  }
  for (std::uint32_t first = 0; first < num_vectors; first += impl.max_batch()) {
    const std::uint32_t count = std::min(impl.max_batch(), num_vectors - first);
    const std::size_t x_bytes = std::size_t{count} * info.x_stride_bytes;
    std::int8_t* codes = impl.codes_memory(x_bytes);
    conversion.to_codes(x.subspan(std::size_t{first} * info.in_features, std::size_t{count} * info.in_features), count,
                        codes, info.x_stride_bytes, first, impl.pool);
    impl.codes_written(codes, x_bytes);
    impl.run(call, 0, count, vector_base + first);
    const std::int32_t* words = impl.result_words(std::size_t{count} * info.y_stride_bytes);
    conversion.to_reals(words, info.y_stride_bytes / 4, count, first, outputs, impl.pool);
  }
}

std::vector<std::int32_t> ChipInstance::run_codes(std::uint32_t call, std::span<const std::int8_t> codes,
                                                  std::uint32_t num_vectors, std::uint32_t vector_base) {
  Impl& impl = *impl_;
  if (call >= impl.conversions.size()) {
    throw Error(ErrorCode::kInvalidArgument, impl.program->path() + ": no call " + std::to_string(call));
  }
  const program::CallInfo& info = impl.conversions[call].call();
  if (codes.size() != std::size_t{num_vectors} * info.in_features) {
    throw Error(ErrorCode::kShapeMismatch, "call \"" + info.name + "\": expected " +
                                               std::to_string(std::size_t{num_vectors} * info.in_features) +
                                               " codes, found " + std::to_string(codes.size()));
  }
  const std::size_t y_words = info.y_stride_bytes / 4;
  std::vector<std::int32_t> result(num_vectors * y_words);
  for (std::uint32_t first = 0; first < num_vectors; first += impl.most_vectors(call)) {
    const std::uint32_t count = std::min(impl.most_vectors(call), num_vectors - first);
    std::vector<std::int8_t> rows(std::size_t{count} * info.x_stride_bytes, 0);
    for (std::uint32_t v = 0; v < count; ++v) {
      std::memcpy(rows.data() + std::size_t{v} * info.x_stride_bytes,
                  codes.data() + (std::size_t{first} + v) * info.in_features, info.in_features);
    }
    std::vector<std::int32_t> words(std::size_t{count} * y_words);
    impl.run_copies(call, count, vector_base + first, rows, words);
    // Words that are no outputs stay 0: what stands there in memory is of other calls.
    for (std::uint32_t v = 0; v < count; ++v) {
      for (const program::OutputSegment& segment : info.outputs) {
        std::copy_n(words.data() + v * y_words + segment.y_word, segment.length,
                    result.data() + (first + v) * y_words + segment.y_word);
      }
    }
  }
  return result;
}

}  // namespace xw::runtime
