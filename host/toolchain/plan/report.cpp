// Plans as text, JSON and CSV.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/report.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "arch/support/csv.hpp"
#include "host/report/text_format.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;

template <typename... Values>
void append(std::string& text, const char* format, Values... values) {
  char line[1024];
  std::snprintf(line, sizeof line, format, values...);
  text += line;
}

std::string known(const std::optional<double>& value, double unit, const char* suffix) {
  return value ? report::scaled(*value * unit, suffix) : "-";
}

/// "12.3 %" above the bound, or "-".
std::string gap(const std::optional<double>& value, const std::optional<double>& bound) {
  if (!value || !bound || *bound <= 0) return "-";
  return report::percent(*value / *bound - 1);
}

void append_row(std::string& text, const DeploymentPlan& plan) {
  const std::string marks = std::string(plan.best ? ">" : " ") + (plan.pareto ? "*" : " ");
  if (!plan.possible()) {
    append(text, "%s %-34s %9s %6s  not possible: %s\n", marks.c_str(), plan.what.c_str(), "-", "-",
           plan.reason.c_str());
    return;
  }
  const std::optional<double> tiles_bound =
      plan.bounds.tiles == 0 ? std::nullopt : std::optional<double>(static_cast<double>(plan.bounds.tiles));
  append(text, "%s %-34s %9llu %6u %10s %10s %10s %10s  %-19s %8s %8s %8s", marks.c_str(), plan.what.c_str(),
         static_cast<unsigned long long>(plan.tiles), plan.chips, known(plan.token_ns, 1e-9, "s").c_str(),
         known(plan.token_pj, 1e-12, "J").c_str(), known(plan.prompt_ns, 1e-9, "s").c_str(),
         report::scaled(plan.program_ns * 1e-9, "s").c_str(), plan.bound_by.empty() ? "-" : plan.bound_by.c_str(),
         gap(static_cast<double>(plan.tiles), tiles_bound).c_str(), gap(plan.token_ns, plan.bounds.token_ns).c_str(),
         gap(plan.token_pj, plan.bounds.token_pj).c_str());
  if (plan.loss) append(text, " %+9.4f", *plan.loss);
  text += '\n';
}

void append_details(std::string& text, const DeploymentPlan& plan) {
  append(text, "\n%s: %s\n", plan.what.c_str(), plan.change.c_str());
  if (!plan.note.empty()) append(text, "  %s\n", plan.note.c_str());
  if (!plan.digital.empty()) {
    constexpr std::size_t kListed = 8;
    append(text, "  digital, %.1f M multiply-adds per token:", static_cast<double>(plan.digital_macs) * 1e-6);
    for (std::size_t i = 0; i < std::min(plan.digital.size(), kListed); ++i)
      append(text, " %s", plan.digital[i].c_str());
    if (plan.digital.size() > kListed) append(text, " and %zu more (--json has all)", plan.digital.size() - kListed);
    text += '\n';
  }
  if (plan.reload) {
    const ReloadPlan& reload = *plan.reload;
    append(text,
           "  %u tiles written once, %u in every round: %llu writes of tiles per batch, %s and %s; cells last for %.3g "
           "batches (%.3g days at full speed)\n",
           reload.resident_tiles, reload.reloaded_tiles, static_cast<unsigned long long>(reload.tiles_written),
           report::scaled(reload.write_ns * 1e-9, "s").c_str(), report::scaled(reload.write_pj * 1e-12, "J").c_str(),
           reload.batches_to_wear, reload.seconds_to_wear / 86400);
  }
  if (plan.duplicate) {
    append(text, "  slowest stage %s, no choice of copies below %s (gap %s)\n",
           report::scaled(plan.duplicate->stage_ns * 1e-9, "s").c_str(),
           report::scaled(plan.duplicate->stage_bound_ns * 1e-9, "s").c_str(),
           gap(plan.duplicate->stage_ns, plan.duplicate->stage_bound_ns).c_str());
  }
  if (plan.bounds.tiles == 0) return;
  append(text, "  at least %llu tiles: %s\n", static_cast<unsigned long long>(plan.bounds.tiles),
         plan.bounds.tiles_reason.c_str());
}

