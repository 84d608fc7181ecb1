// Ordering plans.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/rank.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace xw::toolchain {
namespace {

/// Silicon that the plan needs: cells of all tiles, used or not where the chip has a number of them.
double silicon(const DeploymentPlan& plan) {
  const double there = static_cast<double>(plan.chips) * plan.tiles_per_chip;
  return std::max(there, static_cast<double>(plan.tiles)) * plan.tile_rows * plan.tile_cols;
}

using Measures = std::array<double, 6>;
Measures measures(const DeploymentPlan& plan) {
  return {silicon(plan),
          plan.token_ns.value_or(0),
          plan.token_pj.value_or(0),
          plan.prompt_ns.value_or(0),
          plan.reload ? plan.reload->write_pj : 0,
          plan.loss.value_or(0)};
}

double objective_of(const DeploymentPlan& plan, PlanObjective objective) {
  constexpr double kUnknown = std::numeric_limits<double>::max();
  switch (objective) {
    case PlanObjective::kEnergy:
      return plan.token_pj.value_or(kUnknown);
    case PlanObjective::kTiles:
      return silicon(plan);
    case PlanObjective::kQuality:
      return plan.loss.value_or(kUnknown);
    case PlanObjective::kLatency:
      break;
  }
  return plan.token_ns.value_or(kUnknown);
}

bool dominates(const Measures& a, const Measures& b) {
  bool better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    better = better || a[i] < b[i];
  }
  return better;
}

/// How much of the chip or the model changes: what a user can do without other silicon comes first.
int effort(const DeploymentPlan& plan) {
  switch (plan.kind) {
    case PlanKind::kAsIs:
    case PlanKind::kDuplicate:
    case PlanKind::kSpread:
      return 0;
    case PlanKind::kFewerCopies:
      return 1;
    case PlanKind::kDigital:
      return 2;
    case PlanKind::kChips:
      return 3;
    case PlanKind::kTileSize:
      return 4;
    case PlanKind::kReload:
      return 5;
  }
  return 6;
}

}  // namespace

void rank(PlanReport& report) {
  std::vector<DeploymentPlan>& plans = report.plans;
  for (DeploymentPlan& plan : plans) {
    plan.pareto = plan.possible() && std::none_of(plans.begin(), plans.end(), [&](const DeploymentPlan& other) {
                    return other.possible() && dominates(measures(other), measures(plan));
                  });
  }
  const auto before = [&](const DeploymentPlan& a, const DeploymentPlan& b) {
    if (a.possible() != b.possible()) return a.possible();
    const double of_a = objective_of(a, report.options.objective), of_b = objective_of(b, report.options.objective);
    return of_a != of_b ? of_a < of_b : effort(a) < effort(b);
  };
  std::stable_sort(plans.begin(), plans.end(), before);
  if (!plans.empty() && plans.front().possible()) plans.front().best = true;
  if (report.fits) return;
  // A digital plan with more than half of the model off the tiles is no small change.
  const auto change = [&](const DeploymentPlan& plan) {
    return effort(plan) + (2 * plan.digital_macs > report.weights ? 3 : 0);
  };
  const DeploymentPlan* least = nullptr;
  for (const DeploymentPlan& plan : plans) {
    if (!plan.possible() || plan.kind == PlanKind::kAsIs) continue;
    if (least == nullptr || change(plan) < change(*least)) least = &plan;
  }
  if (least != nullptr) report.smallest_change = least->change;
}

}  // namespace xw::toolchain
