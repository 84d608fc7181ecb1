// What the calibrations of a chip cost it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/calibration_section.hpp"

#include <nlohmann/json.hpp>

#include "arch/support/units.hpp"
#include "host/report/text_format.hpp"

namespace xw::report {

CalibrationSection make_calibration_section(std::span<const estimate::CallEstimate> calls,
                                            const std::string& compensation, std::uint32_t vectors, double interval) {
  CalibrationSection section{compensation, vectors, 0, 0, interval};
  for (const estimate::CallEstimate& call : calls) {
    section.time_ns += vectors * call.time_ns();
    section.energy_pj += vectors * call.energy_pj.total();
  }
  return section;
}

nlohmann::ordered_json to_json(const CalibrationSection& section) {
  const auto modelled = [](double value, const char* unit) {
    return nlohmann::ordered_json{{"value", value}, {"unit", unit}, {"kind", "modelled"}};
  };
  nlohmann::ordered_json json = {{"compensation", section.compensation},
                                 {"vectors", section.vectors},
                                 {"time", modelled(section.time_ns, "ns")},
                                 {"energy", modelled(section.energy_pj, "pJ")}};
  if (section.interval > 0) {
    json["every"] = {{"value", section.interval}, {"unit", "s"}};
    json["per_day"] = section.per_day();
    json["time_share"] = section.time_share();
    json["energy_per_day"] = modelled(section.joules_per_day(), "J");
  }
  return json;
}

void print_text(const CalibrationSection& section, std::ostream& out) {
  line(out, "\nCalibration (modelled, static estimate): compensation %s takes %s and %s each time",
       section.compensation.c_str(), scaled(section.time_ns * 1e-9, "s").c_str(),
       scaled(section.energy_pj * 1e-12, "J").c_str());
  if (section.interval <= 0) return;
  line(out, "  every %s: %.4g a day, %.3g %% of the time, %s per day", duration_text(section.interval).c_str(),
       section.per_day(), 100 * section.time_share(), scaled(section.joules_per_day(), "J").c_str());
}

}  // namespace xw::report
