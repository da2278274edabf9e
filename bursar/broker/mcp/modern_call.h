// One call of the modern era on its way through the pipeline, and what becomes of it where the server asks the agent
// something: the call is parked, the agent gets the questions as its result, and repeats its request with the answers.
//
//   auto call = std::make_shared<ModernCall>(context, std::move(request));
//   call->start(reply);
//   …  {"resultType":"input_required","inputRequests":{"q1":{…}},"requestState":"…"}  …
//   if (auto waiting = context->calls.unpark(id)) waiting->resume(std::move(repeat), reply);
//
// A call lives on the reactor of its first request; resume() may come from any thread. A server of the modern era asks
// by itself, in its own result: then nothing is parked, and its requestState travels inside ours.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/broker/mcp/agent_session.h"
#include "bursar/broker/mcp/modern_reply.h"
#include "bursar/broker/mcp/upstream_pool.h"

namespace bursar::broker {

class ModernCall;

// All calls that run, and those that wait for their agents: bounded, and gone when their time is over. Thread-safe.
class ModernCalls {
 public:
  static constexpr std::size_t kMaxParked = 1024, kMaxParkedPerPrincipal = 64;
  using SteadyTime = std::chrono::steady_clock::time_point;

  void add(const std::shared_ptr<ModernCall>& call);
  void remove(const ModernCall& call);
  // The name to ask for it with, once; nothing where too many wait already.
  [[nodiscard]] std::optional<std::string> park(const std::shared_ptr<ModernCall>& call, SteadyTime until);
  [[nodiscard]] std::shared_ptr<ModernCall> unpark(const std::string& id);
  void sweep();  // once a second
  void close_all(Cause cause);
  [[nodiscard]] std::size_t parked() const;

 private:
  struct Parked {
    std::shared_ptr<ModernCall> call;
    SteadyTime until;
  };
  void forget(std::unordered_map<std::string, Parked>::iterator parked);  // under the lock

  mutable std::mutex mutex_;
  std::unordered_map<const ModernCall*, std::shared_ptr<ModernCall>> running_;
  std::unordered_map<std::string, Parked> parked_;
  std::unordered_map<std::string, std::size_t> per_principal_;
};

// What the calls of the modern era share.
struct ModernContext {
  std::shared_ptr<McpServices> services;
  std::shared_ptr<UpstreamPool> pool;
  ModernCalls calls;
};

class ModernCall final : public UpstreamPool::Holder, public std::enable_shared_from_this<ModernCall> {
 public:
  struct Request {
    Message message;
    Ingress ingress;
    Principal principal;
    std::string binding;                // what a requestState of it is bound to
    std::string upstream = {};          // the only one that may be asked; empty for whichever has the name
    std::vector<std::string> others{};  // upstreams to ask next where a resource is unknown
  };

  ModernCall(std::shared_ptr<ModernContext> context, Reactor& reactor, Request request);
  ~ModernCall() override;

  void start(const std::shared_ptr<ModernReply>& reply);
  void resume(Message repeat, std::shared_ptr<ModernReply> reply);
  void stop(Cause cause);
  void tick();              // once a second
  void close(Cause cause);  // stop() of a call that may be parked

  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] const Principal& principal() const { return request_.principal; }
  void upstream_said(const std::shared_ptr<UpstreamSession>& from, const Message& message) override;

 private:
  struct Question {
    std::string key;  // ours: "q1"
    std::weak_ptr<UpstreamSession> from;
    std::string id;       // the upstream's, raw
    std::string request;  // {"method":…,"params":…}
  };
  struct Timer;

  void run(std::vector<std::string> others);
  [[nodiscard]] Result<std::shared_ptr<UpstreamSession>> open(const Call& call);
  void tell_level(const std::string& upstream);
  void prepare(UpstreamRequest& request) const;
  void asked(const std::shared_ptr<UpstreamSession>& from, const Message& message);
  void ask_agent();
  void take_answers(const Message& repeat);
  void take_reply(std::shared_ptr<ModernReply> reply);
  void called(Call& call, std::vector<std::string> others);
  void finish(int status, std::string result, std::string error);
  void deliver();
  [[nodiscard]] bool loud_enough(const Message& message) const;

  std::shared_ptr<ModernContext> context_;
  Reactor& reactor_;
  Request request_;
  std::string capabilities_, level_, progress_token_;
  std::shared_ptr<ModernReply> reply_;
  std::shared_ptr<CallDriver> driver_;
  std::shared_ptr<UpstreamPool::Lease> lease_;
  std::vector<Question> questions_;
  std::uint64_t next_question_ = 1;
  std::unique_ptr<Timer> gather_;
  bool begun_ = false, parked_ = false, ended_ = false;
  int status_ = 200;  // of the answer, once it has ended
  std::string result_, error_;
};

// requestState that we hand out, and what came back.
struct RequestState {
  enum class Kind : std::uint8_t { kParked, kUpstream };
  Kind kind = Kind::kParked;
  std::string upstream;  // kUpstream: whose state it is
  std::string value;     // the parked call's name, or the upstream's own state
};
[[nodiscard]] std::string seal_state(const McpServices& services, std::string_view binding, const RequestState& state);
// Errors: kInvalidArgument (not issued to this caller for this request), kTimeout (its lifetime is over).
[[nodiscard]] Result<RequestState> open_state(const McpServices& services, std::string_view binding,
                                              std::string_view handle);
// Principal, path, method, name and arguments of a request, so that a state fits no other.
[[nodiscard]] std::string state_binding(const Message& message, const Principal& principal, std::string_view server);

// The tasks extension, among the capabilities of a client or a server.
[[nodiscard]] bool offers_tasks(std::string_view capabilities);
// The result with the handle by which the principal asks for that upstream's task.
[[nodiscard]] std::string with_task_handle(const McpServices& services, const Principal& principal,
                                           const std::string& upstream, std::string_view result);

// A result as this era wants it: resultType, who we are, and for a resource how long it may be kept and by whom.
[[nodiscard]] std::string modern_result(std::string_view method, std::string_view result, bool may_be_public);

// Whether the policy treats all callers alike, so that what one sees another may see too.
[[nodiscard]] bool same_for_all(const PolicyConfig& policy);

}  // namespace bursar::broker
