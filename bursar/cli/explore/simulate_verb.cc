#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <optional>
#include <ostream>

#include "bursar/cli/explore/explore_command.h"
#include "bursar/core/json.h"
#include "bursar/explore/metric/net.h"
#include "bursar/explore/policies.h"
#include "bursar/explore/worlds.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;

constexpr double kHalfWidth = 1.96;  // standard errors of a 95% interval

// Parameters of a world, each taken once; what is left over was not understood.
class Taken {
 public:
  explicit Taken(PolicyWords words) : words_(std::move(words)) {}

  double number(std::string_view key, double preset) {
    const auto* v = words_.parameters.if_contains(key);
    if (v == nullptr) return preset;
    const double out = v->is_number() ? v->to_number<double>() : std::numeric_limits<double>::quiet_NaN();
    if (!std::isfinite(out)) wrong(key, "a number");
    words_.parameters.erase(key);
    return out;
  }
  double within(std::string_view key, double preset, double low, double high) {
    const double out = number(key, preset);
    if (!(out >= low && out <= high)) wrong(key, "from " + std::to_string(low) + " to " + std::to_string(high));
    return std::isfinite(out) ? std::clamp(out, low, high) : low;
  }
  // All in [0, 1].
  std::vector<double> shares(std::string_view key) {
    std::vector<double> out;
    const auto* v = words_.parameters.if_contains(key);
    if (v != nullptr && v->is_array()) {
      for (const auto& x : v->get_array()) out.push_back(x.is_number() ? x.to_number<double>() : -1);
    }
    if (out.empty() || !std::ranges::all_of(out, [](double x) { return x >= 0 && x <= 1; })) {
      wrong(key, "a list of numbers from 0 to 1, such as [.6;.5]");
      out = {0};
    }
    words_.parameters.erase(key);
    return out;
  }
  [[nodiscard]] Result<void> check() const {
    if (!wrong_.empty()) return invalid_argument("--world " + words_.name + ": " + wrong_);
    if (words_.parameters.empty()) return {};
    return invalid_argument("--world " + words_.name + ": has no parameter " +
                            std::string(words_.parameters.begin()->key()));
  }
  [[nodiscard]] const std::string& name() const { return words_.name; }

 private:
  void wrong(std::string_view key, const std::string& what) {
    if (wrong_.empty()) wrong_ = std::string(key) + " must be " + what;
  }
  PolicyWords words_;
  std::string wrong_;
};

Result<explore::World> world_of(const std::string& text, std::uint64_t seed) {
  auto words = parse_policy_words(text);
  if (!words) return tl::unexpected(with_context("--world", words.error()));
  Taken take(std::move(*words));
  explore::World world;
  if (take.name() == "bernoulli") {
    world = explore::bernoulli_world(take.shares("means"));
  } else if (take.name() == "normal") {
    auto means = take.shares("means");
    world = explore::normal_world(std::move(means), take.within("noise", .1, 0, 10));
  } else if (take.name() == "pricing") {
    auto prices = take.shares("prices");
    world = explore::pricing_world(std::move(prices), take.within("stock", .25, 1e-6, 1));
  } else if (take.name() == "linear") {
    const double arms = take.within("arms", 10, 1, 1e5), dimension = take.within("dimension", 5, 1, 1024);
    world = explore::linear_world(static_cast<std::size_t>(arms), static_cast<std::size_t>(dimension),
                                  RandomStream(seed).split("world"));
  } else if (take.name() == "peak") {
    const double arms = take.within("arms", 50, 1, 1e6);
    const explore::Peak peak{.top = take.within("top", .9, 0, 1),
                             .slope = take.within("slope", .8, 0, 1),
                             .at = take.within("at", .37, 0, 1)};
    auto net = explore::uniform_net({{0, 1}}, .5 / arms);
    if (!net) return tl::unexpected(net.error());
    world = explore::peak_world(std::move(net->points), peak);
    world.best = peak.top;
  } else {
    return invalid_argument("--world: there is no world \"" + take.name() +
                            "\"; there are bernoulli, normal, pricing, linear and peak");
  }
  if (auto ok = take.check(); !ok) return tl::unexpected(ok.error());
  return world;
}

struct Line {
  std::string words;
  std::vector<double> regret, earned, idle;                                // [seeds]
  std::vector<double> curve = std::vector<double>(explore::kCurvePoints);  // mean over seeds
};

struct Estimate {
  double mean = 0, half = 0;
};
Estimate estimate(const std::vector<double>& samples) {
  const auto n = static_cast<double>(samples.size());
  Estimate out;
  double squares = 0;
  for (const double x : samples) out.mean += x / n;
  for (const double x : samples) squares += (x - out.mean) * (x - out.mean);
  out.half = n > 1 ? kHalfWidth * std::sqrt(squares / (n - 1) / n) : 0;
  return out;
}

// The policy, with what the world says of itself where the user did not.
Result<std::unique_ptr<Policy>> policy_for(const std::string& text, const explore::World& world,
                                           const SimulateWords& words, std::uint64_t seed) {
  auto parsed = parse_policy_words(text);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto entry = policy_named(explore::policies(), parsed->name);
  if (!entry) return tl::unexpected(entry.error());
  parsed->parameters["arms"] = world.arms;
  parsed->parameters["seed"] = seed;
  PolicySetup setup{.horizon = words.rounds, .parameters = std::move(parsed->parameters)};
  for (const double rate : world.allowance) setup.budget.push_back(rate * static_cast<double>(words.rounds));
  if (!words.budget.empty()) setup.budget = words.budget;
  if (setup.budget.empty()) setup.budget = {std::numeric_limits<double>::max()};
  if (!world.allowance.empty() && !setup.parameters.contains("most")) {
    setup.parameters["most"] = json::array(setup.budget.size(), 1.0);
  }
  return make_policy(**entry, std::move(setup));
}

