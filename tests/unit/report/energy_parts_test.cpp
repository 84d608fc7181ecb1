// Energy by part of the chip: whatever takes energy is in a part, so that the parts of a report are its total.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "host/report/report.hpp"

namespace xw::report {
namespace {

using enum systemc::Component;

constexpr systemc::Component kTimeOnly[] = {kDigitalStart, kTileWait, kLinkWait, kDigitalWait, kOrderWait, kRoundWait};

double part(const systemc::Breakdown& energy, const std::string& name) {
  const auto parts = energy_parts(energy);
  const auto found = std::ranges::find(parts, name, &std::pair<std::string, double>::first);
  return found == parts.end() ? -1 : found->second;
}

TEST(EnergyParts, HoldEveryComponentThatTakesEnergyOnce) {
  for (std::size_t i = 0; i < systemc::kNumComponents; ++i) {
    const auto component = static_cast<systemc::Component>(i);
    if (std::ranges::count(kTimeOnly, component) != 0) continue;
    systemc::Breakdown energy;
    energy[component] = 3.5;
    double sum = 0;
    for (const auto& [name, pj] : energy_parts(energy)) sum += pj;
    EXPECT_EQ(sum, energy.total()) << systemc::name(component);
  }
}

TEST(EnergyParts, OfLinksAndWritingAreThereOnlyWhereTheyTakeEnergy) {
  systemc::Breakdown energy;
  for (const char* const name : {"host_link", "chip_links", "write"}) EXPECT_EQ(part(energy, name), -1) << name;
  EXPECT_EQ(part(energy, "cells"), 0);
  energy[kChipLink] = 2;
  energy[kHostLink] = 3;
  energy[kWrite] = 4;
  EXPECT_EQ(part(energy, "chip_links"), 2);
  EXPECT_EQ(part(energy, "host_link"), 3);
  EXPECT_EQ(part(energy, "write"), 4);
}

}  // namespace
}  // namespace xw::report
