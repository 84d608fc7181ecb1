// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/analog_training.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <system_error>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/json.hpp"

namespace xw::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxShown = 60;

/// The fields of one object of the configuration; objects are {"class": ..., "fields": {...}}.
class Fields {
 public:
  Fields(const nlohmann::json& json, std::string origin, std::string path)
      : origin_(std::move(origin)), path_(std::move(path)) {
    const auto found = json.is_object() ? json.find("fields") : json.end();
    if (!json.is_object() || found == json.end() || !found->is_object()) {
      throw Error(ErrorCode::kFormat,
                  origin_ + ": " + (path_.empty() ? "" : path_ + ": ") +
                      "expected an object with \"fields\", as scripts/convert_lightning.py writes it");
    }
    fields_ = &*found;
  }

  [[nodiscard]] bool has(const char* key) const { return fields_->contains(key); }
  [[nodiscard]] Fields child(const char* key) const { return {fields_->at(key), origin_, path_ + key + "."}; }

  [[nodiscard]] double number(const char* key, double otherwise) const {
    const auto found = fields_->find(key);
    if (found == fields_->end()) return otherwise;
    if (!found->is_number()) fail(key, *found, "a number");
    return found->get<double>();
  }
  [[nodiscard]] bool flag(const char* key) const {
    const auto found = fields_->find(key);
    if (found == fields_->end()) return false;
    if (!found->is_boolean()) fail(key, *found, "true or false");
    return found->get<bool>();
  }
  /// An enumerator by its value: {"class": ..., "arguments": ["LayerGaussian"]}.
  [[nodiscard]] std::string choice(const char* key, std::initializer_list<const char*> supported) const {
    const auto found = fields_->find(key);
    if (found == fields_->end()) return "None";
    const nlohmann::json* value = &*found;
    if (value->is_object() && value->contains("arguments") && (*value)["arguments"].is_array() &&
        (*value)["arguments"].size() == 1) {
      value = &(*value)["arguments"][0];
    }
    std::string list;
    for (const char* name : supported) {
      if (*value == name) return name;
      list += std::string(list.empty() ? "" : ", ") + name;
    }
    throw Error(ErrorCode::kUnsupported, origin_ + ": " + path_ + key + ": found " +
                                             printable(found->dump(), kMaxShown) + "; supported: " + list);
  }
  /// Refuses fields beside `known` unless they are switched off.
  void check_known(std::initializer_list<const char*> known) const {
    for (const auto& [name_of_field, value] : fields_->items()) {
      const std::string& key = name_of_field;  // clang 14 captures no structured bindings
      const bool is_known = std::any_of(known.begin(), known.end(), [&](const char* name) { return key == name; });
      const bool is_off = value.is_null() || value == false || (value.is_number() && value.get<double>() <= 0);
      if (is_known || is_off) continue;
      throw Error(ErrorCode::kUnsupported, origin_ + ": " + path_ + printable(key) + ": found " +
                                               printable(value.dump(), kMaxShown) +
                                               "; supported: configurations without this field");
    }
  }

 private:
  [[noreturn]] void fail(const char* key, const nlohmann::json& found, const char* expected) const {
    throw Error(ErrorCode::kFormat, origin_ + ": " + path_ + key + ": expected " + expected + ", found " +
                                        printable(found.dump(), kMaxShown));
  }

  std::string origin_, path_;
  const nlohmann::json* fields_ = nullptr;
};

/// Steps of a resolution: lightning takes steps (254) or their inverse (1 / 254), and nothing at 0 and below.
double steps(double resolution) {
  return resolution > 1 ? resolution : resolution > 0 ? 1 / resolution : 0;
}

void read_modifier(const Fields& modifier, AnalogTraining& training) {
  training.weight_rounding = modifier.choice("quantization_type", {"None", "Discretize", "DiscretizePerChannel"});
  // Version 1 had one field for rounding and noise; noise is of training alone.
  const std::string old =
      modifier.choice("type", {"None", "Discretize", "DiscretizePerChannel", "AddNormal", "AddNormalPerChannel",
                               "DiscretizeAddNormal", "DiscretizeAddNormalPerChannel"});
  if (old.starts_with("Discretize"))
    training.weight_rounding = old.ends_with("PerChannel") ? "DiscretizePerChannel" : "Discretize";
  if (training.weight_rounding != "None") training.weight_steps = steps(modifier.number("res", 0));
}

}  // namespace

AnalogTraining parse_rpu_config(std::string_view text, const std::string& origin) {
  const nlohmann::json document = parse_json(text, origin);
  const Fields config(document, origin, "");
  AnalogTraining training;
  training.origin = origin;
  training.text = text;
  training.clip_type = training.weight_rounding = "None";
  if (config.has("forward")) {
    const Fields forward = config.child("forward");
    forward.check_known({"inp_res", "out_res", "out_bound", "out_noise", "out_noise_per_channel"});
    training.input_steps = steps(forward.number("inp_res", -1));
    training.output_bound = std::max(0.0, forward.number("out_bound", 0));
    training.output_steps = steps(forward.number("out_res", -1));
  }
  if (config.has("clip")) {
    training.clip_type = config.child("clip").choice(
        "type", {"None", "LayerGaussian", "LayerGaussianPerChannel", "LearnablePerChannel"});
  }
  if (config.has("modifier")) read_modifier(config.child("modifier"), training);
  if (config.has("mapping")) {
    const Fields mapping = config.child("mapping");
    mapping.check_known({"max_input_size"});
    const double size = mapping.number("max_input_size", -1);
    training.max_input_size = size >= 1 && size <= UINT32_MAX ? std::llround(size) : -1;
  }
  if (config.has("pre_post") && config.child("pre_post").has("input_range"))
    training.is_dynamic = config.child("pre_post").child("input_range").flag("dynamic");
  return training;
}

std::optional<AnalogTraining> find_analog_training(const fs::path& directory) {
  std::error_code error;
  const fs::path converted = directory / "rpu_config.json";
  if (fs::exists(converted, error)) return parse_rpu_config(read_text_file(converted), converted.string());
  const fs::path pickled = directory / "rpu_config";
  if (!fs::exists(pickled, error)) return std::nullopt;
  AnalogTraining training;
  training.origin = pickled.string();
  training.is_pickled = true;
  return training;
}

}  // namespace xw::checkpoint
