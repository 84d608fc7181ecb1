// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace xw::finetune {
namespace {

constexpr double kWidth = 720, kHeight = 400, kLeft = 70, kRight = 20, kTop = 40, kBottom = 50;
constexpr int kTicks = 5;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else
      result += c;
  }
  return result;
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + escaped(text) +
         "</text>\n";
}

}  // namespace

std::string loss_svg(const std::vector<LossPoint>& points, const std::string& title) {
  double low = 0, high = 1, last = 1;
  if (!points.empty()) {
    low = high = points[0].loss;
    for (const LossPoint& point : points) {
      low = std::min(low, point.loss);
      high = std::max(high, point.loss);
      last = std::max(last, point.tokens);
    }
    if (high <= low) high = low + 1;
  }
  const auto x_of = [&](double tokens) { return kLeft + tokens / last * (kWidth - kLeft - kRight); };
  const auto y_of = [&](double loss) { return kTop + (high - loss) / (high - low) * (kHeight - kTop - kBottom); };
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(kWidth) + "\" height=\"" +
                    number(kHeight) + "\" font-family=\"sans-serif\" font-size=\"12\">\n" +
                    "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + label(kWidth / 2, 22, "middle", title);
  for (int tick = 0; tick <= kTicks; ++tick) {
    const double loss = low + (high - low) * tick / kTicks;
    const double tokens = last * tick / kTicks;
    svg += "<line x1=\"" + number(kLeft) + "\" x2=\"" + number(kWidth - kRight) + "\" y1=\"" + number(y_of(loss)) +
           "\" y2=\"" + number(y_of(loss)) + "\" stroke=\"#ddd\"/>\n";
    svg += label(kLeft - 8, y_of(loss) + 4, "end", number(loss));
    svg += label(x_of(tokens), kHeight - kBottom + 18, "middle", number(tokens));
  }
  svg += label(kWidth / 2, kHeight - 12, "middle", "tokens");
  svg += label(kLeft - 8, kTop - 12, "end", "loss, nats");
  svg += "<polyline fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\" points=\"";
  for (const LossPoint& point : points) svg += number(x_of(point.tokens)) + "," + number(y_of(point.loss)) + " ";
  return svg + "\"/>\n</svg>\n";
}

std::vector<LossPoint> read_loss_points(const std::filesystem::path& metrics) {
  std::vector<LossPoint> points;
  std::ifstream file(metrics);
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("loss") || !json["loss"].is_number() || !json.contains("tokens") ||
        !json["tokens"].is_number())
      continue;
    points.push_back({json["tokens"].get<double>(), json["loss"].get<double>()});
  }
  return points;
}

}  // namespace xw::finetune
