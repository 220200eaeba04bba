// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GRDB
import Quantities
import Scenarios

/// What was taken out of a store.
package struct StoreCleaning: Hashable, Sendable, Codable {
  /// Campaigns that were dropped.
  package let campaigns: Int
  /// Runs that nothing uses any more.
  package let runs: Int
  /// The file before, in bytes.
  package let before: Int64
  /// The file afterwards, in bytes.
  package let after: Int64

  enum CodingKeys: String, CodingKey {
    case campaigns = "dropped_campaign_count"
    case runs = "dropped_run_count"
    case before = "before_bytes"
    case after = "after_bytes"
  }
}

extension RunDatabase {
  /// Drops campaigns by name and all of other simulators, and every run that no campaign has left and that is of another
  /// simulator or of a dropped campaign; gives the space back.
  package func clean(dropping names: [String]) throws(CampaignError) -> StoreCleaning {
    var known: [StoredDesign] = []
    for name in names { known.append(try design(named: name)) }
    let stale = try designs().filter { $0.simulator != Scenario.simulatorVersion }
    let dropped = Set((known + stale).map(\.id))
    let busy = try workers()
    if let worker = busy.first(where: { worker in
      (known + stale).contains { $0.name == worker.work }
    }) {
      throw .file(
        name: name,
        reason: "process \(worker.process) is at work on \(worker.work); stop it first"
      )
    }
    let before = size
    let runs = try writing { database in
      try database.execute(
        sql: "CREATE TEMP TABLE IF NOT EXISTS loose(run INTEGER PRIMARY KEY); DELETE FROM loose"
      )
      for id in dropped {
        try database.execute(
          sql: "INSERT OR IGNORE INTO loose SELECT run FROM place WHERE design = ?",
          arguments: [id]
        )
        try database.execute(sql: "DELETE FROM design WHERE id = ?", arguments: [id])
      }
      try database.execute(
        sql: "INSERT OR IGNORE INTO loose SELECT id FROM run WHERE simulator <> ?",
        arguments: [Scenario.simulatorVersion]
      )
      try database.execute(
        sql: "DELETE FROM run WHERE id IN loose AND id NOT IN (SELECT run FROM place)"
      )
      return database.changesCount
    }
    do {
      try queue.vacuum()
      try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    } catch {
      throw .file(
        name: name,
        reason: "the space of what was dropped cannot be given back: \(error)"
      )
    }
    return StoreCleaning(campaigns: dropped.count, runs: runs, before: before, after: size)
  }

  /// The size of the file, in bytes.
  package var size: Int64 {
    let attributes = try? FileManager.default.attributesOfItem(atPath: name)
    return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
  }

  /// Takes the campaigns and runs of another store into this one; how many runs were new.
  ///
  /// Runs that were done in either are done; a campaign of the same name must be the same one.
  package func merge(_ other: RunDatabase) throws(CampaignError) -> Int {
    var longer: [StoredDesign] = []
    for design in try other.designs() {
      let known = try designs().first { $0.name == design.name }
      guard known == nil || (known?.digest == design.digest && known?.simulator == design.simulator)
      else {
        throw .foreign(
          file: "\(other.name), \(design.name)",
          quantity: "design",
          found: "\(design.digest) of simulator \(design.simulator)",
          expected: "\(known?.digest ?? "") of simulator \(known?.simulator ?? "")"
        )
      }
      if let known, design.plan?.replicates ?? 1 > known.plan?.replicates ?? 1 {
        longer.append(design)
      }
    }
    let path = other.name
    do {
      return try queue.writeWithoutTransaction { database in
        try database.execute(sql: "ATTACH DATABASE ? AS other", arguments: [path])
        defer { try? database.execute(sql: "DETACH DATABASE other") }
        var new = 0
        try database.inTransaction(.immediate) {
          let before = try Self.done(database)
          try database.execute(sql: Self.merging)
          for design in longer {
            try database.execute(
              sql: "UPDATE main.design SET plan = ? WHERE name = ?",
              arguments: [try design.plan.map { try JSON.text($0, isPretty: false) }, design.name]
            )
          }
          new = try Self.done(database) - before
          return .commit
        }
        return new
      }
    } catch let error as CampaignError {
      throw error
    } catch {
      throw .file(name: path, reason: "it cannot be merged: \(error)")
    }
  }

  private static func done(_ database: Database) throws -> Int {
    try Int.fetchOne(database, sql: "SELECT count(*) FROM run WHERE state = 1") ?? 0
  }

  /// Designs, then runs that are not here, then what was done there and waits here.
  private static let merging = """
    INSERT OR IGNORE INTO main.run(key, simulator, host, kernel, workload, policy, seed, manner)
      SELECT key, simulator, host, kernel, workload, policy, seed, manner FROM other.run ORDER BY id;
    INSERT OR IGNORE INTO main.design(name, plan, digest, seed, simulator, began)
      SELECT name, plan, digest, seed, simulator, began FROM other.design ORDER BY id;
    INSERT OR IGNORE INTO main.place(design, number, run, workload, replicate, asked)
      SELECT mine.id, p.number, r.id, p.workload, p.replicate, p.asked FROM other.place p
      JOIN other.design d ON d.id = p.design JOIN main.design mine ON mine.name = d.name
      JOIN other.run o ON o.id = p.run JOIN main.run r ON r.key = o.key;
    INSERT OR IGNORE INTO main.report(run, json)
      SELECT r.id, t.json FROM other.report t JOIN other.run o ON o.id = t.run
      JOIN main.run r ON r.key = o.key WHERE o.state = 1 AND r.state <> 1;
    UPDATE main.run SET (state, reason, made, seconds, features, numbers, owner) =
      (SELECT o.state, o.reason, o.made, o.seconds, o.features, o.numbers, NULL FROM other.run o WHERE o.key = main.run.key)
      WHERE state <> 1 AND key IN (SELECT key FROM other.run WHERE state <> 0);
    """
}
