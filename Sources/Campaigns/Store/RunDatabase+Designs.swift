// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GRDB
import Operations
import Policies
import Profiles
import Quantities
import Scenarios

/// How a run of a store stands.
package enum RunState: Int, Hashable, Sendable, CaseIterable {
  /// It is not made yet.
  case waiting = 0
  /// Its report is there.
  case done = 1
  /// It cannot be made, or met its limit: the sentence is there.
  case refused = 2
  /// The process that made it alone died twice.
  case crashed = 3
}

/// A design of a store.
package struct StoredDesign: Hashable, Sendable {
  /// Its number in the store.
  let id: Int64
  /// The campaign's name.
  package let name: String
  /// What it was made from; nil for points that no plan gives.
  package let plan: CampaignPlan?
  /// The digest of its points.
  package let digest: String
  /// The seed of the design.
  package let seed: UInt64
  /// The simulator that its runs are of.
  package let simulator: String
}

/// How far a design is, run by run state.
package struct CampaignTally: Hashable, Sendable {
  /// Runs of each state.
  package let counts: [RunState: Int]

  /// Runs of a state.
  package subscript(_ state: RunState) -> Int { counts[state] ?? 0 }

  /// Runs of the design.
  package var total: Int { counts.values.reduce(0, +) }
}

extension RunDatabase {
  /// The designs of the store, in the order in which they were begun.
  package func designs() throws(CampaignError) -> [StoredDesign] {
    try reading { try Row.fetchAll($0, sql: "SELECT * FROM design ORDER BY id").map(Self.design) }
  }

  /// The design of a name; throws `unknownDesign` where there is none.
  package func design(named name: String) throws(CampaignError) -> StoredDesign {
    let all = try designs()
    guard let found = all.first(where: { $0.name == name }) else {
      throw .unknownDesign(store: self.name, design: name, known: all.map(\.name))
    }
    return found
  }

  /// Enters a plan's design, or finds it where it was entered before; replicates that are new are added.
  ///
  /// - Throws: `foreign` where the name is of another plan, or of other profiles or another simulator.
  package func enter(
    _ plan: CampaignPlan,
    over profiles: PlannedProfiles,
    points: [DesignPoint]
  ) throws(CampaignError) -> StoredDesign {
    let digest = plan.digest(over: profiles)
    // Another process may enter the name as well; whichever comes first is the design.
    let found = try designs().first { $0.name == plan.name }
    let known =
      if let found { found } else {
        try insert(
          points,
          named: plan.name,
          plan: plan,
          digest: digest,
          seed: plan.seed,
          extent: plan.extent
        )
      }
    try require(known, plan: plan, digest: digest)
    let before = known.plan?.replicates ?? 1
    guard plan.replicates > before else { return known }
    return try add(points, to: known, plan: plan)
  }

  /// Refuses a design that differs from what is asked for, naming the first quantity that does.
  package func require(
    _ known: StoredDesign,
    plan: CampaignPlan,
    digest: String
  ) throws(CampaignError) {
    if let (quantity, found, expected) = known.plan?.difference(from: plan) {
      throw .foreign(
        file: "\(name), \(known.name)",
        quantity: quantity,
        found: found,
        expected: expected
      )
    }
    guard known.simulator == Scenario.simulatorVersion else {
      throw .foreign(
        file: "\(name), \(known.name)",
        quantity: "simulator",
        found: known.simulator,
        expected: Scenario.simulatorVersion
      )
    }
    guard known.digest == digest else {
      throw .foreign(
        file: "\(name), \(known.name)",
        quantity: "profiles with digest",
        found: known.digest,
        expected: digest
      )
    }
  }

  /// Enters points that no plan gives, or finds them where they were entered before.
  package func enter(
    _ points: [DesignPoint],
    named name: String,
    seed: UInt64,
    extent: CampaignExtent
  ) throws(CampaignError) -> StoredDesign {
    let digest = points.digest
    guard let known = try designs().first(where: { $0.name == name }) else {
      return try insert(points, named: name, plan: nil, digest: digest, seed: seed, extent: extent)
    }
    guard known.digest == digest, known.simulator == Scenario.simulatorVersion else {
      throw .foreign(
        file: "\(self.name), \(name)",
        quantity: "design",
        found: "\(known.digest) of simulator \(known.simulator)",
        expected: "\(digest) of simulator \(Scenario.simulatorVersion)"
      )
    }
    return known
  }

