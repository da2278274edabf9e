#include "bursar/agree/format/game_json.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "bursar/agree/number_text.h"
#include "bursar/core/json.h"

namespace bursar::agree {
namespace {

constexpr std::size_t kMostNameBytes = 256, kMostLatent = 64, kMostActions = 4096;
constexpr double kLargest = 1e12, kTolerance = 1e-6;

using Each = std::function<Result<void>(const JsonView&)>;

Result<void> each(const JsonView& list, std::size_t most, const Each& take) {
  const auto size = list.array_size(most);
  if (!size) return tl::unexpected(size.error());
  if (*size == 0) return list.wrong("must not be empty");
  for (std::size_t k = 0; k < *size; ++k) {
    const auto element = list.element(k);
    if (!element) return tl::unexpected(element.error());
    if (auto ok = take(*element); !ok) return ok;
  }
  return {};
}

Result<void> each_at(const JsonView& object, std::string_view key, std::size_t most, const Each& take) {
  const auto list = object.at(key);
  return list ? each(*list, most, take) : tl::unexpected(list.error());
}

Result<void> take_name(const JsonView& at, std::vector<std::string>& names) {
  const auto name = at.as_string(kMostNameBytes);
  if (!name) return tl::unexpected(name.error());
  if (std::ranges::find(names, *name) != names.end()) return at.wrong("'" + std::string(*name) + "' stands twice");
  names.emplace_back(*name);
  return {};
}

Result<void> take_name_at(const JsonView& object, std::vector<std::string>& names) {
  const auto name = object.at("name");
  return name ? take_name(*name, names) : tl::unexpected(name.error());
}

Result<std::vector<double>> numbers(const JsonView& list, std::size_t size, double low, double high) {
  std::vector<double> out;
  auto ok = each(list, size, [&](const JsonView& v) -> Result<void> {
    const auto x = v.as_double(low, high);
    if (!x) return tl::unexpected(x.error());
    out.push_back(*x);
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  if (out.size() != size)
    return list.wrong("must have " + std::to_string(size) + " elements and has " + std::to_string(out.size()));
  return out;
}

// Rows of chances, each of which sums to 1.
Result<std::vector<double>> chances(const JsonView& table, std::size_t rows, std::size_t columns) {
  std::vector<double> out;
  auto ok = each(table, rows, [&](const JsonView& row) -> Result<void> {
    const auto got = numbers(row, columns, 0, 1);
    if (!got) return tl::unexpected(got.error());
    double sum = 0;
    for (const double p : *got) sum += p;
    if (std::abs(sum - 1) > kTolerance) return row.wrong("sums to " + to_text(sum) + " instead of 1");
    out.insert(out.end(), got->begin(), got->end());
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  if (out.size() != rows * columns) return table.wrong("must have " + std::to_string(rows) + " rows");
  return out;
}

class GameReader {
 public:
  explicit GameReader(const JsonView& root) : root_(root) {}

  Result<StatedGame> read() {
    for (const auto step : {&GameReader::head, &GameReader::latent, &GameReader::agents, &GameReader::law}) {
      if (auto ok = (this->*step)(); !ok) return tl::unexpected(ok.error());
    }
    if (auto ok = check(out_.game); !ok) return tl::unexpected(ok.error());
    return std::move(out_);
  }

 private:
  Result<void> head() {
    if (auto ok = root_.only({"pay_cap", "states", "actions", "latent", "agents", "joint"}); !ok) return ok;
    const auto cap = root_.double_at("pay_cap", 0, kLargest);
    if (!cap) return tl::unexpected(cap.error());
    out_.game.pay_cap = *cap;
    auto ok = each_at(root_, "states", kMostHiringCells, [&](const JsonView& state) -> Result<void> {
      if (auto known = state.only({"name", "prior"}); !known) return known;
      const auto prior = state.double_at("prior", 0, 1);
      if (!prior) return tl::unexpected(prior.error());
      out_.game.prior.push_back(*prior);
      return take_name_at(state, out_.states);
    });
    if (!ok) return ok;
    return each_at(root_, "actions", kMostActions, [&](const JsonView& action) -> Result<void> {
      if (auto known = action.only({"name", "utility"}); !known) return known;
      const auto list = action.at("utility");
      if (!list) return tl::unexpected(list.error());
      const auto utility = numbers(*list, out_.states.size(), -kLargest, kLargest);
      if (!utility) return tl::unexpected(utility.error());
      out_.game.utility.insert(out_.game.utility.end(), utility->begin(), utility->end());
      return take_name_at(action, out_.actions);
    });
  }

  // Without a latent value the agents look at the state itself.
  Result<void> latent() {
    const std::size_t states = out_.states.size();
    const auto table = root_.find("latent");
    if (!table) return tl::unexpected(table.error());
    if (!*table) {
      values_ = states;
      return {};
    }
    const auto first = (*table)->element(0);
    if (!first) return tl::unexpected(first.error());
    const auto size = first->array_size(kMostLatent);
    if (!size) return tl::unexpected(size.error());
    if (*size == 0) return first->wrong("must not be empty");
    auto law = chances(**table, states, *size);
    if (!law) return tl::unexpected(law.error());
    values_ = *size;
    latent_ = std::move(*law);
    return {};
  }

  Result<void> agents() {
    joint_ = root_.value().as_object().contains("joint");
    return each_at(root_, "agents", kMostHiringAgents, [&](const JsonView& agent) -> Result<void> {
      if (auto known = agent.only({"name", "signals", "efforts"}); !known) return known;
      if (auto ok = take_name_at(agent, out_.agents); !ok) return ok;
      auto& signals = out_.signals.emplace_back();
      auto ok = each_at(agent, "signals", kMostHiringCells, [&](const JsonView& s) { return take_name(s, signals); });
      if (!ok) return ok;
      out_.efforts.emplace_back();
      sees_.emplace_back();
      out_.game.agents.push_back({.signals = signals.size()});
      return each_at(agent, "efforts", kMostHiringCells, [&](const JsonView& e) { return effort(e); });
    });
  }

  Result<void> effort(const JsonView& at) {
    if (auto known = at.only({"name", "cost", "sees"}); !known) return known;
    if (auto ok = take_name_at(at, out_.efforts.back()); !ok) return ok;
    const auto cost = at.double_at("cost", 0, kLargest);
    if (!cost) return tl::unexpected(cost.error());
    out_.game.agents.back().costs.push_back(*cost);
    const auto table = at.find("sees");
    if (!table) return tl::unexpected(table.error());
    if (joint_ == table->has_value())
      return at.wrong(joint_ ? "has 'sees' beside the joint law; give one of them"
                             : "needs 'sees', or the game a 'joint' law");
    if (joint_) return {};
    auto law = chances(**table, values_, out_.signals.back().size());
    if (!law) return tl::unexpected(law.error());
    sees_.back().push_back(std::move(*law));
    return {};
  }

  Result<void> law() {
    const auto shape = shape_of(out_.game);
    if (!shape) return tl::unexpected(shape.error());
    if (!joint_) {
      multiply(*shape);
      return {};
    }
    const std::size_t profiles = shape->efforts.size(), signals = shape->signals.size();
    auto ok = each_at(root_, "joint", profiles, [&](const JsonView& profile) -> Result<void> {
      const auto before = out_.game.joint.size();
      auto rows = each(profile, signals, [&](const JsonView& row) -> Result<void> {
        const auto got = numbers(row, shape->states, 0, 1);
        if (!got) return tl::unexpected(got.error());
        out_.game.joint.insert(out_.game.joint.end(), got->begin(), got->end());
        return {};
      });
      if (!rows) return rows;
      if (out_.game.joint.size() - before == signals * shape->states) return {};
      return profile.wrong("must have " + std::to_string(signals) + " rows, one a profile of signals");
    });
    if (!ok || out_.game.joint.size() == shape->cells()) return ok;
    return root_.wrong("joint must have " + std::to_string(profiles) + " rows, one a profile of efforts");
  }

  // P(s, theta | b) = prior[theta] sum_x P(x | theta) prod_i P(s_i | b_i, x).
  void multiply(const HiringShape& shape) {
    out_.game.joint.assign(shape.cells(), 0);
    for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
      for (std::size_t s = 0; s < shape.signals.size(); ++s) {
        for (std::size_t x = 0; x < values_; ++x) {
          double seen = 1;
          for (std::size_t i = 0; i < shape.agents(); ++i)
            seen *= sees_[i][shape.efforts.digit(b, i)][x * shape.signals.size_of(i) + shape.signals.digit(s, i)];
          for (std::size_t theta = 0; theta < shape.states; ++theta) {
            const double is = latent_.empty() ? (x == theta ? 1 : 0) : latent_[theta * values_ + x];
            out_.game.joint[shape.cell(b, s, theta)] += out_.game.prior[theta] * is * seen;
          }
        }
      }
    }
  }

  const JsonView& root_;
  StatedGame out_;
  std::size_t values_ = 0;      // of what agents look at
  std::vector<double> latent_;  // [states x values], or empty
  bool joint_ = false;
  std::vector<std::vector<std::vector<double>>> sees_;  // [agents][efforts][values x signals]
};

}  // namespace

Result<StatedGame> read_game_json(std::string_view text) {
  const auto document = parse_json(text);
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  if (!document->is_object()) return root.wrong("must be an object");
  return GameReader(root).read();
}

}  // namespace bursar::agree
