#include "bursar/broker/strategies/feedback_door.h"

#include "bursar/broker/models/model_answer.h"
#include "bursar/broker/strategies/let_in.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMostBytes = 64 << 10, kMostTruth = 4096, kMostId = 128;

struct Told {
  std::string id;
  plan::Feedback said;
};

Result<Told> read_feedback(std::string_view body) {
  auto document = parse_json(body, {.max_bytes = kMostBytes, .max_depth = 4});
  if (!document) return tl::unexpected(document.error());
  if (!document->is_object()) return invalid_argument("body: must be a JSON object");
  const JsonView root(*document, "");
  if (auto ok = root.only({"id", "correct", "reward", "truth"}); !ok) return tl::unexpected(ok.error());
  auto id = root.string_at("id", kMostId);
  if (!id) return tl::unexpected(id.error());
  Told out{.id = std::string(*id), .said = {}};
  const auto& given = document->get_object();
  if (given.contains("correct")) {
    auto correct = root.bool_at("correct");
    if (!correct) return tl::unexpected(correct.error());
    out.said.correct = *correct;
  }
  if (given.contains("reward")) {
    auto reward = root.double_at("reward", 0, 1);
    if (!reward) return tl::unexpected(reward.error());
    out.said.reward = *reward;
  }
  if (given.contains("truth")) {
    auto truth = root.string_at("truth", kMostTruth);
    if (!truth) return tl::unexpected(truth.error());
    out.said.truth = *truth;
  }
  return out;
}

}  // namespace

void FeedbackDoor::handle(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) const {
  const auto principal = let_in(dependencies_.authenticate, request, "POST", *exchange);
  if (!principal) return;
  auto told = read_feedback(request.body);
  if (!told) return exchange->answer(plain_refusal(400, "invalid_request", told.error().message));
  if (auto heard = dependencies_.beliefs->feedback(told->id, principal->subject, told->said); !heard) {
    const bool unknown = heard.error().code == ErrorCode::kNotFound;
    return exchange->answer(
        plain_refusal(unknown ? 404 : 400, unknown ? "not_found" : "invalid_request", heard.error().message));
  }
  exchange->answer({.status = 200, .body = R"({"id":)" + json_string(told->id) + R"(,"learned":true})"});
}

}  // namespace bursar::broker
