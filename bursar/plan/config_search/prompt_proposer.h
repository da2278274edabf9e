// Proposals by a language model: the prompt goes out, its JSON comes in, is checked, and repaired at most once.
//
//   PromptProposer ask = PromptProposer(search, 10);
//   while (ask.next()) ask.report(complete(*ask.next()));      // one call, or two where something has to be repaired
//   for (const Configuration& c : ask.proposals()) search.report(c, measure(c));
//   for (const std::string& why : ask.refused()) log(why);
//
// The prompt holds the stages, what each choice costs, the total, the trials so far and what the search believes of
// them (its guidelines). A proposal counts where every stage has a known model, samples in range, the total is kept and
// it is new. The caller pays for the calls from the same account. Sans-I/O. Source: systems/agenttts (prompts ours).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bursar/plan/config_search/config_search.h"

namespace bursar::plan {

class PromptProposer {
 public:
  PromptProposer(const ConfigSearch& search, std::size_t batch);  // the search must outlive it and not change

  [[nodiscard]] const std::optional<std::string>& next() const { return prompt_; }  // absent: done
  // Any text; what cannot be read is refused, and asked for again once.
  void report(std::string_view reply);

  [[nodiscard]] const std::vector<Configuration>& proposals() const { return proposals_; }  // at most `batch`
  [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }        // why, of the last reply

 private:
  void take(std::string_view reply);
  const ConfigSearch* search_;
  std::size_t batch_;
  bool repairing_ = false;
  std::optional<std::string> prompt_;
  std::vector<Configuration> proposals_;
  std::vector<std::string> refused_;
};

}  // namespace bursar::plan
