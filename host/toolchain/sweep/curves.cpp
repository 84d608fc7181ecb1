// Results of studies as curves.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/curves.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "arch/support/setting_error.hpp"
#include "arch/support/units.hpp"
#include "host/evaluation/paired.hpp"
#include "host/toolchain/sweep/records.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kConfidence = 0.95;
constexpr std::size_t kErrorsShown = 10;
constexpr const char* kAbsent = "not given";  ///< value of an option that a point does not have
constexpr const char* kSeed = "chip-seed";
constexpr const char* kTime = "time";
constexpr const char* kNoLines = "none";

/// Seconds of times, numbers of numbers.
std::optional<double> number_of(const std::string& option, const std::string& text) {
  if (option == kTime) return parse_duration(text);
  std::size_t end = 0;
  try {
    const double value = std::stod(text, &end);
    if (end == text.size() && std::isfinite(value)) return value;
  } catch (const std::exception&) {  // no number
  }
  return std::nullopt;
}

/// An option of the points with its values in order.
struct Option {
  std::string name;
  std::vector<std::string> values;
  std::vector<double> numbers;  ///< of the values; empty if one has none
  [[nodiscard]] bool varies() const { return values.size() > 1; }
};

std::string value_of(const Json& record, const std::string& option) {
  const auto found = record["point"].find(option);
  if (found == record["point"].end()) return kAbsent;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

Option option_of(const std::vector<const Json*>& records, const std::string& name) {
  std::set<std::string> texts;
  for (const Json* record : records) texts.insert(value_of(*record, name));
  Option option{name, {texts.begin(), texts.end()}, {}};
  std::vector<std::pair<double, std::string>> numbers;
  for (const std::string& text : option.values)
    if (const auto number = number_of(name, text)) numbers.emplace_back(*number, text);
  if (numbers.size() != option.values.size()) return option;
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    option.values[i] = numbers[i].second;
    option.numbers.push_back(numbers[i].first);
  }
  return option;
}

