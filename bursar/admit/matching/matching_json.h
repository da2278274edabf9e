// Instances of both kinds of matching as JSON.
//
//   {"items": ["morning", "evening"],                                  or a number of items
//    "periods": [{"probability": 0.5, "value": [0.9, 0.3]},            one type of buyer
//                {"types": [{"name": "short", "probability": 0.4, "value": {"morning": 0.4, "evening": 0.8}},
//                           {"name": "long", "probability": 0.4, "value": [0.7, 0.6]}]}]}
//
//   {"goals": {"T-17": 1, "T-18": 2.5},                                names and weights, or a list of weights
//    "slots": [{"T-17": 0.5, "T-18": 0.5}, {"T-17": 0.5}]}             success probabilities, in order of arrival
//
// Errors are kInvalidArgument and say where: "$.periods[1].types[0].value: …".
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <variant>
#include <vector>

#include "bursar/admit/matching/bayesian_matching.h"
#include "bursar/admit/matching/match_instance.h"
#include "bursar/core/result.h"

namespace bursar::admit {

struct NamedMatching {
  BayesianMatching matching;
  std::vector<std::string> items;               // "0", "1", … where they have no names
  std::vector<std::vector<std::string>> types;  // [periods][types]
};

struct NamedGoals {
  MatchInstance instance;
  std::vector<std::string> goals;
};

[[nodiscard]] Result<NamedMatching> read_matching(const boost::json::value& document);
[[nodiscard]] Result<NamedGoals> read_goals(const boost::json::value& document);

// Whichever it is: the one has periods, the other slots.
[[nodiscard]] Result<std::variant<NamedMatching, NamedGoals>> read_match_document(const boost::json::value& document);

}  // namespace bursar::admit
