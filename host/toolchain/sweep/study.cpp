// Studies: reading and laying out.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/study.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/setting_error.hpp"
#include "arch/support/units.hpp"
#include "host/toolchain/settings.hpp"

namespace xw::toolchain {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPoints = 1'000'000;

/// Options whose text may be the path of a file, relative to the study.
const std::set<std::string>& path_options() {
  static const std::set<std::string> names = {"adapter", "calibration-text", "model", "tokenizer"};
  return names;
}

class Reader {
 public:
  Reader(std::string_view toml, const fs::path& file) : file_(file.string()), folder_(file.parent_path()) {
    try {
      document_ = toml::parse(toml, file_);
    } catch (const toml::parse_error& error) {
      std::ostringstream place;
      place << error.source().begin;
      fail(place.str(), "TOML", std::string(error.description()));
    }
  }

  Study study() {
    for (const auto& [key, node] : document_) {
      const std::string name(key.str());
      if (name != "measure" && name != "options" && name != "grid" && name != "points")
        fail(name, "[measure], [options], [grid] and [[points]]", "this key");
    }
    Study study;
    read_measure(study);
    any_options_ = !study.function.empty();
    const StudyPoint shared = point_of("options", document_["options"], {});
    add_grid(shared);
    add_list(shared);
    if (points_.empty()) fail("grid", "at least one point in [grid] or [[points]]", "none");
    lay_out(study);
    return study;
  }

 private:
  [[noreturn]] void fail(const std::string& place, const std::string& expected, const std::string& found) const {
    throw Error(ErrorCode::kFormat, file_ + ": " + place + ": expected " + expected + ", found " + found);
  }

  [[nodiscard]] fs::path path_of(const std::string& text) const { return text.empty() ? fs::path() : folder_ / text; }

  /// A scalar as the command would be told it.
  [[nodiscard]] std::string text_of(const std::string& place, const toml::node& node) const {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto whole = node.value_exact<std::int64_t>()) return std::to_string(*whole);
    if (const auto real = node.value_exact<double>()) return nlohmann::json(*real).dump();
    fail(place, "a text or a number", "something else");
  }

  void read_measure(Study& study) {
    const toml::table* table = document_["measure"].as_table();
    if (table == nullptr) fail("measure", "a table with text, tasks or function", "none");
    for (const auto& [key, node] : *table) {
      const std::string name(key.str()), place = "measure." + name;
      const auto count = [&, &found = node](std::int64_t most) {
        const auto value = found.value_exact<std::int64_t>();
        if (!value || *value < 0 || *value > most)
          fail(place, "a whole number from 0 to " + std::to_string(most), "something else");
        return static_cast<std::uint64_t>(*value);
      };
      if (name == "text") {
        study.text = path_of(text_of(place, node));
      } else if (name == "tasks") {
        const toml::array* list = node.as_array();
        if (list == nullptr) fail(place, "a list of files", "something else");
        for (const toml::node& one : *list) study.tasks.push_back(path_of(text_of(place, one)));
      } else if (name == "function") {
        study.function = text_of(place, node);
      } else if (name == "tokens") {
        study.plan.perplexity.max_tokens = count(std::int64_t{1} << 40);
      } else if (name == "context") {
        study.plan.perplexity.context = static_cast<std::uint32_t>(count(1U << 24U));
      } else if (name == "limit") {
        study.limit = count(std::int64_t{1} << 40);
      } else {
        fail(place, "text, tasks, tokens, context, limit or function", "this key");
      }
    }
    if (!study.function.empty()) {
      if (table->size() != 1) fail("measure", "nothing beside function", "more");
    } else if (study.text.empty() && study.tasks.empty()) {
      fail("measure", "text, tasks or both", "neither");
    }
    study.plan.perplexity.show_progress = false;
  }

  /// Adds an option to a point, after it was understood.
  void add(StudyPoint& point, const std::string& place, const std::string& name, const toml::node& node) const {
    const std::string text = text_of(place, node);
    if (any_options_) {
      point[name] = text;
      return;
    }
    try {
      const std::vector<std::string>& compile = compile_settings();
      CompileOptions compile_options;
      RunOptions run_options;
      if (std::find(compile.begin(), compile.end(), name) != compile.end()) {
        set(compile_options, name, text);
      } else if (name != "model") {
        set(run_options, name, text);
      }
    } catch (const SettingError& error) {
      throw Error(ErrorCode::kInvalidArgument, file_ + ": " + place + ": " + error.what());
    }
    point[name] = text;
  }

  template <class Node>
  [[nodiscard]] StudyPoint point_of(const std::string& place, Node node, StudyPoint point) const {
    if (!node) return point;
    const toml::table* table = node.as_table();
    if (table == nullptr) fail(place, "a table of options", "something else");
    for (const auto& [key, value] : *table)
      add(point, place + "." + std::string(key.str()), std::string(key.str()), value);
    return point;
  }

