// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GRDB

/// A process that makes runs of a store, as others recognise it and see whether it lives.
struct RunOwner: Hashable, Sendable {
  /// The machine's name, for whoever looks into the store.
  let machine: String
  /// The identity of the machine's boot.
  let boot: String
  /// The process.
  let process: Int32
  /// When the process started, in ticks since boot: another process of the same number has another.
  let start: String

  /// This process.
  static let own = RunOwner(
    machine: ProcessInfo.processInfo.hostName,
    boot: line("/proc/sys/kernel/random/boot_id") ?? "",
    process: ProcessInfo.processInfo.processIdentifier,
    start: startTime(of: ProcessInfo.processInfo.processIdentifier) ?? ""
  )

  /// Whether the process may still be there: it began after this boot, and its number is still its own.
  ///
  /// A store belongs to one machine, so an owner of another boot is gone. In another container a process may be there
  /// and not be seen: its runs are then made twice, to the same results.
  var mayLive: Bool { boot == Self.own.boot && Self.startTime(of: process) == start }

  private static func line(_ path: String) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    let line = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return line.isEmpty ? nil : line
  }

  /// Field 22 of `/proc/PID/stat`; nil for a process that is not there or has ended and waits to be asked for.
  private static func startTime(of process: Int32) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      // The name before it may hold anything, spaces and brackets too.
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[end...].split(separator: " ")
    guard fields.count > 20, fields[1] != "Z", fields[1] != "X" else { return nil }
    return String(fields[20])
  }
}

/// A process at work on a store, as `campaign status` shows it.
package struct CampaignWorker: Hashable, Sendable, Codable {
  /// The process.
  package let process: Int
  /// What it does: a design's name.
  package let work: String
  /// Seconds since it began.
  package let age: Double
  /// Runs it has made.
  package let made: Int
  /// Runs it is making.
  package let making: Int

  enum CodingKeys: String, CodingKey {
    case process = "pid"
    case work
    case age = "age_s"
    case made = "made_count"
    case making = "making_count"
  }
}

extension RunDatabase {
  /// Enters this process among those that make runs.
  func enter(for work: String) throws(CampaignError) -> Int64 {
    try writing { database in
      try Self.releaseDead(database)
      let own = RunOwner.own
      try database.execute(
        sql: "INSERT INTO owner(machine, boot, pid, start, began, work) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [
          own.machine, own.boot, Int64(own.process), own.start, Date().timeIntervalSince1970, work,
        ]
      )
      return database.lastInsertedRowID
    }
  }

  /// Takes a process off, and gives back what it was making.
  func leave(_ owner: Int64) throws(CampaignError) {
    try writing { database in
      try database.execute(sql: "UPDATE run SET owner = NULL WHERE owner = ?", arguments: [owner])
      try database.execute(sql: "DELETE FROM owner WHERE id = ?", arguments: [owner])
    }
  }

  /// Gives back what processes that are no longer there were making; true where there was any.
  func reap() throws(CampaignError) -> Bool {
    try writing { try Self.releaseDead($0) }
  }

  /// Notes that a process died while it made runs: each is a suspect, and one that was alone and had died before is
  /// recorded as crashed.
  ///
  /// - Returns: How many runs the process was making.
  package func blame(process: Int32, reason: String) throws(CampaignError) -> Int {
    try writing { database in
      let owners = try Row.fetchAll(
        database,
        sql: "SELECT id FROM owner WHERE boot = ? AND pid = ?",
        arguments: [RunOwner.own.boot, Int64(process)]
      ).map { try $0.value("id") as Int64 }
      var suspects = 0
      for owner in owners {
        let runs = try Row.fetchAll(
          database,
          sql: "SELECT id, attempts FROM run WHERE owner = ?",
          arguments: [owner]
        )
        suspects += runs.count
        try database.execute(
          sql: "UPDATE run SET attempts = attempts + 1, owner = NULL WHERE owner = ?",
          arguments: [owner]
        )
        let before: Int = try runs.first?.value("attempts") ?? 0
        if runs.count == 1, before > 0 {
          try database.execute(
            sql: "UPDATE run SET state = ?, reason = ?, made = ? WHERE id = ?",
            arguments: [
              RunState.crashed.rawValue, reason, Date().timeIntervalSince1970,
              try runs[0].value("id") as Int64,
            ]
          )
        }
        try database.execute(sql: "DELETE FROM owner WHERE id = ?", arguments: [owner])
      }
      return suspects
    }
  }

  /// The processes that are at work, the first to begin first.
  func workers() throws(CampaignError) -> [CampaignWorker] {
    try reading { database in
      let now = Date().timeIntervalSince1970
      return try Row.fetchAll(
        database,
        sql: """
          SELECT *, (SELECT count(*) FROM run WHERE run.owner = owner.id) AS making FROM owner ORDER BY id
          """
      ).filter { try Self.owner($0).mayLive }
        .map { row in
          CampaignWorker(
            process: try row.value("pid"),
            work: try row.value("work"),
            age: max(0, now - (try row.value("began") as Double)),
            made: try row.value("made"),
            making: try row.value("making")
          )
        }
    }
  }

  private static func owner(_ row: Row) throws -> RunOwner {
    try RunOwner(
      machine: row.value("machine"),
      boot: row.value("boot"),
      process: row.value("pid"),
      start: row.value("start")
    )
  }

  @discardableResult
  private static func releaseDead(_ database: Database) throws -> Bool {
    let dead = try Row.fetchAll(database, sql: "SELECT * FROM owner").filter {
      try !owner($0).mayLive
    }
    for row in dead {
      let id: Int64 = try row.value("id")
      try database.execute(sql: "UPDATE run SET owner = NULL WHERE owner = ?", arguments: [id])
      try database.execute(sql: "DELETE FROM owner WHERE id = ?", arguments: [id])
    }
    return !dead.isEmpty
  }
}
