#include "reproduce/plot.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

namespace bursar::reproduce {
namespace {

constexpr double kWidth = 760, kPanel = 300, kLeft = 64, kRight = 190, kTop = 34, kBottom = 46, kHead = 30;
constexpr std::array kColours{"#1b6ca8", "#c44536", "#5a8f29", "#8e5ea2", "#b07d1a", "#4d5966", "#2a9d8f"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

std::string px(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  return text;
}

std::optional<double> as_number(std::string_view text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(x)) return std::nullopt;
  return x;
}

struct Axis {
  double low = 0, high = 1, from = 0, to = 1;  // values low … high lie at pixels from … to
  [[nodiscard]] double at(double x) const { return from + (x - low) / (high - low) * (to - from); }
};

// A step of 1, 2 or 5 times a power of ten that cuts the range into about five.
double tick_step(double range) {
  const double raw = range / 5, power = std::pow(10, std::floor(std::log10(raw)));
  const double lead = raw / power;
  return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

Axis vertical(const Table& table, double top) {
  double low = 0, high = 0;  // zero is always shown: a cut axis makes small leads look large
  for (const Row& row : table.rows) {
    for (const Cell& cell : row.cells) {
      for (const double x : {cell.ours.low, cell.ours.high, cell.sheet.value_or(0)}) {
        if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
      }
    }
  }
  if (high == low) high = low + 1;
  const double step = tick_step(high - low);
  return {.low = std::floor(low / step) * step,
          .high = std::ceil(high / step) * step,
          .from = top + kPanel - kBottom,
          .to = top + kTop};
}

class Panel {
 public:
  Panel(const Table& table, double top) : table_(table), y_(vertical(table, top)), top_(top) {
    numeric_ = table.columns.size() > 1;
    for (const std::string& column : table.columns) {
      const auto x = as_number(column);
      numeric_ = numeric_ && x && (numbers_.empty() || *x > numbers_.back());
      numbers_.push_back(x.value_or(0));
    }
  }

  std::string draw() {
    out_ += R"(<g font-family="sans-serif" font-size="11" fill="#222">)";
    text(kLeft, top_ + 20, "start", table_.text.title + "; " + table_.text.quantity);
    frame();
    for (std::size_t r = 0; r < table_.rows.size(); ++r) numeric_ ? line(r) : bars(r);
    legend();
    return out_ + "</g>\n";
  }

 private:
  void text(double x, double y, const char* anchor, std::string_view what) {
    out_ += "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + anchor + "\">" + escaped(what) + "</text>";
  }
  void stroke(double x1, double y1, double x2, double y2, const char* colour) {
    out_ += "<line x1=\"" + px(x1) + "\" y1=\"" + px(y1) + "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) + "\" stroke=\"" +
            colour + "\"/>";
  }

  void frame() {
    const double step = tick_step(y_.high - y_.low);
    const long ticks = std::lround((y_.high - y_.low) / step);
    for (long k = 0; k <= ticks; ++k) {
      const double v = y_.low + static_cast<double>(k) * step;
      stroke(kLeft, y_.at(v), kWidth - kRight, y_.at(v), "#ddd");
      text(kLeft - 6, y_.at(v) + 4, "end", to_short(std::abs(v) < step / 1e6 ? 0 : v));
    }
    for (std::size_t c = 0; c < table_.columns.size(); ++c) {
      text(centre(c), y_.from + 16, "middle", table_.columns[c]);
    }
    text((kLeft + kWidth - kRight) / 2, y_.from + 34, "middle", table_.text.x_label);
  }

  // Numbers keep their distances only where that leaves room between neighbours; otherwise conditions stand evenly.
  [[nodiscard]] double centre(std::size_t column) const {
    const double width = kWidth - kRight - kLeft, n = static_cast<double>(table_.columns.size());
    if (numeric_ && is_roomy()) {
      return kLeft + 20 + (numbers_[column] - numbers_.front()) / (numbers_.back() - numbers_.front()) * (width - 40);
    }
    return kLeft + width * (static_cast<double>(column) + .5) / n;
  }
  [[nodiscard]] bool is_roomy() const {
    const double range = numbers_.back() - numbers_.front();
    for (std::size_t i = 1; i < numbers_.size(); ++i) {
      if ((numbers_[i] - numbers_[i - 1]) / range < .05) return false;
    }
    return true;
  }

  void mark(double x, const Cell& cell, const char* colour) {
    if (!std::isfinite(cell.ours.mean)) return;
    if (cell.ours.seeds > 1) stroke(x, y_.at(cell.ours.low), x, y_.at(cell.ours.high), colour);
    if (cell.sheet) {
      out_ += "<circle cx=\"" + px(x) + "\" cy=\"" + px(y_.at(*cell.sheet)) + "\" r=\"4\" fill=\"none\" stroke=\"" +
              colour + "\"/>";
    }
  }

  void line(std::size_t r) {
    const char* colour = kColours.at(r % kColours.size());
    std::string points;
    for (std::size_t c = 0; c < table_.columns.size(); ++c) {
      const Cell& cell = table_.rows[r].cells[c];
      if (!std::isfinite(cell.ours.mean)) continue;
      points += px(centre(c)) + "," + px(y_.at(cell.ours.mean)) + " ";
      mark(centre(c), cell, colour);
    }
    out_ += "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"" + std::string(colour) + "\" points=\"" + points +
            "\"/>";
  }

  void bars(std::size_t r) {
    const char* colour = kColours.at(r % kColours.size());
    const double slot = (kWidth - kRight - kLeft) / static_cast<double>(table_.columns.size());
    const double width = slot * .8 / static_cast<double>(table_.rows.size());
    for (std::size_t c = 0; c < table_.columns.size(); ++c) {
      const Cell& cell = table_.rows[r].cells[c];
      if (!std::isfinite(cell.ours.mean)) continue;
      const double x = centre(c) - slot * .4 + width * static_cast<double>(r);
      const double a = y_.at(cell.ours.mean), b = y_.at(std::clamp(0.0, y_.low, y_.high));
      out_ += "<rect x=\"" + px(x) + "\" y=\"" + px(std::min(a, b)) + "\" width=\"" + px(width * .9) + "\" height=\"" +
              px(std::abs(a - b)) + "\" fill=\"" + colour + "\" fill-opacity=\".55\"/>";
      mark(x + width * .45, cell, colour);
    }
  }

  void legend() {
    for (std::size_t r = 0; r < table_.rows.size(); ++r) {
      const double y = top_ + kTop + 14 + 16 * static_cast<double>(r);
      out_ += "<rect x=\"" + px(kWidth - kRight + 14) + "\" y=\"" + px(y - 8) +
              "\" width=\"10\" height=\"10\" fill=\"" + kColours.at(r % kColours.size()) + "\"/>";
      text(kWidth - kRight + 30, y, "start", table_.rows[r].arm);
    }
  }

  const Table& table_;
  Axis y_;
  double top_;
  bool numeric_ = false;
  std::vector<double> numbers_;  // [columns]
  std::string out_;
};

}  // namespace

std::string to_svg(const Report& report) {
  std::string panels;
  double top = kHead;
  for (const Table& table : report.tables) {
    if (!table.text.plotted || table.columns.empty()) continue;
    panels += Panel(table, top).draw();
    top += kPanel;
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(kWidth) + "\" height=\"" + px(top) +
         "\" viewBox=\"0 0 " + px(kWidth) + " " + px(top) + "\">\n" +
         "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" +
         "<text x=\"12\" y=\"20\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">" +
         escaped(report.slug + ": ours with 95% intervals over " + std::to_string(report.seeds) +
                 " seeds; rings are the sheet's figures") +
         "</text>\n" + panels + "</svg>\n";
}

}  // namespace bursar::reproduce
