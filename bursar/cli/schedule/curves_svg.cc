// Curves as one self-contained SVG 1.1: no script, no style sheet, no font to fetch.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "bursar/cli/schedule/curves.h"

namespace bursar::cli {
namespace {

constexpr std::array kColours{"#0b6e99", "#c8553d", "#4f772d", "#7b2d8b", "#b08900", "#555555", "#1b998b", "#d1495b"};
constexpr double kWidth = 640, kHeight = 300, kLeft = 80, kTop = 36, kGap = 66, kLegend = 20;
constexpr std::int64_t kMostPoints = 1280;  // two a pixel

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += static_cast<unsigned char>(c) < ' ' ? '?' : c;
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

// 1, 2 or 5 times a power of ten, so that at most five of them fit.
double tick_of(double high) {
  const double power = std::pow(10, std::floor(std::log10(high / 4)));
  for (const double m : {1.0, 2.0, 5.0}) {
    if (high / (m * power) <= 5) return m * power;
  }
  return 10 * power;
}

struct Axes {
  double top = 0, high = 1, total = 1;
  [[nodiscard]] double x(double step) const { return kLeft + kWidth * step / total; }
  [[nodiscard]] double y(double value) const { return top + kHeight * (1 - value / high); }
};

std::string axes_svg(const Axes& axes, std::string_view title) {
  std::string out = label(kLeft, axes.top - 10, title, "font-weight=\"bold\"");
  for (double value = 0, tick = tick_of(axes.high); value <= axes.high * 1.0001; value += tick) {
    out += "<line x1=\"" + at(kLeft) + "\" x2=\"" + at(kLeft + kWidth) + "\" y1=\"" + at(axes.y(value)) + "\" y2=\"" +
           at(axes.y(value)) + "\" stroke=\"#e4e4e4\"/>\n";
    out += label(kLeft - 6, axes.y(value) + 4, number_text(value), "text-anchor=\"end\"");
  }
  for (double step = 0, tick = tick_of(axes.total); step <= axes.total * 1.0001; step += tick) {
    out += label(axes.x(step), axes.top + kHeight + 18, number_text(step), "text-anchor=\"middle\"");
  }
  return out + "<rect x=\"" + at(kLeft) + "\" y=\"" + at(axes.top) + "\" width=\"" + at(kWidth) + "\" height=\"" +
         at(kHeight) + "\" fill=\"none\" stroke=\"#999\"/>\n";
}

// A value stands for its whole step, so that what is held between readings is drawn as steps.
std::string line_svg(const Axes& axes, std::string_view colour, const std::vector<std::int64_t>& steps,
                     const std::vector<double>& values) {
  std::string out = "<polyline fill=\"none\" stroke-width=\"1.8\" stroke=\"" + std::string(colour) + "\" points=\"";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double begin = static_cast<double>(steps[i]);
    const double end = i + 1 < steps.size() ? static_cast<double>(steps[i + 1]) : axes.total;
    out += at(axes.x(begin)) + ',' + at(axes.y(values[i])) + ' ' + at(axes.x(end)) + ',' + at(axes.y(values[i])) + ' ';
  }
  return out + "\"/>\n";
}

Result<std::string> panel_svg(const Curves& curves, bool rates, double& top) {
  std::vector<const Curve*> shown;
  for (const Curve& curve : curves.curves) {
    if (curve.rate == rates) shown.push_back(&curve);
  }
  if (shown.empty()) return std::string();
  const auto steps = chosen_steps(curves.total, kMostPoints);
  std::vector<std::vector<double>> values(shown.size());
  double high = 0;
  for (std::size_t c = 0; c < shown.size(); ++c) {
    for (const std::int64_t t : steps) {
      const auto x = shown[c]->at(t);
      if (!x) return tl::unexpected(with_context(shown[c]->name, x.error()));
      values[c].push_back(*x);
      high = std::max(high, *x);
    }
  }
  const Axes axes{.top = top, .high = high > 0 ? high * 1.05 : 1, .total = static_cast<double>(curves.total)};
  std::string out = axes_svg(axes, rates ? "rate by step" : "budget by step");
  top += kHeight + 42;
  for (std::size_t c = 0; c < shown.size(); ++c, top += kLegend) {
    const char* const colour = kColours.at(c % kColours.size());
    out += line_svg(axes, colour, steps, values[c]);
    out += "<rect x=\"" + at(kLeft) + "\" y=\"" + at(top - 9) + "\" width=\"14\" height=\"10\" fill=\"" + colour +
           "\"/>\n" + label(kLeft + 20, top, shown[c]->name);
  }
  top += kGap - kLegend;
  return out;
}

}  // namespace

Result<std::string> curves_svg(const Curves& curves) {
  double top = kTop;
  std::string body;
  for (const bool rates : {true, false}) {
    const auto panel = panel_svg(curves, rates, top);
    if (!panel) return tl::unexpected(panel.error());
    body += *panel;
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + at(kLeft + kWidth + 30) + "\" height=\"" +
         at(top - kGap + 2 * kLegend) +
         "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" +
         body + "</svg>\n";
}

}  // namespace bursar::cli
