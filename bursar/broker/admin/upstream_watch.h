// Tells the metrics how upstreams stand, and raises an alarm once when one offers other tools than were pinned.
//
//   UpstreamWatch watch(metrics, security_log);
//   for (const UpstreamHealth& health : status.upstreams) watch.look(health);   // every few seconds, by one thread
#pragma once

#include <map>
#include <string>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/broker/telemetry/security_log.h"

namespace bursar::broker {

class UpstreamWatch {
 public:
  UpstreamWatch(Metrics& metrics, SecurityLog& security_log) : metrics_(metrics), security_log_(security_log) {}

  void look(const UpstreamHealth& health);

 private:
  Metrics& metrics_;
  SecurityLog& security_log_;
  std::map<std::string, std::string> told_;  // upstream to the digest that the alarm was raised for
};

}  // namespace bursar::broker
