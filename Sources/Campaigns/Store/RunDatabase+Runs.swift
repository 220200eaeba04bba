// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GRDB
package import Observations
import Operations
import Quantities
import Scenarios

/// What came of a run.
package enum RunOutcome: Hashable, Sendable {
  /// It was made, in so many seconds.
  case done(RunRecord, seconds: Double)
  /// It cannot be made, or met its limit.
  case refused(index: Int, reason: String)

  /// The place of the run in its design.
  package var index: Int {
    switch self {
    case .done(let record, _): record.index
    case .refused(let index, _): index
    }
  }
}

/// A run that is not done, with what is known of why.
package struct FailedRun: Hashable, Sendable, Codable {
  /// The place in the design.
  package let index: Int
  /// The host, the kernel, the workload and the policy.
  package let what: String
  /// How it ended: `refused` or `crashed`.
  package let state: String
  /// The sentence.
  package let reason: String
}

/// A run of a design with its numbers, read without its report.
package struct StoredRun: Hashable, Sendable {
  /// The place in the design.
  package let index: Int
  /// The place of the workload in the design.
  package let group: Int
  /// Which of the runs of its point.
  package let replicate: Int
  /// The policy as the plan names it; empty in a draw.
  package let asked: String
  /// What was run.
  package let identity: RunIdentity
  /// The run's key.
  package let key: String
  /// The values of `Feature.allCases`.
  package let features: FeatureVector
  /// The numbers of its report.
  package let numbers: RunNumbers

  /// Creates a run.
  package init(
    index: Int,
    group: Int,
    replicate: Int,
    asked: String,
    identity: RunIdentity,
    key: String,
    features: FeatureVector,
    numbers: RunNumbers
  ) {
    (self.index, self.group, self.replicate) = (index, group, replicate)
    (self.asked, self.identity, self.key) = (asked, identity, key)
    (self.features, self.numbers) = (features, numbers)
  }
}