Json optional(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json plan_json(const DeploymentPlan& plan) {
  Json json = {{"kind", name(plan.kind)}, {"what", plan.what}, {"possible", plan.possible()}, {"change", plan.change}};
  if (!plan.reason.empty()) json["reason"] = plan.reason;
  if (!plan.note.empty()) json["note"] = plan.note;
  json["best"] = plan.best;
  json["pareto"] = plan.pareto;
  json["chips"] = plan.chips;
  json["tiles_per_chip"] = plan.tiles_per_chip;
  json["tile_rows"] = plan.tile_rows;
  json["tile_cols"] = plan.tile_cols;
  json["bounds"] = {{"tiles", plan.bounds.tiles},
                    {"tiles_reason", plan.bounds.tiles_reason},
                    {"token_ns", optional(plan.bounds.token_ns)},
                    {"token_pj", optional(plan.bounds.token_pj)}};
  if (!plan.possible()) return json;
  json["tiles"] = plan.tiles;
  json["copies"] = plan.most_copies;
  json["digital"] = plan.digital;
  json["digital_macs"] = plan.digital_macs;
  json["token_ns"] = optional(plan.token_ns);
  json["token_pj"] = optional(plan.token_pj);
  json["prompt_ns_per_token"] = optional(plan.prompt_ns);
  json["bound_by"] = plan.bound_by;
  json["programming"] = {{"ns", plan.program_ns}, {"pj", plan.program_pj}};
  json["expected_loss_nats"] = optional(plan.loss);
  if (plan.reload) {
    const ReloadPlan& reload = *plan.reload;
    json["reload"] = {{"areas", reload.areas},
                      {"rounds", reload.rounds},
                      {"resident_tiles", reload.resident_tiles},
                      {"reloaded_tiles", reload.reloaded_tiles},
                      {"tiles_written_per_batch", reload.tiles_written},
                      {"write_ns_per_batch", reload.write_ns},
                      {"write_pj_per_batch", reload.write_pj},
                      {"batches_to_wear", reload.batches_to_wear},
                      {"seconds_to_wear", reload.seconds_to_wear}};
  }
  if (plan.duplicate) {
    Json calls = Json::object();
    for (const auto& [call, copies] : plan.duplicate->calls) calls[call] = copies;
    json["duplicate"] = {{"copies", plan.duplicate->copies},
                         {"stage_ns", plan.duplicate->stage_ns},
                         {"stage_bound_ns", plan.duplicate->stage_bound_ns},
                         {"calls", std::move(calls)}};
  }
  return json;
}

std::string csv_number(const std::optional<double>& value) {
  return value ? Json(*value).dump() : "";
}

}  // namespace

std::string to_text(const PlanReport& report) {
  std::string text;
  append(text, "%s (%.1f M weights to be analog) on %s: ", report.model.c_str(),
         static_cast<double>(report.weights) * 1e-6, report.chip.c_str());
  if (report.tiles_there == 0) {
    append(text, "as many tiles of %u x %u as needed\n", report.tile_rows, report.tile_cols);
  } else {
    append(text, "%u tiles of %u x %u\n", report.tiles_there, report.tile_rows, report.tile_cols);
  }
  if (!report.impossible.empty()) {
    append(text, "cannot be laid out: %s\n", report.impossible.c_str());
  } else {
    append(text, "%llu tiles needed: %s\n", static_cast<unsigned long long>(report.tiles_needed),
           report.fits ? "it fits" : "it does not fit");
  }
  if (!report.smallest_change.empty())
    append(text, "smallest change that would fit: %s\n", report.smallest_change.c_str());
  append(text, "\n   %-34s %9s %6s %10s %10s %10s %10s  %-19s %8s %8s %8s%s\n", "plan", "tiles", "chips", "token",
         "energy", "prompt", "write all", "bound by", "tiles", "token", "energy",
         report.options.losses ? "  loss/nats" : "");
  for (const DeploymentPlan& plan : report.plans) append_row(text, plan);
  append(text,
         "\n> best for %s, * no other plan is better in everything. Token: one generated at %u positions; prompt: per "
         "token of %u;\nright: above the lower bounds. Modelled, a static estimate (docs/planning.md).\n",
         name(report.options.objective), report.options.context, report.options.prompt_tokens);
  for (const DeploymentPlan& plan : report.plans) append_details(text, plan);
  return text;
}

Json to_json(const PlanReport& report) {
  Json json = {{"kind", "modelled"},
               {"model", report.model},
               {"chip", report.chip},
               {"analog_weights", report.weights},
               {"tiles_needed", report.tiles_needed == 0 ? Json(nullptr) : Json(report.tiles_needed)},
               {"tiles_there", report.tiles_there},
               {"tile_rows", report.tile_rows},
               {"tile_cols", report.tile_cols},
               {"fits", report.fits},
               {"objective", name(report.options.objective)},
               {"context", report.options.context},
               {"prompt_tokens", report.options.prompt_tokens},
               {"batch", report.options.batch}};
  if (!report.impossible.empty()) json["impossible"] = report.impossible;
  if (!report.smallest_change.empty()) json["smallest_change"] = report.smallest_change;
  json["plans"] = Json::array();
  for (const DeploymentPlan& plan : report.plans) json["plans"].push_back(plan_json(plan));
  return json;
}

std::string to_csv(const PlanReport& report) {
  std::string text =
      "plan,what,possible,best,pareto,chips,tiles,tile_rows,tile_cols,token_ns,token_pj,prompt_ns_per_token,program_ns,"
      "program_pj,bound_by,tiles_bound,token_ns_bound,token_pj_bound,expected_loss_nats,change,reason\r\n";
  for (const DeploymentPlan& plan : report.plans) {
    text += csv_field(name(plan.kind)) + ',' + csv_field(plan.what);
    append(text, ",%d,%d,%d,%u,%llu,%u,%u", plan.possible() ? 1 : 0, plan.best ? 1 : 0, plan.pareto ? 1 : 0, plan.chips,
           static_cast<unsigned long long>(plan.tiles), plan.tile_rows, plan.tile_cols);
    for (const auto& value : {plan.token_ns, plan.token_pj, plan.prompt_ns}) text += ',' + csv_number(value);
    text += ',' + csv_number(plan.program_ns) + ',' + csv_number(plan.program_pj) + ',' + csv_field(plan.bound_by);
    append(text, ",%llu", static_cast<unsigned long long>(plan.bounds.tiles));
    for (const auto& value : {plan.bounds.token_ns, plan.bounds.token_pj, plan.loss}) text += ',' + csv_number(value);
    text += ',' + csv_field(plan.change) + ',' + csv_field(plan.reason) + "\r\n";
  }
  return text;
}

}  // namespace xw::toolchain