template <class Names>
std::string listed(const Names& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

class Curves {
 public:
  Curves(const SweepSource& source, const CurveOptions& wanted) : wanted_(wanted) {
    if (source.records.empty())
      throw Error(ErrorCode::kInvalidArgument, "sweep: nothing has been measured yet, so there is nothing to draw");
    for (const Json& record : source.records) records_.push_back(&record);
    for (const std::string& name : columns_of(source.records).options) names_.insert(name);
    for (const auto& [name, value] : wanted.where) keep(name, value);
    for (const std::string& name : names_) options_.push_back(option_of(records_, name));
    choose_x();
    choose_lines();
    for (const Option& option : options_)
      if (option.varies() && option.name != x_->name && (lines_ == nullptr || option.name != lines_->name))
        over_.push_back(option.name);
  }

  [[nodiscard]] Json json(std::size_t points) const {
    Json json = {{"points", points}};
    std::size_t failed = 0;
    double seconds = 0;
    std::set<std::string> workers;
    Json errors = Json::array();
    for (const Json* record : records_) {
      seconds += record->value("seconds_measured", 0.0);
      if (record->contains("worker")) workers.insert(record->at("worker").get<std::string>());
      if (!record->contains("error")) continue;
      if (++failed <= kErrorsShown)
        errors.push_back({{"point", record->at("point")}, {"message", record->at("error").at("message")}});
    }
    json["shown"] = records_.size();
    json["failed"] = failed;
    if (failed > 0) json["errors"] = std::move(errors);
    if (!workers.empty()) json["workers"] = workers.size();
    if (seconds > 0) json["seconds_measured"] = seconds;
    if (!wanted_.where.empty()) json["where"] = wanted_.where;
    json["options"] = Json::object();
    json["varied"] = Json::array();
    for (const Option& option : options_) {
      if (option.varies()) {
        json["varied"].push_back({{"option", option.name}, {"values", option.values}});
      } else {
        json["options"][option.name] = option.values.front();
      }
    }
    json["x"] = {{"option", x_->name}, {"values", x_->values}};
    if (!x_->numbers.empty()) json["x"]["numbers"] = x_->numbers;
    if (lines_ != nullptr) json["lines"] = {{"option", lines_->name}, {"values", lines_->values}};
    json["over"] = over_;
    json["confidence"] = kConfidence;
    json["metrics"] = Json::array();
    for (const std::string& metric : metrics()) json["metrics"].push_back(curves_of(metric));
    return json;
  }

 private:
  /// Leaves only records whose option has this value.
  void keep(const std::string& name, const std::string& value) {
    if (!names_.contains(name))
      throw SettingError(ErrorCode::kInvalidArgument, "where",
                         "where: no point has the option '" + name + "'; there are " + listed(names_));
    const std::vector<std::string> values = option_of(records_, name).values;
    std::erase_if(records_, [&](const Json* record) { return value_of(*record, name) != value; });
    if (records_.empty())
      throw SettingError(ErrorCode::kInvalidArgument, "where",
                         "where: no point that is left has " + name + "=" + value + "; there are " + listed(values));
  }

  [[nodiscard]] const Option* named(const std::string& setting, const std::string& name) const {
    const auto found =
        std::find_if(options_.begin(), options_.end(), [&](const Option& option) { return option.name == name; });
    if (found == options_.end())
      throw SettingError(ErrorCode::kInvalidArgument, setting,
                         setting + ": expected an option of the points (" + listed(names_) + "), found '" + name + "'");
    return &*found;
  }

  /// The first that passes, or null.
  template <class Test>
  [[nodiscard]] const Option* first(const Test& test) const {
    const auto found = std::find_if(options_.begin(), options_.end(), test);
    return found == options_.end() ? nullptr : &*found;
  }

  void choose_x() {
    if (!wanted_.x.empty()) {
      x_ = named("x", wanted_.x);
      return;
    }
    const auto may_be = [&](const Option& option) { return option.varies() && option.name != wanted_.lines; };
    const auto is_setting = [&](const Option& option) { return may_be(option) && option.name != kSeed; };
    x_ = first([&](const Option& option) { return is_setting(option) && option.name == kTime; });
    if (x_ == nullptr) x_ = first([&](const Option& option) { return is_setting(option) && !option.numbers.empty(); });
    if (x_ == nullptr) x_ = first(is_setting);
    if (x_ == nullptr) x_ = first(may_be);
    if (x_ == nullptr) x_ = &options_.front();
  }

  void choose_lines() {
    if (wanted_.lines == kNoLines) return;
    if (wanted_.lines.empty()) {
      lines_ = first([&](const Option& option) { return option.varies() && option.name != kSeed && &option != x_; });
      return;
    }
    lines_ = named("lines", wanted_.lines);
    if (lines_ == x_)
      throw SettingError(ErrorCode::kInvalidArgument, "lines",
                         "lines: expected another option than '" + x_->name + "', over which the curves are drawn");
  }

  [[nodiscard]] std::vector<std::string> metrics() const {
    std::vector<std::string> there;
    for (const Json* record : records_) {
      const Json figures = record->value("figures", Json::object());
      for (const auto& figure : figures.items())
        if (std::find(there.begin(), there.end(), figure.key()) == there.end()) there.push_back(figure.key());
    }
    for (const std::string& metric : wanted_.metrics) {
      if (std::find(there.begin(), there.end(), metric) == there.end())
        throw SettingError(ErrorCode::kInvalidArgument, "metric",
                           "metric: expected a figure of the points (" + listed(there) + "), found '" + metric + "'");
    }
    if (!wanted_.metrics.empty()) return wanted_.metrics;
    if (std::find(there.begin(), there.end(), "perplexity") != there.end())
      std::erase_if(there, [](const std::string& name) { return name == "mean_nll_nats" || name == "tokens"; });
    return there;
  }

  [[nodiscard]] Json curves_of(const std::string& metric) const {
    std::map<std::pair<std::string, std::string>, std::vector<double>> values;  // by line and place
    for (const Json* record : records_) {
      const auto figures = record->find("figures");
      if (figures == record->end() || !figures->contains(metric)) continue;
      values[{lines_ == nullptr ? "" : value_of(*record, lines_->name), value_of(*record, x_->name)}].push_back(
          figures->at(metric).get<double>());
    }
    Json curves = Json::array();
    for (const std::string& line : lines_ == nullptr ? std::vector<std::string>{""} : lines_->values) {
      Json points = Json::array();
      for (const std::string& x : x_->values)
        if (const auto found = values.find({line, x}); found != values.end())
          points.push_back(point_of(x, found->second));
      Json curve = Json::object();
      if (lines_ != nullptr) curve["line"] = line;
      curve["points"] = std::move(points);
      curves.push_back(std::move(curve));
    }
    return {{"metric", metric}, {"curves", std::move(curves)}};
  }

  static Json point_of(const std::string& x, const std::vector<double>& values) {
    const auto n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    Json point = {{"x", x}, {"values", values}, {"mean", mean}};
    if (values.size() > 1) {
      double squares = 0;
      for (const double value : values) squares += (value - mean) * (value - mean);
      const double deviation = std::sqrt(squares / (n - 1));
      const double half = evaluation::student_t_critical(1 - kConfidence, n - 1) * deviation / std::sqrt(n);
      point["std"] = deviation;
      point["low"] = mean - half;
      point["high"] = mean + half;
    }
    return point;
  }

  const CurveOptions& wanted_;
  std::vector<const Json*> records_;
  std::set<std::string> names_;
  std::vector<Option> options_;
  const Option* x_ = nullptr;
  const Option* lines_ = nullptr;  ///< null: one line
  std::vector<std::string> over_;
};

}  // namespace

Json curves(const SweepSource& source, const CurveOptions& options) {
  return Curves(source, options).json(source.points);
}

}  // namespace xw::toolchain
