#include "bursar/broker/mcp/own_tools.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "bursar/broker/pipeline/enrich.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxAbove = 1024;
constexpr Duration kAboveAge = std::chrono::seconds{1};

constexpr std::string_view kTools =
    R"({"tools":[{"name":"budget","title":"Budget","description":)"
    R"("What is left of your budget: for your account, every account above it and this turn, the limits, what is spent, )"
    R"(what is left and when it refills. Free of charge. Ask before you plan, and whenever a call was refused.",)"
    R"("inputSchema":{"type":"object","properties":{}},)"
    R"("annotations":{"title":"Budget","readOnlyHint":true,"idempotentHint":true,"openWorldHint":false}}]})";

// One answer, on the caller's reactor.
class OwnSession final : public UpstreamSession {
 public:
  OwnSession(Reactor& reactor, std::string result) : reactor_(reactor), result_(std::move(result)) {}
  Ticket request(UpstreamRequest, RequestSink, RequestDone done) override {
    reactor_.post([done = std::move(done), result = result_] { done({.result = result, .sent = true}); });
    return 1;
  }
  void cancel(Ticket, std::string_view) override {}
  void notify(std::string, std::string) override {}
  void respond(std::string) override {}

 private:
  Reactor& reactor_;
  std::string result_;
};

double share_of(const ledger::Standing& line) {
  if (line.frozen || line.limit.amount <= 0) return 0;
  return std::clamp(static_cast<double>(line.left) / static_cast<double>(line.limit.amount), 0.0, 1.0);
}

std::string share_text(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.3f", share);
  return text;
}

std::string line_json(const ledger::Standing& line) {
  const auto number = [&](std::int64_t units) { return json_number({line.limit.resource, units}); };
  const double share = share_of(line);
  std::string out =
      R"({"account":)" + json_string(line.account) + R"(,"resource":)" + json_string(line.limit.resource.name()) +
      R"(,"window":)" + json_string(ledger::to_string(line.limit.window)) + R"(,"limit":)" + number(line.limit.amount) +
      R"(,"spent":)" + number(line.spent) + R"(,"held":)" + number(line.held) + R"(,"left":)" +
      number(std::max<std::int64_t>(line.left, 0)) + R"(,"share_left":)" + share_text(share) + R"(,"regime":)" +
      json_string(regime_of(share)) + R"(,"frozen":)" + (line.frozen ? "true" : "false");
  if (line.refills_at) out += R"(,"refills_at":)" + json_string(utc_text(*line.refills_at));
  return out + "}";
}

std::string line_text(const ledger::Standing& line) {
  const double share = share_of(line);
  std::string out = std::string(line.limit.resource.name()) + ": ";
  if (line.frozen) return out + line.account + " is frozen\n";
  out += to_string(Amount{line.limit.resource, line.spent + line.held}) + " used, " +
         to_string(Amount{line.limit.resource, std::max<std::int64_t>(line.left, 0)}) + " left (" +
         std::string(regime_of(share)) + ")";
  if (line.refills_at) out += ", refills " + utc_text(*line.refills_at);
  return out + "\n";
}

std::string_view advice(std::string_view regime) {
  if (regime == "HIGH") return "Explore widely.";
  if (regime == "MEDIUM") return "Be precise; converge.";
  return regime == "LOW" ? "One focused step at a time." : "Avoid paid calls unless indispensable; answer.";
}

}  // namespace

std::string_view regime_of(double share_left) {
  if (share_left >= .7) return "HIGH";
  if (share_left >= .3) return "MEDIUM";
  return share_left >= .1 ? "LOW" : "CRITICAL";
}

