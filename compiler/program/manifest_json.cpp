// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/manifest_json.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "arch/support/json_text.hpp"
#include "compiler/program/container.hpp"

namespace xw::program {
namespace {

using Json = nlohmann::ordered_json;

double finite(float value, const char* what) {
  if (!std::isfinite(value))
    throw Error(ErrorCode::kInvalidArgument, std::string("manifest: ") + what + " is not finite");
  return value;
}

Json parse_json(std::span<const std::byte> text, const std::string& origin, const std::string& section) {
  try {
    const auto* begin = reinterpret_cast<const char*>(text.data());
    Json json = Json::parse(begin, begin + text.size());
    return json;
  } catch (const Json::exception& error) {
    throw_format(origin, "section " + section, error.what());
  }
}

/// A JSON value with the path that leads to it; every access is checked.
class Reader {
 public:
  Reader(const Json& json, const std::string& origin, std::string place)
      : json_(json), origin_(origin), place_(std::move(place)) {}

  [[nodiscard]] Reader at(const char* key) const {
    if (!json_.is_object()) fail("expected an object");
    const auto it = json_.find(key);
    if (it == json_.end()) fail(std::string("key \"") + key + "\" is missing");
    return {*it, origin_, place_ + "." + key};
  }

  template <typename Visit>
  void for_each(Visit&& visit) const {
    if (!json_.is_array()) fail("expected an array");
    std::size_t index = 0;
    for (const Json& item : json_) {
      visit(Reader(item, origin_, place_ + "[" + std::to_string(index) + "]"));
      ++index;
    }
  }

  [[nodiscard]] bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

  [[nodiscard]] std::string text() const {
    if (!json_.is_string()) fail("expected a string");
    return json_.get<std::string>();
  }

  [[nodiscard]] bool boolean() const {
    if (!json_.is_boolean()) fail("expected true or false");
    return json_.get<bool>();
  }

  [[nodiscard]] std::uint64_t unsigned64() const {
    if (!json_.is_number_unsigned()) fail("expected an unsigned integer");
    return json_.get<std::uint64_t>();
  }

  [[nodiscard]] std::uint32_t unsigned32() const {
    const std::uint64_t value = unsigned64();
    if (value > std::numeric_limits<std::uint32_t>::max())
      fail("expected less than 2^32, found " + std::to_string(value));
    return static_cast<std::uint32_t>(value);
  }

  [[nodiscard]] float number() const {
    if (!json_.is_number()) fail("expected a number");
    const double value = json_.get<double>();
    if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max())))
      fail("expected a finite fp32 number");
    return static_cast<float>(value);
  }

  [[noreturn]] void fail(const std::string& what) const { throw_format(origin_, place_, what); }

 private:
  const Json& json_;
  const std::string& origin_;
  std::string place_;
};

Json matrix_to_json(const MatrixInfo& matrix) {
  Json ranges = Json::array();
  for (const InputRange& range : matrix.input_ranges) {
    ranges.push_back({{"begin", range.begin}, {"end", range.end}, {"beta", finite(range.beta, "beta")}});
  }
  Json json = {{"name", matrix.name},
               {"layer", matrix.layer},
               {"in_features", matrix.in_features},
               {"out_features", matrix.out_features},
               {"call", matrix.call},
               {"lambda", finite(matrix.lambda, "lambda")},
               {"bias", matrix.bias},
               {"input_ranges", std::move(ranges)}};
  // A reader that knows only one unit per matrix refuses a matrix that has none.
  if (matrix.units.empty()) {
    json["unit"] = finite(matrix.unit, "unit");
  } else {
    json["units"] = matrix.units;
  }
  if (matrix.replicas != 1) json["replicas"] = matrix.replicas;
  return json;
}

