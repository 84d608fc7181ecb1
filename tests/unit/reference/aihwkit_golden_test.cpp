// The device models, converters and analog product against vectors made by aihwkit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>
#include <string>

#include "arch/support/error.hpp"
#include "models/cells/aihwkit_devices.hpp"
#include "models/reference/aihwkit_converters.hpp"
#include "models/reference/aihwkit_mvm.hpp"
#include "tests/unit/reference/golden.hpp"

namespace xw::reference::aihwkit {
namespace {

using cells::aihwkit::HermesDevice;
using cells::aihwkit::PcmLikeDevice;
using cells::aihwkit::reram_wan2022;
using cells::aihwkit::ReramTime;

using nlohmann::json;
using test::GoldenTensor;
using test::relative_error;

constexpr double kTolerance = 2e-6;  // the vectors are fp32

std::vector<double> doubles(const json& tensor) {
  const GoldenTensor golden(tensor);
  return {golden.data.begin(), golden.data.end()};
}

/// out[i] = f(i) for all elements of the case's "out".
double error_of(const json& c, const std::function<double(std::size_t)>& f) {
  const GoldenTensor out(c.at("out"));
  std::vector<double> found;
  for (std::size_t i = 0; i < out.data.size(); ++i) found.push_back(f(i));
  return relative_error(found, out.data);
}

/// Programming, exponent or drift case of any device class.
template <typename Device>
void check_device(const json& c, const Device& device, const std::string& kind) {
  const std::vector<double> xi = doubles(c.at("xi").at(0));
  if (kind == "prog") {
    const std::vector<double> g = doubles(c.at("g"));
    EXPECT_LT(error_of(c, [&](std::size_t i) { return device.programmed(g[i], xi[i]); }), kTolerance);
  } else if (kind == "nu") {
    const std::vector<double> g = doubles(c.at("g"));
    EXPECT_LT(error_of(c, [&](std::size_t i) { return device.drift_exponent(g[i], xi[i]); }), kTolerance);
  } else {
    ASSERT_EQ(kind, "drift");
    const std::vector<double> g = doubles(c.at("g_prog")), nu = doubles(c.at("nu"));
    EXPECT_LT(error_of(c, [&](std::size_t i) { return device.read(g[i], nu[i], c.at("t"), xi[i]); }), kTolerance);
  }
}

void check_converter(const json& c, const std::string& name) {
  const std::vector<double> weight = doubles(c.at("weight"));
  const PairConverter converter(name == "conv_single_gmin" ? 1.0 : 0.0, 25.0,
                                name == "conv_npair" ? std::vector<double>{1.0, 3.0} : std::vector<double>{1.0});
  const Conductances pairs = converter.to_conductances(weight);
  EXPECT_NEAR(pairs.scale / c.at("scale_ratio").get<double>(), 1.0, kTolerance);
  ASSERT_EQ(c.at("g").size(), 2 * pairs.plus.size());
  for (std::size_t n = 0; n < pairs.plus.size(); ++n) {
    EXPECT_LT(relative_error(pairs.plus[n], GoldenTensor(c.at("g").at(2 * n)).data), kTolerance);
    EXPECT_LT(relative_error(pairs.minus[n], GoldenTensor(c.at("g").at(2 * n + 1)).data), kTolerance);
  }
  EXPECT_LT(relative_error(converter.to_weights(pairs), GoldenTensor(c.at("back")).data), kTolerance);
}

void check_pair_tile(const json& c) {
  const auto xi = [&](const char* key, std::size_t i) { return doubles(c.at(key).at(i)); };
  const std::vector<double> weight = doubles(c.at("weight"));
  const auto program_plus = xi("xi_prog", 0), exponent_plus = xi("xi_prog", 1), program_minus = xi("xi_prog", 2),
             exponent_minus = xi("xi_prog", 3);
  const PcmPairTile tile(weight, {program_plus, exponent_plus, program_minus, exponent_minus});
  EXPECT_LT(relative_error(tile.programmed(), GoldenTensor(c.at("programmed")).data), kTolerance);
  EXPECT_LT(relative_error(tile.exponents_plus(), GoldenTensor(c.at("nu").at(0)).data), kTolerance);
  EXPECT_LT(relative_error(tile.exponents_minus(), GoldenTensor(c.at("nu").at(1)).data), kTolerance);
  EXPECT_LT(
      relative_error(tile.read(c.at("t"), xi("xi_drift", 0), xi("xi_drift", 1)), GoldenTensor(c.at("drifted")).data),
      1e-5);
}

void check_mvm(const json& c) {
  static const std::map<std::string, NoiseManagement> kNoise = {
      {"None", NoiseManagement::kNone}, {"AbsMax", NoiseManagement::kAbsMax}, {"Constant", NoiseManagement::kConstant}};
  static const std::map<std::string, BoundManagement> kBound = {{"None", BoundManagement::kNone},
                                                                {"Iterative", BoundManagement::kIterative}};
  IoParameters io;
  io.inp_res = c.at("inp_res");
  io.out_res = c.at("out_res");
  io.out_bound = c.at("out_bound");
  io.noise_management = kNoise.at(c.at("nm"));
  io.bound_management = kBound.at(c.at("bm"));
  const GoldenTensor weight(c.at("weight")), x(c.at("x")), y(c.at("y"));
  std::vector<float> found;
  for (std::size_t v = 0; v < x.rows; ++v) {
    const std::vector<float> row = analog_mvm(weight.view(), std::span(x.data).subspan(v * x.cols, x.cols), io);
    found.insert(found.end(), row.begin(), row.end());
  }
  EXPECT_LT(relative_error(found, y.data), 1e-5);
}

TEST(AihwkitGolden, EveryCase) {
  const json golden = test::read_golden();
  std::set<std::string> seen;
  for (const json& c : golden.at("aihwkit")) {
    const std::string name = c.at("case");
    SCOPED_TRACE(c.contains("nm") ? name + " " + c.at("nm").get<std::string>() + " " + c.at("bm").get<std::string>()
                                  : name);
    seen.insert(name);
    if (name.starts_with("pcm_full")) {
      check_pair_tile(c);
    } else if (name.starts_with("pcm_")) {
      check_device(c, PcmLikeDevice{}, name.substr(4));
    } else if (name.starts_with("hermes")) {
      check_device(c, HermesDevice(name[6] - '0'), name.substr(8));
    } else if (name.starts_with("conv_")) {
      check_converter(c, name);
    } else if (name == "analog_mvm") {
      check_mvm(c);
    } else {
      ASSERT_EQ(name, "wan2022_1s");
      const std::vector<double> g = doubles(c.at("g")), xi = doubles(c.at("xi").at(0));
      EXPECT_LT(error_of(c, [&](std::size_t i) { return reram_wan2022(g[i], ReramTime::kOneSecond, xi[i]); }),
                kTolerance);
    }
  }
  EXPECT_EQ(seen.size(), 15U);
}

TEST(AihwkitDevices, PublishedNumbers) {
  const PcmLikeDevice pcm;
  EXPECT_NEAR(pcm.programmed(0.0, 1.0), 0.26348, 1e-12);
  EXPECT_EQ(pcm.programmed(0.0, -1.0), 0.0) << "a conductance is never negative";
  // At g_max: Q = 0.0088; the square root is 4.1838 at t = 0, 4.765 after an hour, 5.087 a day, 5.637 a year.
  const std::pair<double, double> roots[] = {{0.0, 4.1838}, {3600.0, 4.765}, {86400.0, 5.087}, {31536000.0, 5.637}};
  for (const auto& [t, root] : roots)
    EXPECT_NEAR((pcm.read(25.0, 0.0, t, 1.0) - 25.0) / 25.0 / 0.0088, root, 6e-4) << t;
  EXPECT_NEAR(pcm.read(25.0, 0.05, 20.0 * 99.0, 0.0), 25.0 * std::pow(100.0, -0.05), 1e-12);
  // Programming error in percent of g_max at half and at full range.
  EXPECT_NEAR((HermesDevice(2).programmed(10.35, 1.0) - 10.35) / 20.7, 0.048, 5e-4);
  EXPECT_NEAR((HermesDevice(2).programmed(20.7, 1.0) - 20.7) / 20.7, 0.053, 5e-4);
  EXPECT_NEAR((HermesDevice(1).programmed(5.175, 1.0) - 5.175) / 10.35, 0.084, 5e-4);
  EXPECT_NEAR((HermesDevice(1).programmed(10.35, 1.0) - 10.35) / 10.35, 0.097, 5e-4);
  // Wan et al.: constant term, and the sum of the coefficients at full range.
  EXPECT_NEAR(reram_wan2022(0.0, ReramTime::kOneDay, 1.0), 0.701, 1e-12);
  EXPECT_NEAR(reram_wan2022(25.0, ReramTime::kTwoDays, 1.0) - 25.0, 2.677, 1e-12);
}

TEST(AihwkitConverters, RoundTripAndFillOrder) {
  const std::vector<double> weights = {0.0, 0.25, -0.5, 1.0, -1.0, 0.1};
  for (const auto& factors :
       {std::vector<double>{1.0}, std::vector<double>{1.0, 3.0}, std::vector<double>{4.0, 2.0, 1.0}}) {
    const PairConverter converter(2.0, 20.0, factors);
    const Conductances pairs = converter.to_conductances(weights);
    EXPECT_THAT(converter.to_weights(pairs), testing::Pointwise(testing::DoubleNear(1e-12), weights));
  }
  const Conductances pairs = PairConverter(0.0, 25.0, {1.0, 3.0}).to_conductances(weights);
  EXPECT_DOUBLE_EQ(pairs.plus[0][1], 25.0);  // a quarter of the range is the whole first pair
  EXPECT_DOUBLE_EQ(pairs.plus[1][1], 0.0);
  EXPECT_DOUBLE_EQ(pairs.minus[0][2], 25.0);
  EXPECT_NEAR(pairs.minus[1][2], 25.0 / 3.0, 1e-12);
}

TEST(Aihwkit, RejectsWhatDoesNotFit) {
  EXPECT_THROW(HermesDevice(3), Error);
  EXPECT_THROW(PairConverter(25.0, 25.0), Error);
  EXPECT_THROW(PairConverter(-1.0, 25.0), Error);
  EXPECT_THROW(PairConverter(0.0, 25.0, {}), Error);
  EXPECT_THROW(PairConverter(0.0, 25.0, {1.0, 0.0}), Error);
  const std::vector<double> two = {1.0, 2.0}, one = {1.0};
  EXPECT_THROW(PcmPairTile(two, {two, two, two, one}), Error);
  EXPECT_THROW((void)PcmPairTile(two, {two, two, two, two}).read(0.0, two, one), Error);
  const std::vector<float> w(6), x(4);
  EXPECT_THROW((void)analog_mvm({w, 2, 3}, x, {}), Error);
}

}  // namespace
}  // namespace xw::reference::aihwkit
