#include "bursar/broker/admin/status.h"

#include <boost/json.hpp>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxList = 100'000;

json::value text(const std::string& value) { return json::value(value); }

json::array names(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& name : list) out.emplace_back(name);
  return out;
}

json::object of(const UpstreamHealth& u) {
  return {{"name", text(u.name)},
          {"up", u.up},
          {"circuit_open", u.circuit_open},
          {"protocol_version", text(u.protocol_version)},
          {"sessions", u.sessions},
          {"children", u.children},
          {"restarts", u.restarts},
          {"in_flight", u.in_flight},
          {"tools", u.tools},
          {"tools_digest", text(u.tools_digest)},
          {"tools_pinned", text(u.tools_pinned)},
          {"tools_without_schema", names(u.tools_without_schema)},
          {"tools_without_latency", names(u.tools_without_latency)},
          {"sum_of_medians_us", u.sum_of_medians.count()},
          {"last_error", text(u.last_error)},
          {"sign_in", text(u.sign_in)}};
}

json::object of(const ModelHealth& m) {
  return {{"name", text(m.name)},
          {"circuit_open", m.circuit_open},
          {"in_flight", m.in_flight},
          {"last_error", text(m.last_error)}};
}

json::array of(const std::vector<ledger::Standing>& standings) {
  json::array out;
  for (const auto& s : standings) {
    out.push_back(json::object{{"account", text(s.account)},
                               {"resource", s.limit.resource.name()},
                               {"window", text(ledger::to_string(s.limit.window))},
                               {"limit", s.limit.amount},
                               {"spent", s.spent},
                               {"held", s.held},
                               {"left", s.left},
                               {"overrun", s.overrun},
                               {"stranded", s.stranded},
                               {"refills_at_us", s.refills_at ? json::value(unix_us(*s.refills_at)) : json::value()},
                               {"frozen", s.frozen}});
  }
  return out;
}

// Reads members one after the other and keeps the first error.
class Reader {
 public:
  explicit Reader(JsonView view) : view_(std::move(view)) {}

  template <class T>
  void number(std::string_view name, T& value) {
    constexpr std::int64_t kLow = std::is_signed_v<T> ? INT64_MIN : 0;
    take(view_.int_at(name, kLow), [&](std::int64_t read) { value = static_cast<T>(read); });
  }
  void flag(std::string_view name, bool& value) {
    take(view_.bool_at(name), [&](bool read) { value = read; });
  }
  void text(std::string_view name, std::string& value) {
    take(view_.string_at(name), [&](std::string_view read) { value = std::string(read); });
  }
  void time(std::string_view name, WallTime& value) {
    take(view_.int_at(name), [&](std::int64_t read) { value = wall_from_unix_us(read); });
  }
  void duration(std::string_view name, Duration& value) {
    take(view_.int_at(name), [&](std::int64_t read) { value = Duration{read}; });
  }
  void names(std::string_view name, std::vector<std::string>& value) {
    each(view_.at(name), [&](const JsonView& item) {
      take(item.as_string(), [&](std::string_view read) { value.emplace_back(read); });
    });
  }
  template <class Visit>
  void each(const Result<JsonView>& list, Visit visit) {
    if (!list) return keep(list.error());
    const auto size = list->array_size(kMaxList);
    if (!size) return keep(size.error());
    for (std::size_t i = 0; i < *size && !error_; ++i) {
      take(list->element(i), visit);
    }
  }
  template <class T, class Use>
  void take(const Result<T>& read, Use use) {
    if (read) {
      use(*read);
    } else {
      keep(read.error());
    }
  }
  void keep(Error error) {
    if (!error_) error_ = std::move(error);
  }
  [[nodiscard]] const JsonView& view() const { return view_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  JsonView view_;
  std::optional<Error> error_;
};

Result<ledger::Standing> standing_of(const JsonView& view) {
  Reader r(view);
  ledger::Standing s;
  std::string resource, window;
  r.text("account", s.account);
  r.text("resource", resource);
  r.text("window", window);
  r.number("limit", s.limit.amount);
  r.number("spent", s.spent);
  r.number("held", s.held);
  r.number("left", s.left);
  r.number("overrun", s.overrun);
  r.number("stranded", s.stranded);
  r.flag("frozen", s.frozen);
  r.take(view.at("refills_at_us"), [&](const JsonView& at) {
    if (at.value().is_null()) return;
    r.take(at.as_int(), [&](std::int64_t read) { s.refills_at = wall_from_unix_us(read); });
  });
  r.take(Resource::declare(resource), [&](Resource found) { s.limit.resource = found; });
  r.take(ledger::parse_window(window), [&](const ledger::Window& found) { s.limit.window = found; });
  if (r.error()) return tl::unexpected(*r.error());
  return s;
}

Result<std::vector<ledger::Standing>> standings_of(const JsonView& list) {
  Reader r(list);
  std::vector<ledger::Standing> out;
  r.each(list, [&](const JsonView& item) {
    r.take(standing_of(item), [&](const ledger::Standing& standing) { out.push_back(standing); });
  });
  if (r.error()) return tl::unexpected(*r.error());
  return out;
}

Result<UpstreamHealth> upstream_of(const JsonView& view) {
  Reader r(view);
  UpstreamHealth u;
  r.text("name", u.name);
  r.flag("up", u.up);
  r.flag("circuit_open", u.circuit_open);
  r.text("protocol_version", u.protocol_version);
  r.number("sessions", u.sessions);
  r.number("children", u.children);
  r.number("restarts", u.restarts);
  r.number("in_flight", u.in_flight);
  r.number("tools", u.tools);
  r.text("tools_digest", u.tools_digest);
  r.text("tools_pinned", u.tools_pinned);
  r.names("tools_without_schema", u.tools_without_schema);
  r.names("tools_without_latency", u.tools_without_latency);
  r.duration("sum_of_medians_us", u.sum_of_medians);
  r.text("last_error", u.last_error);
  r.text("sign_in", u.sign_in);
  if (r.error()) return tl::unexpected(*r.error());
  return u;
}

Result<ModelHealth> model_of(const JsonView& view) {
  Reader r(view);
  ModelHealth m;
  r.text("name", m.name);
  r.flag("circuit_open", m.circuit_open);
  r.number("in_flight", m.in_flight);
  r.text("last_error", m.last_error);
  if (r.error()) return tl::unexpected(*r.error());
  return m;
}

}  // namespace

