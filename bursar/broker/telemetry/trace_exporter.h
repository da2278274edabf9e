// Sends finished spans to an OTLP/HTTP receiver, in groups, without anybody waiting for it.
//
//   TraceExporter exporter(reactors.at(0));
//   exporter.configure(config.telemetry);        // errors: a url that cannot be called; an empty url: off
//   exporter.add(spans_of(call, now));
//   exporter.flush();                            // once a second
//
// A group is at most 512 spans, and one is under way at a time. While 8,192 spans wait, further ones are counted as
// lost; a group that the receiver refuses is tried three times (429, 502, 503, 504 and no answer), then lost.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "bursar/broker/config/config.h"
#include "bursar/broker/http/reactor.h"
#include "bursar/broker/telemetry/span.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class TraceExporter {
 public:
  static constexpr std::size_t kGroup = 512, kMaxWaiting = 8192;
  static constexpr int kTries = 3;

  explicit TraceExporter(Reactor& reactor);
  ~TraceExporter();

  Result<void> configure(const TelemetryConfig& config);
  [[nodiscard]] bool enabled() const;
  void add(std::vector<Span> spans);
  void flush();
  [[nodiscard]] std::uint64_t exported() const;
  [[nodiscard]] std::uint64_t lost() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace bursar::broker
