// Samples as lm-evaluation-harness writes them with --log_samples.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>

#include "host/evaluation/task_file.hpp"
#include "host/evaluation/task_line.hpp"

namespace xw::evaluation {
namespace {

using Json = TaskLine::Json;

/// What was asked of the model: a context and a continuation, or how to generate.
struct Arguments {
  std::string context;
  Json rest;
};

/// Since version 0.4.3 {"gen_args_0": {"arg_0": context, "arg_1": rest}, ...}, before [[context, rest], ...].
std::vector<Arguments> read_arguments(const TaskLine& line) {
  const Json& all = line.object["arguments"];
  const std::string expected = "\"arguments\" with pairs of a context and what follows it";
  if (!all.is_structured() || all.empty()) line.fail(expected, all);
  if (all.size() > 2 * kMaxChoices)
    line.fail("at most " + std::to_string(2 * kMaxChoices) + " requests in \"arguments\"", all);
  std::vector<Arguments> result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string key = "gen_args_" + std::to_string(i);
    if (all.is_object() && !all.contains(key)) line.fail(expected + " and the key \"" + key + "\"", "other keys");
    const Json& pair = all.is_object() ? all[key] : all[i];
    const bool by_name = pair.is_object() && pair.contains("arg_0") && pair.contains("arg_1");
    if (!by_name && !(pair.is_array() && pair.size() >= 2)) line.fail(expected, pair);
    const Json& context = by_name ? pair["arg_0"] : pair[0];
    if (!context.is_string()) line.fail(expected, context);
    result.push_back({context.get<std::string>(), by_name ? pair["arg_1"] : pair[1]});
  }
  return result;
}

/// "-12.5" or -12.5.
bool read_number(const Json& value, double& number) {
  if (value.is_number()) {
    number = value.get<double>();
  } else {
    if (!value.is_string()) return false;
    const std::string& text = value.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return false;
  }
  return std::isfinite(number);
}

/// Log-likelihoods of "filtered_resps", [[number, is_greedy], ...], if all are there.
std::vector<double> recorded(const TaskLine& line, std::size_t requests) {
  const auto found = line.object.find("filtered_resps");
  if (found == line.object.end() || !found->is_array() || found->size() < requests) return {};
  std::vector<double> result;
  for (std::size_t i = 0; i < requests; ++i) {
    const Json& response = (*found)[i];
    double number = 0;
    if (!response.is_array() || response.empty() || !read_number(response[0], number)) return {};
    result.push_back(number);
  }
  return result;
}

/// The right choices: an index, the text of one, or a list of them, which newer versions write as text.
std::vector<std::uint32_t> read_gold(const TaskLine& line, const std::vector<std::string>& choices) {
  const auto target = line.object.find("target");
  if (target == line.object.end()) line.fail("the right choice as \"target\"", "none");
  if (!target->is_string()) return line.indices(*target, "a \"target\"", choices.size());
  const std::string& text = target->get_ref<const std::string&>();
  const Json value = Json::parse(text, nullptr, false);
  if (value.is_number_integer() || value.is_array()) return line.indices(value, "a \"target\"", choices.size());
  const auto place = std::ranges::find(choices, text);
  if (place == choices.end()) line.fail("an index or the text of a choice as \"target\"", *target);
  return {static_cast<std::uint32_t>(place - choices.begin())};
}

/// Choices that are contexts: only WinoGrande's document says which is right.
std::vector<std::uint32_t> gold_of_contexts(const TaskLine& line) {
  const Json document = line.object.value("doc", Json());
  const Json answer = document.is_object() ? document.value("answer", Json()) : Json();
  if (answer == "1" || answer == 1) return {0};
  if (answer == "2" || answer == 2) return {1};
  line.fail("the right context as \"doc\".\"answer\", 1 or 2", answer);
}

void read_generation(const TaskLine& line, const Arguments& arguments, TaskItem& item) {
  const TaskLine settings{arguments.rest, line.place + ": \"arguments\""};
  item.requests = {{arguments.context, ""}};
  if (settings.has("until")) {
    if (settings.object["until"].is_string()) {
      item.generation.until = {settings.text("until")};
    } else if (!settings.object["until"].is_array() || !settings.object["until"].empty()) {
      item.generation.until = settings.texts("until");
    }
  }
  for (const char* key : {"max_gen_toks", "max_new_tokens", "max_tokens"}) {
    if (settings.has(key)) item.generation.max_tokens = settings.count(key, 0, kMaxGeneratedTokens);
  }
  if (settings.has("do_sample") && settings.flag("do_sample")) settings.fail("\"do_sample\" false", "true");
  item.generation.filter = answer_filter(line, line.text("filter", "none"));
  const bool is_number = item.generation.filter != AnswerFilter::kNone;
  item.generation.ignore_case = is_number;
  const Json target = line.object.value("target", Json());
  const Json listed = target.is_string() && target.get_ref<const std::string&>().starts_with('[')
                          ? Json::parse(target.get_ref<const std::string&>(), nullptr, false)
                          : target;
  if (listed.is_array() && !listed.empty()) {
    item.answers = TaskLine{{{"target", listed}}, line.place}.texts("target");
  } else if (target.is_number()) {
    item.answers = {target.dump()};
  } else {
    item.answers = {line.text("target")};
  }
}

}  // namespace

TaskKind read_exported(const TaskLine& line, TaskItem& item) {
  std::vector<Arguments> all = read_arguments(line);
  if (all.front().rest.is_object()) {
    if (all.size() > 1) line.fail("one request that generates", std::to_string(all.size()));
    read_generation(line, all.front(), item);
    return TaskKind::kGeneration;
  }
  for (const Arguments& arguments : all) {
    if (!arguments.rest.is_string()) line.fail("a continuation in \"arguments\"", arguments.rest);
    item.requests.push_back({arguments.context, arguments.rest.get<std::string>()});
  }
  // The metric acc_mutual_info asks for every choice once more, after nothing.
  const std::size_t half = item.requests.size() / 2;
  bool is_doubled = half > 0 && item.requests.size() % 2 == 0 && !item.requests[0].context.empty();
  for (std::size_t i = 0; is_doubled && i < half; ++i) {
    is_doubled = item.requests[half + i] == Request{"", item.requests[i].continuation};
  }
  if (is_doubled) item.requests.resize(half);
  item.recorded = recorded(line, item.requests.size());
  if (item.requests.size() == 1) return TaskKind::kContinuation;
  const auto same = [&](std::string Request::*part) {
    return std::ranges::all_of(item.requests, [&](const Request& r) { return r.*part == item.requests[0].*part; });
  };
  if (same(&Request::continuation) && !same(&Request::context)) {
    if (item.requests.size() != 2) line.fail("two contexts in \"arguments\"", std::to_string(item.requests.size()));
    item.gold = gold_of_contexts(line);
    return TaskKind::kChoice;
  }
  std::vector<std::string> choices;
  for (const Request& request : item.requests) {
    choices.push_back(request.continuation.substr(request.continuation.starts_with(' ') ? 1 : 0));
  }
  measure_choices(line, choices, item);
  item.gold = read_gold(line, choices);
  return TaskKind::kChoice;
}

}  // namespace xw::evaluation
