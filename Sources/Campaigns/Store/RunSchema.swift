// SPDX-License-Identifier: GPL-3.0-or-later

import GRDB

/// The tables of a store of runs, and how a store of an earlier form becomes one of this.
enum RunSchema {
  /// What marks a file of SQLite as ours, in its header: `s2tn`.
  static let application: Int64 = 0x7332_746E
  /// What makes the tables, form by form; a step is applied once to a store and never changed after.
  private static let steps = [first]
  /// The version of the form, in the file's header.
  static var version: Int { steps.count }

  /// The version of an open store; zero of an empty one.
  static func version(of database: Database) throws -> Int {
    try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
  }

  /// Makes the tables, or brings those of an earlier form forward, all or nothing.
  static func prepare(_ database: Database) throws {
    guard try version(of: database) < version else { return }
    try database.inTransaction(.immediate) {
      // Another process may have done it meanwhile.
      for step in steps.dropFirst(try version(of: database)) { try database.execute(sql: step) }
      try database.execute(
        sql: "PRAGMA application_id = \(application); PRAGMA user_version = \(version)"
      )
      return .commit
    }
  }

  /// The first form.
  ///
  /// `run.state` is 0 where it waits, 1 done, 2 refused, 3 crashed. A run that is being made waits and has an owner.
  private static let first = """
    CREATE TABLE owner(
      id INTEGER PRIMARY KEY, machine TEXT NOT NULL, boot TEXT NOT NULL, pid INTEGER NOT NULL,
      start TEXT NOT NULL, began REAL NOT NULL, made INTEGER NOT NULL DEFAULT 0, work TEXT NOT NULL
    ) STRICT;
    CREATE TABLE run(
      id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, simulator TEXT NOT NULL,
      host TEXT NOT NULL, kernel TEXT NOT NULL, workload TEXT NOT NULL, policy TEXT NOT NULL,
      seed INTEGER NOT NULL, manner TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,
      owner INTEGER REFERENCES owner(id), attempts INTEGER NOT NULL DEFAULT 0, reason TEXT,
      made REAL, seconds REAL, features TEXT, numbers BLOB
    ) STRICT;
    CREATE INDEX run_owned ON run(owner) WHERE owner IS NOT NULL;
    CREATE INDEX run_suspect ON run(attempts) WHERE attempts > 0 AND state = 0;
    CREATE INDEX run_failed ON run(state) WHERE state >= 2;
    CREATE TABLE report(run INTEGER PRIMARY KEY REFERENCES run(id) ON DELETE CASCADE, json TEXT NOT NULL) STRICT;
    CREATE TABLE design(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, plan TEXT, digest TEXT NOT NULL,
      seed INTEGER NOT NULL, simulator TEXT NOT NULL, began REAL NOT NULL
    ) STRICT;
    CREATE TABLE place(
      design INTEGER NOT NULL REFERENCES design(id) ON DELETE CASCADE, number INTEGER NOT NULL,
      run INTEGER NOT NULL REFERENCES run(id), workload INTEGER NOT NULL, replicate INTEGER NOT NULL,
      asked TEXT NOT NULL, PRIMARY KEY(design, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX place_run ON place(run);
    CREATE TABLE tally(
      design INTEGER NOT NULL REFERENCES design(id) ON DELETE CASCADE, state INTEGER NOT NULL,
      runs INTEGER NOT NULL, PRIMARY KEY(design, state)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER run_counted AFTER UPDATE OF state ON run WHEN OLD.state <> NEW.state BEGIN
      UPDATE tally SET runs = runs - 1
        WHERE state = OLD.state AND design IN (SELECT design FROM place WHERE run = NEW.id);
      INSERT INTO tally SELECT design, NEW.state, 1 FROM place WHERE run = NEW.id
        ON CONFLICT(design, state) DO UPDATE SET runs = runs + 1;
    END;
    CREATE TRIGGER place_counted AFTER INSERT ON place BEGIN
      INSERT INTO tally SELECT NEW.design, state, 1 FROM run WHERE id = NEW.run
        ON CONFLICT(design, state) DO UPDATE SET runs = runs + 1;
    END;
    """
}

extension Row {
  /// The value of a column; throws where a damaged file holds another kind of value.
  func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(
    _ column: String
  ) throws -> Value {
    try decode(Value.self, forColumn: column)
  }

  /// The value of a column that may have none.
  func optional<Value: DatabaseValueConvertible & StatementColumnConvertible>(
    _ column: String
  ) throws -> Value? {
    try decode(Value?.self, forColumn: column)
  }
}
