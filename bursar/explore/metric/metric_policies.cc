#include <array>
#include <vector>

#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/metric/zooming.h"
#include "bursar/explore/policies.h"

namespace bursar::explore {
namespace {

struct ZoomingBandit {
  static constexpr std::string_view kName = "zooming", kSlug = "bandits";
  static constexpr std::string_view kAbout =
      "arms with places, of which only those near the good ones are tried; needs the horizon";
  static std::span<const PolicyParameter> parameters() {
    static constexpr std::array kOwn{
        PolicyParameter{.name = "points",
                        .about = "the place of each arm, so many numbers for each; empty: evenly over [0, 1]",
                        .kind = ParameterKind::kNumbers,
                        .preset = "[]"},
        PolicyParameter{.name = "lipschitz",
                        .about = "means differ by at most this x distance",
                        .preset = "1",
                        .low = 1e-6,
                        .high = 1e6},
        PolicyParameter{.name = "conf",
                        .about = "width of the confidence bounds: 2 as proved, .5 for practice",
                        .preset = "2",
                        .low = 1e-6,
                        .high = 1e6}};
    return kOwn;
  }
  static Result<std::unique_ptr<Learner>> make(const PolicySetup& setup) {
    const std::size_t arms = count_of(setup, "arms");
    Net net{.points = numbers_of(setup, "points")};
    if (net.points.empty()) {
      for (std::size_t a = 0; a < arms; ++a) {
        net.points.push_back((static_cast<double>(a) + .5) / static_cast<double>(arms));
      }
    }
    if (net.points.size() % arms != 0) {
      return invalid_argument("points: has " + std::to_string(net.points.size()) + " numbers for " +
                              std::to_string(arms) + " arms; give as many for each");
    }
    net.dimension = net.points.size() / arms;
    return as_learner(Zooming::make({.points = std::move(net),
                                     .lipschitz = number_of(setup, "lipschitz"),
                                     .horizon = setup.horizon,
                                     .conf = number_of(setup, "conf")}));
  }
};

}  // namespace

PolicyTable metric_policies() {
  static const std::vector<PolicyEntry> table{bandit_entry<ZoomingBandit>()};
  return table;
}

}  // namespace bursar::explore
