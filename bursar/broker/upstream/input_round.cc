#include "bursar/broker/upstream/input_round.h"

#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {

Result<std::vector<std::string>> begin_round(InputRound& round, std::string_view result, std::uint64_t& next_id) {
  if (++round.rounds > kRoundsMax)
    return invalid_argument("still asks for input after " + std::to_string(kRoundsMax) + " rounds");
  round.state = raw_member(result, "requestState");
  round.waiting.clear();
  round.methods.clear();
  round.answers.clear();
  if (!round.state.empty() && !round.state.starts_with('"')) return invalid_argument("requestState is no string");
  std::vector<std::string> questions;
  for (MemberCursor at(raw_member(result, "inputRequests")); at.next();) {
    const std::string method = raw_string(raw_member(at.value(), "method"));
    const std::string_view params = raw_member(at.value(), "params");
    if (method.empty()) return invalid_argument("an input request has no method");
    if (!params.empty() && !params.starts_with('{')) return invalid_argument("an input request's params are no object");
    if (questions.size() >= kQuestionsMax) return invalid_argument("asks for too much input at once");
    const std::string id = "\"input-" + std::to_string(++next_id) + "\"";
    questions.push_back(make_request(id, method, params));
    const std::string_view raw = at.raw();
    round.waiting.emplace(id, raw.substr(0, raw.size() - at.value().size()));
    round.methods.emplace(id, method);
  }
  if (questions.empty() && round.state.empty()) return invalid_argument("asks for input, but does not say for which");
  return questions;
}

Result<bool> take_answer(InputRound& round, const Message& response) {
  const auto waiting = round.waiting.find(response.id());
  if (waiting == round.waiting.end()) return round.waiting.empty();
  const std::string method = round.methods[waiting->first];
  std::string answer(response.result());
  if (response.kind() == MessageKind::kError) {
    if (method != "elicitation/create") return fail(ErrorCode::kUnavailable, std::string(response.error()));
    answer = R"({"action":"cancel"})";
  }
  round.answers.emplace_back(waiting->second, std::move(answer));
  round.waiting.erase(waiting);
  return round.waiting.empty();
}

std::string repeated_params(const InputRound& round, std::string_view params) {
  std::string responses = "{";
  for (const auto& [key, answer] : round.answers) {
    if (responses.size() > 1) responses += ',';
    responses.append(key).append(answer);
  }
  responses += '}';
  const auto some = [](const std::string& raw, bool there) {
    return there ? std::optional<std::string_view>(raw) : std::nullopt;
  };
  const std::string with = with_member(params, "inputResponses", some(responses, !round.answers.empty()));
  return with_member(with, "requestState", some(round.state, !round.state.empty()));
}

}  // namespace bursar::broker