  private func insert(
    _ points: [DesignPoint],
    named name: String,
    plan: CampaignPlan?,
    digest: String,
    seed: UInt64,
    extent: CampaignExtent
  ) throws(CampaignError) -> StoredDesign {
    let keys = RunKey.keys(of: points, extent: extent)
    return try writing { database in
      // Another process may have entered it meanwhile.
      if let row = try Row.fetchOne(
        database,
        sql: "SELECT * FROM design WHERE name = ?",
        arguments: [name]
      ) {
        return try Self.design(row)
      }
      try database.execute(
        sql:
          "INSERT INTO design(name, plan, digest, seed, simulator, began) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [
          name, try plan.map { try JSON.text($0, isPretty: false) }, digest,
          Int64(bitPattern: seed),
          Scenario.simulatorVersion, Date().timeIntervalSince1970,
        ]
      )
      let id = database.lastInsertedRowID
      try Self.insert(points, keys, id, extent, database)
      return StoredDesign(
        id: id,
        name: name,
        plan: plan,
        digest: digest,
        seed: seed,
        simulator: Scenario.simulatorVersion
      )
    }
  }

  /// Adds the points of further replicates to a design.
  private func add(
    _ points: [DesignPoint],
    to design: StoredDesign,
    plan: CampaignPlan
  ) throws(CampaignError) -> StoredDesign {
    let before = design.plan?.replicates ?? 1
    let new = points.filter { $0.replicate >= before }
    let keys = RunKey.keys(of: new, extent: plan.extent)
    return try writing { database in
      try database.execute(
        sql: "UPDATE design SET plan = ? WHERE id = ?",
        arguments: [try JSON.text(plan, isPretty: false), design.id]
      )
      try Self.insert(new, keys, design.id, plan.extent, database)
      return StoredDesign(
        id: design.id,
        name: design.name,
        plan: plan,
        digest: design.digest,
        seed: design.seed,
        simulator: design.simulator
      )
    }
  }

  private static func insert(
    _ points: [DesignPoint],
    _ keys: [RunKey],
    _ design: Int64,
    _ extent: CampaignExtent,
    _ database: Database
  ) throws {
    let place = try database.cachedStatement(
      sql:
        "INSERT OR IGNORE INTO place(design, number, run, workload, replicate, asked) VALUES (?, ?, ?, ?, ?, ?)"
    )
    let manner = extent.manner
    for (point, key) in zip(points, keys) {
      let run = try Self.run(of: point, key, manner: manner, in: database)
      try place.execute(
        arguments: [design, point.index, run, point.group, point.replicate, point.asked]
      )
    }
  }

  /// The run of a key, entered as one that waits where it is not there.
  private static func run(
    of point: DesignPoint,
    _ key: RunKey,
    manner: String,
    in database: Database
  ) throws -> Int64 {
    let known = try database.cachedStatement(sql: "SELECT id FROM run WHERE key = ?")
    if let id = try Int64.fetchOne(known, arguments: [key.hexadecimal]) { return id }
    let insert = try database.cachedStatement(
      sql: """
        INSERT INTO run(key, simulator, host, kernel, workload, policy, seed, manner) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """
    )
    try insert.execute(
      arguments: [
        key.hexadecimal, Scenario.simulatorVersion, point.host.name, point.kernel.name,
        point.workload.name, point.policy.description, Int64(bitPattern: point.seed), manner,
      ]
    )
    return database.lastInsertedRowID
  }

  /// How far a design is.
  package func tally(of design: StoredDesign) throws(CampaignError) -> CampaignTally {
    try reading { database in
      let rows = try Row.fetchAll(
        database,
        sql: "SELECT state, runs FROM tally WHERE design = ?",
        arguments: [design.id]
      )
      return CampaignTally(
        counts: Dictionary(
          try rows.compactMap { row in
            let runs: Int = try row.value("runs")
            return RunState(rawValue: try row.value("state")).map { ($0, runs) }
          }
        ) { $0 + $1 }
      )
    }
  }

  static func design(_ row: Row) throws -> StoredDesign {
    let text: String? = try row.optional("plan")
    let plan = try text.map { try JSONDecoder().decode(CampaignPlan.self, from: Data($0.utf8)) }
    return StoredDesign(
      id: try row.value("id"),
      name: try row.value("name"),
      plan: plan,
      digest: try row.value("digest"),
      seed: UInt64(bitPattern: try row.value("seed") as Int64),
      simulator: try row.value("simulator")
    )
  }
}

extension [DesignPoint] {
  /// The digest of the points: every value of each setup, the policy and the seed.
  package var digest: String {
    let lines = zip(self, fingerprints).map { "\($0.index) \($1) \($0.policy) \($0.seed)" }
    return Digest.wide(of: lines.joined(separator: "\n"))
  }

  /// The fingerprints of the points' setups, in their order; neighbours often have one in common.
  var fingerprints: [String] {
    var (last, fingerprint) = (first?.setup, first?.setup.fingerprint ?? "")
    return map { point in
      if point.setup != last { (last, fingerprint) = (point.setup, point.setup.fingerprint) }
      return fingerprint
    }
  }
}
