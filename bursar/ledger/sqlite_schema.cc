#include "bursar/ledger/sqlite_schema.h"

namespace bursar::ledger {

const char* const kStoreSchema = R"(
CREATE TABLE process(id INTEGER PRIMARY KEY, started_us INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
                     ended INTEGER NOT NULL);
CREATE TABLE resource(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE account(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, frozen INTEGER NOT NULL, sync INTEGER NOT NULL,
                     fail_open INTEGER NOT NULL);
CREATE TABLE cell(id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account, resource INTEGER NOT NULL,
                  kind INTEGER NOT NULL, amount INTEGER NOT NULL CHECK(amount >= 0), time_zone TEXT NOT NULL,
                  period_us INTEGER NOT NULL, position INTEGER NOT NULL, live INTEGER NOT NULL, begin_us INTEGER NOT NULL,
                  base INTEGER NOT NULL CHECK(base >= stranded), stranded INTEGER NOT NULL CHECK(stranded >= 0),
                  overrun INTEGER NOT NULL, level INTEGER NOT NULL, level_at_us INTEGER NOT NULL);
CREATE TABLE lease(cell INTEGER NOT NULL REFERENCES cell, process INTEGER NOT NULL REFERENCES process,
                   begin_us INTEGER NOT NULL, born INTEGER NOT NULL, granted INTEGER NOT NULL CHECK(granted >= settled),
                   settled INTEGER NOT NULL CHECK(settled >= 0), overrun INTEGER NOT NULL, through INTEGER NOT NULL,
                   PRIMARY KEY(cell, process)) WITHOUT ROWID;
CREATE TABLE receipt(sequence INTEGER PRIMARY KEY, hold INTEGER NOT NULL, account INTEGER NOT NULL,
                     at_us INTEGER NOT NULL, born INTEGER NOT NULL, flags INTEGER NOT NULL, amounts BLOB NOT NULL,
                     key TEXT, memo TEXT);
CREATE TABLE receipt_group(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, from_us INTEGER NOT NULL,
                           to_us INTEGER NOT NULL);
CREATE INDEX receipt_group_time ON receipt_group(to_us);
CREATE TABLE reservation(hold INTEGER PRIMARY KEY, account INTEGER NOT NULL, at_us INTEGER NOT NULL,
                         expires_us INTEGER NOT NULL, amounts BLOB NOT NULL, key TEXT NOT NULL);
CREATE TRIGGER receipt_never_changes BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'receipts never change'); END;
CREATE TRIGGER receipt_never_goes BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'receipts are never deleted'); END;
)";

StoreStatements::StoreStatements(Connection& db)
    : receipt(db,
              "INSERT INTO receipt(sequence, hold, account, at_us, born, flags, amounts, key, memo) "
              "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(sequence) DO NOTHING"),
      group(db,
            "INSERT INTO receipt_group VALUES(?1, ?2, ?3, ?4) ON CONFLICT(first) DO UPDATE SET "
            "last = max(last, ?2), from_us = min(from_us, ?3), to_us = max(to_us, ?4)"),
      cell(db,
           "SELECT account, resource, kind, amount, time_zone, period_us, live, begin_us, base, stranded, overrun, "
           "level, level_at_us FROM cell WHERE id = ?1"),
      lease(db,
            "SELECT begin_us, born, granted, settled, overrun, through FROM lease WHERE cell = ?1 AND process = ?2"),
      others(db,
             "SELECT total(granted), total(granted - settled) FROM lease WHERE cell = ?1 AND process <> ?2 AND "
             "begin_us = ?3"),
      put_cell(db,
               "UPDATE cell SET begin_us = ?2, base = ?3, stranded = ?4, overrun = ?5, level = ?6, level_at_us = ?7 "
               "WHERE id = ?1"),
      put_lease(db,
                "INSERT INTO lease(cell, process, begin_us, born, granted, settled, overrun, through) "
                "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(cell, process) DO UPDATE SET begin_us = ?3, "
                "born = ?4, granted = ?5, settled = ?6, overrun = ?7, through = ?8"),
      account(db,
              "INSERT INTO account VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(id) DO UPDATE SET frozen = ?3, sync = ?4, "
              "fail_open = ?5"),
      new_cell(db,
               "INSERT INTO cell VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, 0, ?5, ?11) "
               "ON CONFLICT(id) DO NOTHING"),
      change_cell(db,
                  "UPDATE cell SET amount = ?2, time_zone = ?3, period_us = ?4, position = ?5, live = ?6, "
                  "begin_us = ?7, level = ?8, level_at_us = ?9 WHERE id = ?1"),
      forgive(db, "UPDATE cell SET base = base - stranded, stranded = 0 WHERE id = ?1"),
      close(db, "UPDATE process SET ended = 1 WHERE id = ?1"),
      reserve(db, "INSERT INTO reservation VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(hold) DO NOTHING"),
      unreserve(db, "DELETE FROM reservation WHERE hold = ?1"),
      process(db, "UPDATE process SET checkpoint = ?2 WHERE id = ?1"),
      resource(db, "INSERT INTO resource VALUES(?1, ?2)") {}

}  // namespace bursar::ledger
