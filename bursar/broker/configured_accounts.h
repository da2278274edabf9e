// Takes the accounts of the configuration over into the ledger.
//
//   put_accounts(ledger, *wanted, running.get());   // at a reload; at the start there is no running one
//
// The file decides the limits. A freeze has two hands: `frozen: true` in the file freezes and, once a reload no longer
// finds it there, thaws; where the file says nothing, what `bursar budget freeze` said stands, restarts included. An
// account that left the file keeps its last limits, for its children and receipts do.
#pragma once

#include "bursar/broker/config/config.h"
#include "bursar/core/result.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

// The development account exists whether the file lists it or not. Errors: the ledger's, with the field of the file.
Result<void> put_accounts(ledger::Ledger& ledger, const Config& wanted, const Config* running = nullptr);

}  // namespace bursar::broker
