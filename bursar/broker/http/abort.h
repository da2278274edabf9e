// Ends the connection of a request at once, whatever was being answered: for servers that play bad ones.
//
//   abort_connection(*exchange);   // the client sees its connection end; what was not sent yet is lost
//
// From any thread. Nothing happens once the answer is complete or the connection gone.
#pragma once

#include "bursar/broker/http/server.h"

namespace bursar::broker {

void abort_connection(Exchange& exchange);

}  // namespace bursar::broker