std::shared_ptr<const UpstreamLists> own_lists() {
  static const auto kLists = [] {
    auto lists = std::make_shared<UpstreamLists>();
    lists->upstream = kOwnUpstream;
    lists->prefix = std::string(kOwnUpstream) + ".";
    lists->capabilities = R"({"tools":{"listChanged":true}})";
    lists->loaded = lists->up = true;
    auto items = read_items(ListKind::kTools, kTools, 16, nullptr);
    if (items) lists->items[0] = std::make_shared<const std::vector<CatalogueItem>>(std::move(*items));
    lists->hints[0] = {.ttl_ms = 24 * 3600 * 1000, .is_public = true};
    return std::shared_ptr<const UpstreamLists>(std::move(lists));
  }();
  return kLists;
}

std::string budget_result(const BudgetReport& report, WallTime now) {
  double least = 1;
  std::string lines, text = "Budget of " + report.account + "\n";
  for (const ledger::Standing& line : report.lines) {
    lines += (lines.empty() ? "" : ",") + line_json(line);
    least = std::min(least, share_of(line));
  }
  // Per resource the line that will stop the caller first.
  std::vector<const ledger::Standing*> tightest;
  for (const ledger::Standing& line : report.lines) {
    const auto same = std::ranges::find_if(
        tightest, [&](const ledger::Standing* other) { return other->limit.resource == line.limit.resource; });
    if (same == tightest.end())
      tightest.push_back(&line);
    else if (line.frozen || line.left < (*same)->left)
      *same = &line;
  }
  for (const ledger::Standing* line : tightest) text += line_text(*line);
  if (tightest.empty()) text += "no limit\n";
  const std::int64_t turn_ms = std::max<std::int64_t>(to_ms(report.turn_left).count(), 0);
  std::string turn = R"({"ms_left":)" + std::to_string(turn_ms);
  if (!report.turn.empty()) turn += R"(,"id":)" + json_string(report.turn);
  text += "turn: " + std::to_string(turn_ms) + " ms left";
  for (const Amount& cap : report.caps) {
    turn += "," + json_string(std::string(cap.resource.name()) + "_left") + ":" + json_number(cap);
    text += ", " + to_string(cap) + " left";
  }
  const std::string_view regime = regime_of(least);
  text += "\n" + std::string(advice(regime));
  return R"({"content":[{"type":"text","text":)" + json_string(text) + R"(}],"structuredContent":{"account":)" +
         json_string(report.account) + R"(,"time":)" + json_string(utc_text(now)) + R"(,"regime":)" +
         json_string(regime) + R"(,"budgets":[)" + lines + R"(],"turn":)" + turn + "}}}";
}

std::vector<ledger::Standing> OwnTools::lines_of(const std::string& account, ledger::Ledger& ledger, WallTime now) {
  const auto exactly = [&](const std::string& path) {
    std::vector<ledger::Standing> lines = ledger.standing(path);
    std::erase_if(lines, [&](const ledger::Standing& line) { return line.account != path; });
    return lines;
  };
  std::vector<ledger::Standing> out = exactly(account);
  for (std::string path = account; path.find('/') != std::string::npos;) {
    path.resize(path.rfind('/'));
    const std::scoped_lock lock(mutex_);
    if (above_.size() >= kMaxAbove && !above_.contains(path)) above_.clear();
    Known& known = above_[path];
    if (known.at == WallTime{} || now - known.at >= kAboveAge) known = {now, exactly(path)};
    out.insert(out.end(), known.lines.begin(), known.lines.end());
  }
  return out;
}

std::shared_ptr<UpstreamSession> OwnTools::open(const Call& call, Pipeline& pipeline, ledger::Ledger& ledger,
                                                Reactor& reactor, WallTime now) {
  BudgetReport report{.account = call.principal.account,
                      .lines = lines_of(call.principal.account, ledger, now),
                      .turn = call.turn_id,
                      .turn_left = call.state.turn_ends - now};
  if (!call.turn_id.empty()) report.caps = pipeline.shared().turns.caps(call.principal.subject, call.turn_id);
  return std::make_shared<OwnSession>(reactor, budget_result(report, now));
}

}  // namespace bursar::broker
