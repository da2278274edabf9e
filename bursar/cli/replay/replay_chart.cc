#include <algorithm>
#include <array>
#include <cstdio>

#include "bursar/cli/replay/log_file.h"
#include "bursar/cli/replay/replay_report.h"

namespace bursar::cli {
namespace {

constexpr std::array kColours{"#0b6e99", "#c8553d", "#4f772d", "#7b2d8b", "#b08900", "#555555", "#1b998b", "#d1495b"};
constexpr double kWidth = 360, kHeight = 220, kGap = 90, kTop = 40;
constexpr std::size_t kMostResources = 4;  // with panels of their own

using Curve = double (*)(const ReplayReport&, const admit::ReplayPoint&, std::size_t resource);

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string at(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  return text;
}

std::string label(double x, double y, std::string_view text, std::string_view more = "") {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" " + std::string(more) + ">" + escaped(text) + "</text>\n";
}

struct Panel {
  std::string title;
  double left, top;
};

std::string panel_svg(const ReplayReport& report, const Panel& panel, Curve curve, std::size_t resource) {
  double high = 0;
  for (const auto& p : report.policies) {
    for (const auto& point : p.points) high = std::max(high, curve(report, point, resource));
  }
  const double scale = high > 0 ? high : 1, requests = static_cast<double>(std::max<std::uint64_t>(report.requests, 1));
  std::string out = label(panel.left, panel.top - 8, panel.title, "font-weight=\"bold\"");
  out += "<rect x=\"" + at(panel.left) + "\" y=\"" + at(panel.top) + "\" width=\"" + at(kWidth) + "\" height=\"" +
         at(kHeight) + "\" fill=\"none\" stroke=\"#999\"/>\n";
  out += label(panel.left - 6, panel.top + 10, short_number(high), "text-anchor=\"end\"");
  out += label(panel.left - 6, panel.top + kHeight, "0", "text-anchor=\"end\"");
  out += label(panel.left + kWidth, panel.top + kHeight + 16, std::to_string(report.requests) + " requests",
               "text-anchor=\"end\"");
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    out += "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"" + std::string(kColours[i % kColours.size()]) +
           "\" points=\"";
    for (const auto& point : report.policies[i].points) {
      const double x = panel.left + kWidth * static_cast<double>(point.requests) / requests;
      const double y = panel.top + kHeight * (1 - curve(report, point, resource) / scale);
      out += at(x) + ',' + at(y) + ' ';
    }
    out += "\"/>\n";
  }
  return out;
}

double reward_of(const ReplayReport& /*report*/, const admit::ReplayPoint& point, std::size_t /*resource*/) {
  return std::max(0.0, point.reward);
}
double spent_of(const ReplayReport& report, const admit::ReplayPoint& point, std::size_t j) {
  return point.spent[j] / report.budget[j];
}
double price_of(const ReplayReport& /*report*/, const admit::ReplayPoint& point, std::size_t j) {
  return point.prices[j];
}

}  // namespace

std::string to_svg(const ReplayReport& report) {
  const std::size_t resources = std::min(report.budget.size(), kMostResources);
  const double width = 3 * (kWidth + kGap) + kGap;
  const double legend = kTop + static_cast<double>(resources) * (kHeight + kGap);
  const double height = legend + 20 * static_cast<double>(report.policies.size()) + 20;
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + at(width) + "\" height=\"" + at(height) +
                    "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
                    "fill=\"white\"/>\n";
  const auto left = [](std::size_t column) { return kGap + static_cast<double>(column) * (kWidth + kGap); };
  out += panel_svg(report, {"reward", left(0), kTop}, &reward_of, 0);
  for (std::size_t j = 0; j < resources; ++j) {
    const double top = kTop + static_cast<double>(j) * (kHeight + kGap);
    const std::string name = report.resources[j].empty() ? "budget" : report.resources[j];
    out += panel_svg(report, {"spent share of " + name, left(1), top}, &spent_of, j);
    out += panel_svg(report, {"price of " + name, left(2), top}, &price_of, j);
  }
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const double y = legend + 20 * static_cast<double>(i);
    out += "<rect x=\"" + at(kGap) + "\" y=\"" + at(y - 9) + "\" width=\"14\" height=\"10\" fill=\"" +
           kColours[i % kColours.size()] + "\"/>\n";
    out += label(kGap + 20, y, report.policies[i].label + ": " + short_number(report.policies[i].reward));
  }
  return out + "</svg>\n";
}

}  // namespace bursar::cli
