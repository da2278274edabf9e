#include "bursar/plan/config_search/prompt_proposer.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <iomanip>
#include <sstream>

#include "bursar/plan/config_search/subtask_json.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kMostReply = 1 << 20, kShownTrials = 40, kShownRefusals = 20;

std::string number(double x) {
  std::ostringstream out;
  out << std::setprecision(4) << x;
  return out.str();
}

std::string stages_text(const ConfigSpace& space) {
  std::string out;
  for (std::size_t i = 0; i < space.stages().size(); ++i) {
    const ChainStage& stage = space.stages()[i];
    out +=
        std::to_string(i + 1) + ". " + stage.name + ", samples from 1 to " + std::to_string(stage.max_samples) + "\n";
    for (const std::size_t m : space.by_size(i)) {
      const double first = space.cost(i, {m, 1});
      out += "   - model " + stage.models[m].name + ": " + number(first) + " for one sample";
      if (stage.max_samples > 1) out += ", " + number(space.cost(i, {m, 2}) - first) + " for each further one";
      out += "\n";
    }
  }
  return out;
}

std::string trials_text(const ConfigSearch& search) {
  const std::size_t n = search.trials().size();
  if (n == 0) return "No trials yet.\n";
  std::string out = "Trials so far (score from 0 to 1, cost):\n";
  for (std::size_t k = n > kShownTrials ? n - kShownTrials : 0; k < n; ++k) {
    const Trial& trial = search.trials()[k];
    out += "- " + to_text(search.space(), trial.configuration) + ": " + number(trial.score.value) + ", " +
           number(trial.cost) + "\n";
  }
  const std::vector<Guideline> guidelines = search.guidelines();
  if (!guidelines.empty()) out += "What they say:\n";
  for (const Guideline& g : guidelines) out += "- " + g.text + " (probability " + number(g.probability) + ")\n";
  return out;
}

std::string first_prompt(const ConfigSearch& search, std::size_t batch) {
  const ConfigSpace& space = search.space();
  return "Task: propose configurations\nA job runs through fixed stages. Each stage is given to one model, which is "
         "sampled several times and then fuses its samples. Propose " +
         std::to_string(batch) + " new configurations that may score higher than those tried.\n\nStages:\n" +
         stages_text(space) + "Total cost of a configuration, at most: " + number(space.budget()) + "\n\n" +
         trials_text(search) +
         "\nSome stages need a large model, others do as well with many samples of a small one. More samples help up "
         "to "
         "a point. Stages compete for the total, and a poor early stage makes later ones want more. Where scores "
         "hardly vary, cross and change what was tried.\n\nReply with JSON alone, in this form:\n" +
         "[{\"stages\":[{\"name\":\"" + space.stages()[0].name + "\",\"model\":\"" + space.stages()[0].models[0].name +
         "\",\"samples\":1}, …]}, …]\n";
}

std::string repair_prompt(const std::string& first, std::string_view reply, const std::vector<std::string>& refused) {
  std::string out =
      first + "\nYour last reply was:\n" + std::string(reply.substr(0, 16'384)) + "\n\nIt could not all be used:\n";
  for (std::size_t i = 0; i < std::min(refused.size(), kShownRefusals); ++i) out += "- " + refused[i] + "\n";
  return out + "Reply with corrected ones, as JSON alone.\n";
}

// The JSON array in a reply that may have words or fences around it.
std::string_view array_in(std::string_view reply) {
  const std::size_t begin = reply.find('['), end = reply.rfind(']');
  return begin == std::string_view::npos || end == std::string_view::npos || end < begin
             ? std::string_view()
             : reply.substr(begin, end - begin + 1);
}

}  // namespace

PromptProposer::PromptProposer(const ConfigSearch& search, std::size_t batch)
    : search_(&search), batch_(std::max<std::size_t>(1, batch)), prompt_(first_prompt(search, batch_)) {}

void PromptProposer::take(std::string_view reply) {
  refused_.clear();
  if (reply.size() > kMostReply) return refused_.push_back("the reply is longer than 1 MiB");
  const auto document = parse_json(array_in(reply), {.max_bytes = kMostReply, .max_depth = 16});
  if (!document || !document->is_array()) return refused_.push_back("there is no JSON array of configurations in it");
  const JsonView list(*document);
  for (std::size_t k = 0; k < document->get_array().size() && proposals_.size() < batch_; ++k) {
    const auto one = list.element(k).and_then([&](const JsonView& v) { return configuration_of(search_->space(), v); });
    const auto complain = [&](const std::string& why) {
      refused_.push_back("proposal " + std::to_string(k) + ": " + why);
    };
    if (!one) {
      complain(one.error().message);
      continue;
    }
    if (const auto ok = search_->space().check(*one); !ok) {
      complain(ok.error().message);
      continue;
    }
    const auto tried = [&](const Trial& trial) { return trial.configuration == *one; };
    if (std::ranges::any_of(search_->trials(), tried) || std::ranges::find(proposals_, *one) != proposals_.end()) {
      complain(to_text(search_->space(), *one) + " was tried or proposed already");
      continue;
    }
    proposals_.push_back(*one);
  }
}

void PromptProposer::report(std::string_view reply) {
  if (!prompt_) return;
  take(reply);
  const bool again = !repairing_ && !refused_.empty() && proposals_.size() < batch_;
  repairing_ = true;
  prompt_ = again ? std::optional(repair_prompt(first_prompt(*search_, batch_), reply, refused_)) : std::nullopt;
}

}  // namespace bursar::plan