MatrixInfo matrix_from_json(const Reader& reader) {
  MatrixInfo matrix;
  matrix.name = reader.at("name").text();
  matrix.layer = reader.at("layer").unsigned32();
  matrix.in_features = reader.at("in_features").unsigned32();
  matrix.out_features = reader.at("out_features").unsigned32();
  matrix.call = reader.at("call").unsigned32();
  matrix.lambda = reader.at("lambda").number();
  if (reader.has("units")) {
    matrix.units = reader.at("units").text();
    if (matrix.units.empty()) reader.at("units").fail("expected the name of a constant");
  } else {
    matrix.unit = reader.at("unit").number();
  }
  if (reader.has("replicas")) matrix.replicas = reader.at("replicas").unsigned32();
  matrix.bias = reader.at("bias").text();
  reader.at("input_ranges").for_each([&matrix](const Reader& range) {
    matrix.input_ranges.push_back(
        {range.at("begin").unsigned32(), range.at("end").unsigned32(), range.at("beta").number()});
  });
  return matrix;
}

Json call_to_json(const CallInfo& call) {
  Json outputs = Json::array();
  for (const OutputSegment& segment : call.outputs) {
    outputs.push_back({{"matrix", segment.matrix},
                       {"out_begin", segment.out_begin},
                       {"y_word", segment.y_word},
                       {"length", segment.length}});
  }
  Json json = {{"name", call.name},
               {"entry", call.entry},
               {"num_instructions", call.num_instructions},
               {"in_features", call.in_features},
               {"x_stride_bytes", call.x_stride_bytes},
               {"y_stride_bytes", call.y_stride_bytes},
               {"matrices", call.matrices},
               {"outputs", std::move(outputs)}};
  if (call.copy_of) json["copy_of"] = *call.copy_of;
  return json;
}

CallInfo call_from_json(const Reader& reader) {
  CallInfo call;
  call.name = reader.at("name").text();
  call.entry = reader.at("entry").unsigned32();
  call.num_instructions = reader.at("num_instructions").unsigned32();
  call.in_features = reader.at("in_features").unsigned32();
  call.x_stride_bytes = reader.at("x_stride_bytes").unsigned32();
  call.y_stride_bytes = reader.at("y_stride_bytes").unsigned32();
  reader.at("matrices").for_each([&call](const Reader& matrix) { call.matrices.push_back(matrix.unsigned32()); });
  reader.at("outputs").for_each([&call](const Reader& segment) {
    call.outputs.push_back({segment.at("matrix").unsigned32(), segment.at("out_begin").unsigned32(),
                            segment.at("y_word").unsigned32(), segment.at("length").unsigned32()});
  });
  if (reader.has("copy_of")) call.copy_of = reader.at("copy_of").unsigned32();
  return call;
}

constexpr std::array<const char*, 3> kConstantTypes = {"f32", "f16", "bf16"};

}  // namespace

std::string manifest_to_json(const Manifest& manifest) {
  Json matrices = Json::array();
  for (const MatrixInfo& matrix : manifest.matrices) matrices.push_back(matrix_to_json(matrix));
  Json calls = Json::array();
  for (const CallInfo& call : manifest.calls) calls.push_back(call_to_json(call));
  Json json = {{"model_name", manifest.model_name},
               {"model_format", manifest.model_format},
               {"source_path_name", manifest.source_path_name},
               {"tool_version", manifest.tool_version},
               {"chip_toml", manifest.chip_toml},
               {"emulator_toml", manifest.emulator_toml},
               {"weight_mode", name(manifest.weight_mode)},
               {"lm_head_analog", manifest.lm_head_analog},
               {"calibration", manifest.calibration},
               {"num_tiles", manifest.num_tiles},
               {"tiles_lower_bound", manifest.tiles_lower_bound},
               {"lower_bound_reason", manifest.lower_bound_reason},
               {"engine_image_bytes", manifest.engine_image_bytes},
               {"matrices", std::move(matrices)},
               {"calls", std::move(calls)}};
  if (manifest.tiles_per_chip != 0) json["tiles_per_chip"] = manifest.tiles_per_chip;
  if (manifest.rounds.any()) {
    json["tiles_per_round"] = manifest.rounds.tiles_per_round;
    json["areas"] = manifest.rounds.areas;
  }
  return json_text(json, 1);
}