  void add_grid(const StudyPoint& shared) {
    if (!document_["grid"]) return;
    const toml::table* table = document_["grid"].as_table();
    if (table == nullptr) fail("grid", "a table of options", "something else");
    std::vector<StudyPoint> all = {shared};
    for (const auto& [key, node] : *table) {
      const std::string name(key.str()), place = "grid." + name;
      std::vector<StudyPoint> next;
      const auto add_all = [&](const toml::node& value) {
        for (StudyPoint point : all) {
          add(point, place, name, value);
          next.push_back(std::move(point));
          if (next.size() > kMaxPoints) fail(place, "at most a million points", "more");
        }
      };
      if (const toml::array* list = node.as_array()) {
        for (const toml::node& value : *list) add_all(value);
      } else if (const auto range = range_of(name, node)) {
        for (std::int64_t value = range->first; value <= range->second; ++value)
          add_all(toml::value<std::int64_t>(value));
      } else {
        add_all(node);
      }
      all = std::move(next);
    }
    points_.insert(points_.end(), all.begin(), all.end());
  }

  /// Of chip-seed, "0..9".
  [[nodiscard]] static std::optional<std::pair<std::int64_t, std::int64_t>> range_of(const std::string& name,
                                                                                     const toml::node& node) {
    const auto text = node.value_exact<std::string>();
    const std::size_t dots = text ? text->find("..") : std::string::npos;
    if (name != "chip-seed" || dots == std::string::npos) return std::nullopt;
    std::int64_t first = 0, last = 0;
    const char *begin = text->data(), *end = begin + text->size();
    const auto a = std::from_chars(begin, begin + dots, first), b = std::from_chars(begin + dots + 2, end, last);
    if (a.ec != std::errc() || b.ec != std::errc() || a.ptr != begin + dots || b.ptr != end || first < 0 ||
        last < first)
      return std::nullopt;
    return std::pair(first, last);
  }

  void add_list(const StudyPoint& shared) {
    if (!document_["points"]) return;
    const toml::array* list = document_["points"].as_array();
    if (list == nullptr) fail("points", "tables [[points]]", "something else");
    for (std::size_t i = 0; i < list->size(); ++i)
      points_.push_back(
          point_of("points[" + std::to_string(i) + "]", toml::node_view<const toml::node>((*list)[i]), shared));
  }

  /// The point without what chips of one program differ in, the chip's seed, its age.
  static std::tuple<StudyPoint, std::uint32_t, double> order_of(const StudyPoint& point) {
    StudyPoint rest = point;
    RunOptions run;
    for (const char* name : {"chip-seed", "time"}) {
      if (const auto found = rest.find(name); found != rest.end()) {
        set(run, name, found->second);
        rest.erase(found);
      }
    }
    return {std::move(rest), run.chip.chip_seed, run.chip.seconds};
  }

  void lay_out(Study& study) {
    if (any_options_) {
      const std::set<StudyPoint> sorted(points_.begin(), points_.end());
      study.points.assign(sorted.begin(), sorted.end());
      study.chip.resize(sorted.size());
      std::iota(study.chip.begin(), study.chip.end(), std::size_t{0});
      return;
    }
    std::map<std::tuple<StudyPoint, std::uint32_t, double>, StudyPoint> sorted;
    for (StudyPoint& point : points_) {
      if (!point.contains("model")) fail("options", "a model for every point", "one without");
      sorted.emplace(order_of(point), std::move(point));
    }
    const std::pair<StudyPoint, std::uint32_t>* before = nullptr;
    std::pair<StudyPoint, std::uint32_t> chip;
    std::size_t number = 0;
    for (auto& [order, point] : sorted) {
      std::pair<StudyPoint, std::uint32_t> now{std::get<0>(order), std::get<1>(order)};
      if (before != nullptr && now != chip) ++number;
      chip = std::move(now);
      before = &chip;
      study.points.push_back(std::move(point));
      study.chip.push_back(number);
    }
  }

  std::string file_;
  fs::path folder_;
  toml::table document_;
  std::vector<StudyPoint> points_;
  bool any_options_ = false;  ///< a function measures, which knows what they mean
};

}  // namespace

StudyPoint resolved(const Study& study, StudyPoint point) {
  for (auto& [name, text] : point) {
    const bool is_description = (name == "chip" || name == "emulator") && text.ends_with(".toml");
    if (path_options().contains(name) || is_description) text = (study.file.parent_path() / text).string();
  }
  return point;
}

Study parse_study(std::string_view toml, const std::filesystem::path& file) {
  Study study = Reader(toml, file).study();
  study.file = file;
  return study;
}

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char *begin = text.data(), *end = begin + text.size();
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const auto index = std::from_chars(begin, begin + slash, shard.index);
    const auto count = std::from_chars(begin + slash + 1, end, shard.count);
    if (index.ec == std::errc() && index.ptr == begin + slash && count.ec == std::errc() && count.ptr == end &&
        shard.index < shard.count)
      return shard;
  }
  throw SettingError(ErrorCode::kInvalidArgument, "shard",
                     "shard: expected INDEX/COUNT with an index from 0 to COUNT - 1, found '" + text + "'");
}

}  // namespace xw::toolchain
