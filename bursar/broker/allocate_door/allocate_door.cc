#include "bursar/broker/allocate_door/allocate_door.h"

#include <algorithm>
#include <variant>

#include "bursar/allocate/format/answer.h"
#include "bursar/allocate/format/json_problem.h"

namespace bursar::broker {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What one search may take of the gateway's memory.
constexpr std::uint64_t kMostStates = 1 << 24, kMostCells = 1 << 26, kMostNodes = 200'000;

HttpResponse refused(const HttpRefusal& refusal) {
  HttpResponse response{.status = refusal.status, .body = refusal.body};
  if (!refusal.www_authenticate.empty()) response.headers.emplace_back("www-authenticate", refusal.www_authenticate);
  return response;
}

HttpResponse failed(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument: return http_error(400, name_of(error.code), error.message);
    case ErrorCode::kNotFound: return http_error(404, name_of(error.code), error.message);
    case ErrorCode::kExhausted: return http_error(413, name_of(error.code), error.message);
    case ErrorCode::kInfeasible: return http_error(422, name_of(error.code), error.message);
    default: return http_error(500, "internal", error.message);
  }
}

HttpResponse try_again(int status, std::string_view code, std::string_view message) {
  HttpResponse response = http_error(status, code, message);
  response.headers.emplace_back("retry-after", "1");
  return response;
}

}  // namespace

struct AllocateDoor::State {
  std::function<Authentication(const HttpRequest&)> authenticate;
  AllocateLimits limits;
  std::atomic<bool> ending{false};
  std::mutex mutex;
  std::map<std::string, std::size_t, std::less<>> under_way;  // by account; 0 is taken out

  // One more of the account, until the ticket is gone; null where it has enough.
  std::shared_ptr<void> admit(const std::shared_ptr<State>& self, const std::string& account);
  [[nodiscard]] HttpResponse solve(std::string_view body, const std::atomic<bool>& left) const;
};

std::shared_ptr<void> AllocateDoor::State::admit(const std::shared_ptr<State>& self, const std::string& account) {
  const std::scoped_lock lock(mutex);
  std::size_t& count = under_way[account];
  if (count >= limits.max_per_account) return nullptr;
  ++count;
  return {static_cast<void*>(this), [self, account](void*) {
            const std::scoped_lock guard(self->mutex);
            if (--self->under_way[account] == 0) self->under_way.erase(account);
          }};
}

HttpResponse AllocateDoor::State::solve(std::string_view body, const std::atomic<bool>& left) const {
  auto stated = allocate::read_problem_json(body, {.max_options = limits.max_options});
  if (!stated) return failed(stated.error());
  if (!stated->budget) return failed({ErrorCode::kInvalidArgument, "$: lacks budget"});
  std::vector<std::size_t> explain;
  for (const std::string& name : stated->explain) {
    auto item = item_named(stated->problem, name);
    if (!item) return failed(with_context("$.explain", item.error()));
    explain.push_back(*item);
  }
  const double most = limits.time_limit_most.count();
  const std::chrono::duration<double> patience{
      std::min(most, stated->time_limit_s.value_or(limits.time_limit.count()))};
  const auto until = SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(patience);
  allocate::AllocateOptions options = stated->options;
  options.max_states = kMostStates;
  options.max_cells = kMostCells;
  options.max_nodes = kMostNodes;
  options.stop = [&] { return left.load() || ending.load() || SteadyClock::now() > until; };
  auto answer = allocate::allocate(stated->problem, *stated->budget, options);
  if (!answer) return failed(answer.error());
  return {.body = answer_json(stated->problem, *stated->budget, *answer, {.explain = explain})};
}

AllocateDoor::AllocateDoor(Dependencies dependencies)
    : state_(std::make_shared<State>()), workers_(dependencies.limits.threads, dependencies.limits.waiting) {
  state_->authenticate = std::move(dependencies.authenticate);
  state_->limits = dependencies.limits;
}

AllocateDoor::~AllocateDoor() { state_->ending.store(true); }

void AllocateDoor::handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
  const Authentication who = state_->authenticate(request);
  if (const auto* refusal = std::get_if<HttpRefusal>(&who)) return exchange->answer(refused(*refusal));
  if (request.method != "POST") {
    HttpResponse response = http_error(405, "method_not_allowed", "Problems are posted.");
    response.headers.emplace_back("allow", "POST");
    return exchange->answer(std::move(response));
  }
  const std::string& account = std::get<Principal>(who).account;
  auto ticket = state_->admit(state_, account);
  if (!ticket) {
    return exchange->answer(try_again(429, "too_many_requests",
                                      "The account " + account + " has " +
                                          std::to_string(state_->limits.max_per_account) +
                                          " problems under way; wait for one of them."));
  }
  auto left = std::make_shared<std::atomic<bool>>(false);
  exchange->on_closed([left] { left->store(true); });
  auto task = [state = state_, exchange, left, ticket, body = std::move(request.body)]() mutable {
    if (left->load()) return;
    HttpResponse response = state->solve(body, *left);
    ticket.reset();  // whoever has the answer may ask again at once
    exchange->answer(std::move(response));
  };
  ticket.reset();
  if (!workers_.post(std::move(task))) {
    exchange->answer(try_again(503, "unavailable", "Too many problems are waiting to be solved; try again."));
  }
}

}  // namespace bursar::broker