Manifest manifest_from_json(std::span<const std::byte> text, const std::string& origin) {
  const Json json = parse_json(text, origin, "manifest");
  const Reader reader(json, origin, "manifest");
  Manifest manifest;
  manifest.model_name = reader.at("model_name").text();
  manifest.model_format = reader.at("model_format").text();
  manifest.source_path_name = reader.at("source_path_name").text();
  manifest.tool_version = reader.at("tool_version").text();
  manifest.chip_toml = reader.at("chip_toml").text();
  manifest.emulator_toml = reader.at("emulator_toml").text();
  try {
    manifest.weight_mode = weight_mode_from(reader.at("weight_mode").text());
  } catch (const Error& error) {
    reader.at("weight_mode").fail(error.what());
  }
  manifest.lm_head_analog = reader.at("lm_head_analog").boolean();
  manifest.calibration = reader.at("calibration").text();
  manifest.num_tiles = reader.at("num_tiles").unsigned32();
  if (reader.has("tiles_per_chip")) manifest.tiles_per_chip = reader.at("tiles_per_chip").unsigned32();
  if (reader.has("tiles_per_round") || reader.has("areas")) {
    manifest.rounds = {reader.at("tiles_per_round").unsigned32(), reader.at("areas").unsigned32()};
    if (!manifest.rounds.any()) reader.at("tiles_per_round").fail("expected at least 1, found 0");
  }
  manifest.tiles_lower_bound = reader.at("tiles_lower_bound").unsigned32();
  manifest.lower_bound_reason = reader.at("lower_bound_reason").text();
  reader.at("engine_image_bytes").for_each([&](const Reader& bytes) {
    manifest.engine_image_bytes.push_back(bytes.unsigned64());
  });
  reader.at("matrices").for_each([&](const Reader& matrix) { manifest.matrices.push_back(matrix_from_json(matrix)); });
  reader.at("calls").for_each([&](const Reader& call) { manifest.calls.push_back(call_from_json(call)); });
  return manifest;
}

std::string constants_to_json(std::span<const ConstantEntry> constants) {
  Json list = Json::array();
  for (const ConstantEntry& constant : constants) {
    list.push_back({{"name", constant.name},
                    {"type", kConstantTypes[static_cast<std::size_t>(constant.type)]},
                    {"shape", constant.shape},
                    {"offset", constant.offset},
                    {"bytes", constant.bytes},
                    {"crc", constant.crc}});
  }
  return json_text(list, 1);
}

std::vector<ConstantEntry> constants_from_json(std::span<const std::byte> text, const std::string& origin) {
  const Json json = parse_json(text, origin, "constants");
  std::vector<ConstantEntry> constants;
  Reader(json, origin, "constants").for_each([&constants](const Reader& reader) {
    ConstantEntry constant;
    constant.name = reader.at("name").text();
    const std::string type = reader.at("type").text();
    std::size_t index = 0;
    while (index < kConstantTypes.size() && type != kConstantTypes[index]) ++index;
    if (index == kConstantTypes.size()) reader.at("type").fail("expected f32, f16 or bf16, found \"" + type + "\"");
    constant.type = static_cast<ConstantType>(index);
    reader.at("shape").for_each(
        [&constant](const Reader& dimension) { constant.shape.push_back(dimension.unsigned64()); });
    constant.offset = reader.at("offset").unsigned64();
    constant.bytes = reader.at("bytes").unsigned64();
    constant.crc = reader.at("crc").unsigned32();
    std::uint64_t expected = 0;
    if (!tensor_bytes(constant.type, constant.shape, expected) || expected != constant.bytes) {
      reader.at("shape").fail("does not give " + std::to_string(constant.bytes) + " bytes of " + type);
    }
    constants.push_back(std::move(constant));
  });
  return constants;
}

bool tensor_bytes(ConstantType type, std::span<const std::uint64_t> shape, std::uint64_t& bytes) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;
  bytes = element_bytes(type);
  for (const std::uint64_t dimension : shape) {
    if (dimension != 0 && bytes > kLimit / dimension) return false;
    bytes *= dimension;
  }
  return true;
}

}  // namespace xw::program
