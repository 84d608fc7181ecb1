// Weights as conductance pairs, as aihwkit maps them, and a whole drifting tile of such pairs. For studies.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/cells/aihwkit_devices.hpp"

namespace xw::reference::aihwkit {

/// Conductances (microsiemens) of all weights: `plus[n][i]` and `minus[n][i]` of pair n of weight i.
struct Conductances {
  std::vector<std::vector<double>> plus, minus;
  double scale = 1.0;  ///< microsiemens per unit of weight
};

/// Maps weights to one or more pairs; pair n counts `factors[n]` times, and the first pairs fill up first.
/// One pair with factor 1 is aihwkit's SinglePair converter, several are its NPair.
class PairConverter {
 public:
  /// Throws Error{kInvalidArgument} unless 0 <= g_min < g_max and there is a positive factor per pair.
  PairConverter(double g_min, double g_max, std::vector<double> factors = {1.0});
  /// The largest magnitude of all weights gets the full range.
  [[nodiscard]] Conductances to_conductances(std::span<const double> weights) const;
  [[nodiscard]] std::vector<double> to_weights(const Conductances& conductances) const;

 private:
  double g_min_, g_max_;
  std::vector<double> factors_;
};

/// A tile of single pairs of PCM-like devices: programmed weights now, drifted weights later. As in aihwkit, drift acts on the *programmed
/// weights mapped anew*, so one device of each pair is again at zero.
class PcmPairTile {
 public:
  /// Deviates of programming and of the drift exponents, one per weight and device.
  struct Deviates {
    std::span<const double> program_plus, exponent_plus, program_minus, exponent_minus;
  };
  /// Throws Error{kShapeMismatch} if the lengths differ.
  PcmPairTile(std::span<const double> weights, const Deviates& deviates);
  [[nodiscard]] const std::vector<double>& programmed() const { return programmed_; }
  [[nodiscard]] const std::vector<double>& exponents_plus() const { return exponents_plus_; }
  [[nodiscard]] const std::vector<double>& exponents_minus() const { return exponents_minus_; }
  /// Weights read `t` seconds after programming.
  [[nodiscard]] std::vector<double> read(double t, std::span<const double> xi_plus,
                                         std::span<const double> xi_minus) const;

 private:
  cells::aihwkit::PcmLikeDevice device_;
  PairConverter converter_;
  std::vector<double> programmed_, exponents_plus_, exponents_minus_;
};

}  // namespace xw::reference::aihwkit