std::string to_json(const GatewayStatus& s) {
  json::array upstreams, models;
  for (const auto& model : s.models) models.push_back(of(model));
  for (const auto& upstream : s.upstreams) upstreams.push_back(of(upstream));
  return bursar::to_json(json::value(json::object{{"version", text(s.version)},
                                                  {"started_us", unix_us(s.started)},
                                                  {"now_us", unix_us(s.now)},
                                                  {"listen", text(s.listen)},
                                                  {"draining", s.draining},
                                                  {"config_file", text(s.config_file)},
                                                  {"config_generation", s.config_generation},
                                                  {"config_loaded_us", unix_us(s.config_loaded)},
                                                  {"config_error", text(s.config_error)},
                                                  {"ledger_error", text(s.ledger_error)},
                                                  {"audit_error", text(s.audit_error)},
                                                  {"connections", s.connections},
                                                  {"sessions", s.sessions},
                                                  {"streams", s.streams},
                                                  {"calls_in_flight", s.calls_in_flight},
                                                  {"keys", s.keys},
                                                  {"internal_errors", s.internal_errors},
                                                  {"turn_budget_us", s.turn_budget.count()},
                                                  {"upstreams", std::move(upstreams)},
                                                  {"models", std::move(models)},
                                                  {"price_date", text(s.price_date)},
                                                  {"budgets", of(s.budgets)}}));
}

Result<GatewayStatus> parse_status(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = 64 << 20});
  if (!document) return tl::unexpected(document.error());
  Reader r{JsonView(*document)};
  GatewayStatus s;
  r.text("version", s.version);
  r.time("started_us", s.started);
  r.time("now_us", s.now);
  r.text("listen", s.listen);
  r.flag("draining", s.draining);
  r.text("config_file", s.config_file);
  r.number("config_generation", s.config_generation);
  r.time("config_loaded_us", s.config_loaded);
  r.text("config_error", s.config_error);
  r.text("ledger_error", s.ledger_error);
  r.text("audit_error", s.audit_error);
  r.number("connections", s.connections);
  r.number("sessions", s.sessions);
  r.number("streams", s.streams);
  r.number("calls_in_flight", s.calls_in_flight);
  r.number("keys", s.keys);
  r.number("internal_errors", s.internal_errors);
  r.duration("turn_budget_us", s.turn_budget);
  r.each(r.view().at("upstreams"), [&](const JsonView& item) {
    r.take(upstream_of(item), [&](const UpstreamHealth& upstream) { s.upstreams.push_back(upstream); });
  });
  r.each(r.view().at("models"), [&](const JsonView& item) {
    r.take(model_of(item), [&](const ModelHealth& model) { s.models.push_back(model); });
  });
  r.text("price_date", s.price_date);
  r.take(r.view().at("budgets"), [&](const JsonView& list) {
    r.take(standings_of(list), [&](const std::vector<ledger::Standing>& budgets) { s.budgets = budgets; });
  });
  if (r.error()) return tl::unexpected(*r.error());
  return s;
}

}  // namespace bursar::broker