extension RunDatabase {
  /// Takes runs that wait for a process, beginning after a place of the design; none over which a process has died.
  func claim(
    _ count: Int,
    of design: StoredDesign,
    after place: Int,
    for owner: Int64
  ) throws(CampaignError) -> [Int] {
    try writing { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT place.number, run.id FROM place JOIN run ON run.id = place.run
          WHERE place.design = ? AND place.number > ? AND run.state = 0 AND run.owner IS NULL AND run.attempts = 0
          ORDER BY place.number LIMIT ?
          """,
        arguments: [design.id, place, count]
      )
      return try Self.give(rows, to: owner, database)
    }
  }

  /// Takes a run over which a process has died.
  func claimSuspect(of design: StoredDesign, for owner: Int64) throws(CampaignError) -> Int? {
    try writing { database in
      // The few suspects are looked through, not the many places.
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT place.number, run.id FROM run INDEXED BY run_suspect CROSS JOIN place ON place.run = run.id
          WHERE place.design = ? AND run.attempts > 0 AND run.state = 0 AND run.owner IS NULL LIMIT 1
          """,
        arguments: [design.id]
      )
      return try Self.give(rows, to: owner, database).first
    }
  }

  /// Writes the owner of runs; gives their places.
  private static func give(_ rows: [Row], to owner: Int64, _ database: Database) throws -> [Int] {
    let take = try database.cachedStatement(sql: "UPDATE run SET owner = ? WHERE id = ?")
    for row in rows { try take.execute(arguments: [owner, try row.value("id") as Int64]) }
    return try rows.map { try $0.value("number") }
  }

  /// Keeps what came of runs of a design; a run that is there already stays as it is.
  func keep(
    _ outcomes: [RunOutcome],
    of design: StoredDesign,
    for owner: Int64?
  ) throws(CampaignError) {
    let texts = try outcomes.map { (outcome) throws(CampaignError) in
      try EncodedOutcome(outcome, for: name)
    }
    try keep(texts, of: design, for: owner)
  }

  private func keep(
    _ texts: [EncodedOutcome],
    of design: StoredDesign,
    for owner: Int64?
  ) throws(CampaignError) {
    try writing { database in
      let find = try database.cachedStatement(
        sql: "SELECT run FROM place WHERE design = ? AND number = ?"
      )
      for text in texts {
        guard let run = try Int64.fetchOne(find, arguments: [design.id, text.outcome.index]) else {
          throw CampaignError.run(index: text.outcome.index, reason: "the design has no such run")
        }
        try Self.keep(text, run, database)
      }
      guard let owner else { return }
      try database.execute(
        sql: "UPDATE owner SET made = made + ? WHERE id = ?",
        arguments: [texts.count, owner]
      )
    }
  }

  /// Keeps what came of runs of a design that this process did not take.
  package func keep(_ outcomes: [RunOutcome], of design: StoredDesign) throws(CampaignError) {
    try keep(outcomes, of: design, for: nil)
  }

  /// Keeps what is encoded already.
  package func keep(_ texts: [EncodedOutcome], of design: StoredDesign) throws(CampaignError) {
    try keep(texts, of: design, for: nil)
  }

  /// The places of the runs that are still to be made.
  package func waiting(_ design: StoredDesign) throws(CampaignError) -> [Int] {
    try reading { database in
      try Int.fetchAll(
        database,
        sql: """
          SELECT place.number FROM place JOIN run ON run.id = place.run
          WHERE place.design = ? AND run.state = 0 ORDER BY place.number
          """,
        arguments: [design.id]
      )
    }
  }

  /// Whether a run of a design waits that nobody is making.
  func isFree(_ design: StoredDesign) throws(CampaignError) -> Bool {
    try reading { database in
      try Bool.fetchOne(
        database,
        sql: """
          SELECT EXISTS (SELECT 1 FROM place JOIN run ON run.id = place.run
          WHERE place.design = ? AND run.state = 0 AND run.owner IS NULL)
          """,
        arguments: [design.id]
      ) ?? false
    }
  }

  private static func keep(_ text: EncodedOutcome, _ run: Int64, _ database: Database) throws {
    let update = try database.cachedStatement(
      sql: """
        UPDATE run SET state = ?, owner = NULL, reason = ?, made = ?, seconds = ?, features = ?, numbers = ?
        WHERE id = ? AND state <> 1
        """
    )
    try update.execute(
      arguments: [
        text.state.rawValue, text.reason, Date().timeIntervalSince1970, text.seconds,
        text.features, text.numbers, run,
      ]
    )
    guard database.changesCount > 0, let report = text.report else { return }
    let insert = try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO report(run, json) VALUES (?, ?)"
    )
    try insert.execute(arguments: [run, report])
  }

  /// The finished runs of a design in its order, read one by one.
  package func forEachRun(
    of design: StoredDesign,
    _ body: (StoredRun) throws -> Void
  ) throws(CampaignError) {
    try reading { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT place.number, place.workload AS grp, place.replicate, place.asked, run.* FROM place
          JOIN run ON run.id = place.run WHERE place.design = ? AND run.state = 1 ORDER BY place.number
          """,
        arguments: [design.id]
      )
      while let row = try rows.next() {
        let index: Int = try row.value("number")
        let bytes: Data? = try row.optional("numbers")
        let texts: String? = try row.optional("features")
        guard let features = FeatureVector(text: texts ?? ""),
          let numbers = bytes.flatMap({ RunNumbers(bytes: $0) })
        else {
          throw CampaignError.run(index: index, reason: "its numbers in the store are damaged")
        }
        try body(
          StoredRun(
            index: index,
            group: try row.value("grp"),
            replicate: try row.value("replicate"),
            asked: try row.value("asked"),
            identity: RunIdentity(
              host: try row.value("host"),
              kernel: try row.value("kernel"),
              workload: try row.value("workload"),
              policy: try row.value("policy"),
              seed: UInt64(bitPattern: try row.value("seed") as Int64)
            ),
            key: try row.value("key"),
            features: features,
            numbers: numbers
          )
        )
      }
    }
  }

  /// The finished runs of a design as lines of JSON in its order: what `RunRecord` is written as.
  package func forEachLine(
    of design: StoredDesign,
    _ body: (String) throws -> Void
  ) throws(CampaignError) {
    try reading { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT place.number, place.workload AS grp, run.features, report.json FROM place
          JOIN run ON run.id = place.run JOIN report ON report.run = run.id
          WHERE place.design = ? AND run.state = 1 ORDER BY place.number
          """,
        arguments: [design.id]
      )
      while let row = try rows.next() {
        let features: String = try row.value("features")
        let report: String = try row.value("json")
        let (group, index): (Int, Int) = try (row.value("grp"), row.value("number"))
        try body(
          #"{"features":\#(features),"group":\#(group),"index":\#(index),"report":\#(report)}"#
        )
      }
    }
  }

  /// A digest of the finished runs in the order of the design: the same for any order of execution.
  package func digest(of design: StoredDesign) throws(CampaignError) -> String {
    var digest = Digest()
    try forEachLine(of: design) { line in
      digest.add(RunLines.line(line))
    }
    return digest.hexadecimal
  }

  /// The runs of a design that are not there and will not come, in its order.
  package func failures(
    of design: StoredDesign,
    atMost count: Int = 1000
  ) throws(CampaignError) -> [FailedRun] {
    try reading { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT place.number, run.* FROM run INDEXED BY run_failed CROSS JOIN place ON place.run = run.id
          WHERE place.design = ? AND run.state >= 2 ORDER BY place.number LIMIT ?
          """,
        arguments: [design.id, count]
      ).map { row in
        let (host, kernel): (String, String) = try (row.value("host"), row.value("kernel"))
        let (workload, policy): (String, String) = try (row.value("workload"), row.value("policy"))
        return FailedRun(
          index: try row.value("number"),
          what: "\(workload) on \(host), Linux \(kernel), \(policy)",
          state: try row.value("state") as Int == RunState.crashed.rawValue ? "crashed" : "refused",
          reason: try row.optional("reason") ?? ""
        )
      }
    }
  }

  /// Lets the failed runs of a design wait again; how many there were.
  package func retry(_ design: StoredDesign) throws(CampaignError) -> Int {
    try writing { database in
      try database.execute(
        sql: """
          UPDATE run SET state = 0, attempts = 0, reason = NULL WHERE state >= 2
          AND id IN (SELECT run FROM place WHERE design = ?)
          """,
        arguments: [design.id]
      )
      return database.changesCount
    }
  }
}

// Runs of other commands than campaigns: found and kept by their key alone.
extension RunDatabase {
  /// The report of a run as its JSON has it, so with the counts that captures have; nil where it was not made yet.
  package func report(of key: RunKey) throws(CampaignError) -> RunReport? {
    let text = try reading { database in
      try String.fetchOne(
        database,
        sql:
          "SELECT report.json FROM run JOIN report ON report.run = run.id WHERE run.key = ? AND run.state = 1",
        arguments: [key.hexadecimal]
      )
    }
    guard let text else { return nil }
    do {
      return try JSONDecoder().decode(RunReport.self, from: Data(text.utf8))
    } catch {
      throw .file(name: name, reason: "the report of run \(key.hexadecimal) is damaged")
    }
  }

  /// Keeps the report of a run that belongs to no design.
  package func keep(
    _ report: RunReport,
    of key: RunKey,
    manner: String,
    seconds: Double
  ) throws(CampaignError) {
    let json = try EncodedOutcome.json(report, name)
    try writing { database in
      try database.execute(
        sql: """
          INSERT INTO run(key, simulator, host, kernel, workload, policy, seed, manner, state, made, seconds, numbers)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT(key) DO NOTHING
          """,
        arguments: [
          key.hexadecimal, Scenario.simulatorVersion, report.identity.host, report.identity.kernel,
          report.identity.workload, report.identity.policy, Int64(bitPattern: report.identity.seed),
          manner, Date().timeIntervalSince1970, seconds, Data(RunNumbers(report).bytes),
        ]
      )
      guard database.changesCount > 0 else { return }
      try database.execute(
        sql: "INSERT INTO report(run, json) VALUES (?, ?)",
        arguments: [database.lastInsertedRowID, json]
      )
    }
  }
}

/// An outcome as a store's columns hold it.
package struct EncodedOutcome: Sendable {
  let outcome: RunOutcome
  var state = RunState.refused
  var reason: String?
  var seconds: Double?
  var features: String?
  var numbers: Data?
  var report: String?

  /// Encodes an outcome; throws `file` with the store's name where a run holds a value that is not finite.
  package init(_ outcome: RunOutcome, for store: String) throws(CampaignError) {
    self.outcome = outcome
    switch outcome {
    case .refused(_, let reason): self.reason = reason
    case .done(let record, let seconds):
      state = .done
      self.seconds = seconds
      features = try Self.json(record.features, store)
      numbers = Data(RunNumbers(record.report).bytes)
      report = try Self.json(record.report, store)
    }
  }

  static func json(_ value: some Encodable, _ store: String) throws(CampaignError) -> String {
    do {
      return try JSON.text(value, isPretty: false)
    } catch {
      throw .file(name: store, reason: "a run holds a value that is not finite")
    }
  }
}

extension FeatureVector {
  /// Reads the numbers of a JSON array; nil where they are not as many as there are features.
  fileprivate init?(text: String) {
    var text = text
    let values: [Double]? = text.withUTF8 { bytes in
      guard bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") else { return nil }
      var values: [Double] = []
      for part in bytes[1..<bytes.count - 1].split(separator: UInt8(ascii: ",")) {
        guard let value = Double(Substring(decoding: part, as: UTF8.self)) else { return nil }
        values.append(value)
      }
      return values
    }
    guard let values, values.count == Feature.allCases.count else { return nil }
    self.init(values: values)
  }
}