Result<Line> run_line(const std::string& text, const SimulateWords& words) {
  Line line{.words = text};
  for (std::size_t s = 0; s < words.seeds; ++s) {
    const std::uint64_t seed = words.seed + s;
    const auto world = world_of(words.world, seed);
    if (!world) return tl::unexpected(world.error());
    auto policy = policy_for(text, *world, words, seed);
    if (!policy) return tl::unexpected(policy.error());
    const auto run = explore::simulate(**policy, *world, words.rounds, RandomStream(seed));
    if (!run) return tl::unexpected(with_context(text, run.error()));
    line.regret.push_back(run->regret);
    line.earned.push_back(run->earned);
    line.idle.push_back(static_cast<double>(run->idle));
    for (std::size_t i = 0; i < run->curve.size() && i < line.curve.size(); ++i) {
      line.curve[i] += run->curve[i] / static_cast<double>(words.seeds);
    }
  }
  return line;
}

std::string number(double x) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), std::abs(x) < 100 ? "%.2f" : "%.0f", x);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string svg(const std::vector<Line>& lines, const SimulateWords& words) {
  constexpr std::array kColours{"#0b6e99", "#c8553d", "#4f772d", "#7b2d8b", "#b08900", "#555555", "#1b998b", "#d1495b"};
  constexpr double kWidth = 640, kHeight = 360, kLeft = 70, kTop = 30;
  double high = 1e-9;
  for (const Line& line : lines) high = std::max(high, *std::ranges::max_element(line.curve));
  const auto escaped = [](std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    return out;
  };
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"740\" height=\"" +
                    std::to_string(430 + 18 * lines.size()) +
                    "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
                    "fill=\"white\"/>\n<rect x=\"70\" y=\"30\" width=\"640\" height=\"360\" fill=\"none\" "
                    "stroke=\"#999\"/>\n<text x=\"70\" y=\"20\" font-weight=\"bold\">regret, " +
                    escaped(words.world) + "</text>\n<text x=\"64\" y=\"40\" text-anchor=\"end\">" + number(high) +
                    "</text>\n<text x=\"64\" y=\"390\" text-anchor=\"end\">0</text>\n<text x=\"710\" y=\"406\" "
                    "text-anchor=\"end\">" +
                    std::to_string(words.rounds) + " rounds</text>\n";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string colour = kColours[i % kColours.size()];
    out += "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"" + colour + "\" points=\"70,390";
    for (std::size_t k = 0; k < lines[i].curve.size(); ++k) {
      const double x = kLeft + kWidth * static_cast<double>(k + 1) / explore::kCurvePoints;
      const double y = kTop + kHeight * (1 - std::max(0.0, lines[i].curve[k]) / high);
      out += ' ' + number(x) + ',' + number(y);
    }
    out += "\"/>\n<text x=\"70\" y=\"" + std::to_string(424 + 18 * i) + "\" fill=\"" + colour + "\">" +
           escaped(lines[i].words) + "</text>\n";
  }
  return out + "</svg>\n";
}

std::string text_of(const std::vector<Line>& lines, const SimulateWords& words) {
  std::string out = words.world + ", " + std::to_string(words.rounds) + " rounds, " + std::to_string(words.seeds) +
                    " seeds; 95% intervals\n";
  std::size_t wide = 6;
  for (const Line& line : lines) wide = std::max(wide, line.words.size());
  const auto cell = [](const std::string& text, std::size_t width) {
    return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
  };
  out += "policy" + std::string(wide - 6, ' ') + cell("regret", 12) + cell("+-", 10) + cell("earned", 12) +
         cell("idle", 10) + '\n';
  for (const Line& line : lines) {
    const Estimate regret = estimate(line.regret);
    out += line.words + std::string(wide - line.words.size(), ' ') + cell(number(regret.mean), 12) +
           cell(number(regret.half), 10) + cell(number(estimate(line.earned).mean), 12) +
           cell(number(estimate(line.idle).mean), 10) + '\n';
  }
  return out;
}

std::string json_of(const std::vector<Line>& lines, const SimulateWords& words) {
  json::array policies;
  for (const Line& line : lines) {
    const Estimate regret = estimate(line.regret), earned = estimate(line.earned);
    policies.push_back({{"policy", line.words},
                        {"regret", regret.mean},
                        {"regret_half_width", regret.half},
                        {"earned", earned.mean},
                        {"idle", estimate(line.idle).mean},
                        {"curve", json::array(line.curve.begin(), line.curve.end())}});
  }
  return to_json(json::object{{"world", words.world},
                              {"rounds", words.rounds},
                              {"seeds", words.seeds},
                              {"policies", std::move(policies)}}) +
         "\n";
}

}  // namespace

Result<void> simulate_bandits(const SimulateWords& words, std::ostream& out) {
  std::vector<std::string> policies = words.policies;
  if (policies.empty()) policies = {"ucb1", "thompson"};
  std::vector<Line> lines;
  for (const std::string& policy : policies) {
    auto line = run_line(policy, words);
    if (!line) return tl::unexpected(line.error());
    lines.push_back(std::move(*line));
  }
  if (!words.plot.empty()) {
    std::ofstream file(words.plot, std::ios::binary);
    file << svg(lines, words);
    file.close();
    if (!file) return fail(ErrorCode::kUnavailable, words.plot + ": cannot be written");
  }
  out << (words.json ? json_of(lines, words) : text_of(lines, words));
  return {};
}

}  // namespace bursar::cli
