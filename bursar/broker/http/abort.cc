#include "bursar/broker/http/abort.h"

#include "bursar/broker/http/connection_state.h"

namespace bursar::broker {

void abort_connection(Exchange& exchange) {
  if (auto* ours = dynamic_cast<ConnectionExchange*>(&exchange)) ours->abort();
}

}  // namespace bursar::broker
