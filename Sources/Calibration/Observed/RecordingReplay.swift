// SPDX-License-Identifier: GPL-3.0-or-later

package import Operations
import Observations
package import Policies
import Profiles
import Quantities
import Randomness
import Scenarios

/// Runs in the simulator what a file measured.
package struct RecordingReplay {
  /// A measured number beside what the simulator has for it.
  package struct Row: Hashable, Sendable, Codable {
    /// What was measured, as the file names it.
    package let name: String
    /// The operation that was run for it; nil where none is the same.
    package let operation: String?
    /// Nanoseconds, or a count.
    package let measured: Double
    /// The mean of the runs; nil where none was made.
    package let predicted: Double?
    /// Why there is none.
    package let reason: String?
    /// Whether the numbers are times.
    package let isTime: Bool

    enum CodingKeys: String, CodingKey {
      case name, operation, measured, predicted, reason
      case isTime = "is_time"
    }
  }

  private let setup: Setup
  private let policy: Policy
  private let seed: UInt64
  private let replicates: Int

  /// Prepares the replay on a setup whose values are those of the file.
  package init(_ setup: Setup, policy: Policy, seed: UInt64, replicates: Int) {
    (self.setup, self.policy, self.seed, self.replicates) = (setup, policy, seed, replicates)
  }

  /// The measurements of a file beside the simulator's.
  package func rows(_ recording: Recording) throws(OperationError) -> [Row] {
    switch recording.kind {
    case .selftest: try selftest(recording)
    case .migration: try migration(recording)
    default: []
    }
  }

  private func report(
    _ operation: StageTwoOperation,
    _ policy: Policy
  ) throws(OperationError) -> [RunReport] {
    var setup = setup
    setup.workload.operation = operation
    // The test runs alone on its machine.
    if operation != .migration {
      (setup.workload.network, setup.workload.storage) = (NetworkLoad(), StorageLoad())
      setup.workload.competitors = 0
    }
    var reports: [RunReport] = []
    for replicate in 0..<replicates {
      let seed = Seed(self.seed).derived("replicate \(replicate)")
      reports.append(try Scenario(setup, policy: policy, seed: seed).run())
    }
    return reports
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  // MARK: - KVM selftests

  private func selftest(_ recording: Recording) throws(OperationError) -> [Row] {
    let isCleared = recording.measured.contains { $0.name == "clear dirty log" }
    var known: [String: Double] = [:]
    var rows: [Row] = []
    for one in recording.measured {
      let (operation, reason) = Self.operation(
        one.name,
        isFirst: one.iteration == 1,
        isCleared: isCleared
      )
      var predicted: Double?
      if let operation {
        if known[operation] == nil { known[operation] = try time(operation) }
        predicted = known[operation]
      }
      rows.append(
        Row(
          name: one.label,
          operation: operation,
          measured: one.value,
          predicted: predicted,
          reason: reason,
          isTime: true
        )
      )
    }
    return rows
  }

  /// What is run for a time of a selftest, or why nothing is.
  private static func operation(
    _ name: String,
    isFirst: Bool,
    isCleared: Bool
  ) -> (String?, String?) {
    switch name {
    case "Populate memory": return ("populate", nil)
    case "KVM_CREATE_MAPPINGS": return ("map-create", nil)
    case "KVM_UPDATE_MAPPINGS": return ("dirty", nil)
    case "Enabling dirty logging":
      return isCleared
        ? (nil, "nothing: the test starts with all bits set")
        : ("log-enable", nil)
    case "dirty memory":
      return isCleared && isFirst ? (nil, "nothing: no page was protected before") : ("dirty", nil)
    case "clear dirty log": return ("clear", nil)
    case "KVM_ADJUST_MAPPINGS": return (nil, "nothing: pages become blocks again")
    default: return (nil, "nothing: no operation is this alone")
    }
  }

  /// The mean time of an operation, or of one CLEAR over everything.
  private func time(_ operation: String) throws(OperationError) -> Double? {
    if operation == "clear" {
      var cleared = setup
      cleared.workload.operation = .migration
      var policy = policy
      (policy.logStart, policy.clearRange, policy.harvest) = (.allSet, nil, .clear)
      let rounds = try BatchedOperation(cleared, policy).preCopy()
      return Double(rounds.firstCall.rawValue)
    }
    guard let known = StageTwoOperation(rawValue: operation) else { return nil }
    let reports = try report(known, policy)
    if known == .logEnable {
      return Self.mean(reports.compactMap { $0.value(of: .writeProtectTotal) })
    }
    return Self.mean(reports.compactMap { $0.value(of: .teardownTime) })
  }

  // MARK: - Migrations

  private func migration(_ recording: Recording) throws(OperationError) -> [Row] {
    guard setup.workload.operation == .migration else { return [] }
    let reports = try report(.migration, policy)
    return recording.measured.map { one in
      let predicted: Double? =
        switch one.name {
        case "rounds":
          Self.mean(reports.compactMap { $0.migration.map { Double($0.rounds.count) } })
        case "downtime", "expected downtime":
          Self.mean(reports.compactMap { $0.value(of: .downtime) })
        case "time": Self.mean(reports.compactMap { $0.value(of: .migrationTime) })
        default: nil
        }
      return Row(
        name: one.name,
        operation: predicted == nil ? nil : "migration",
        measured: one.value,
        predicted: predicted,
        reason: predicted == nil ? "nothing: no figure is this" : nil,
        isTime: one.isTime
      )
    }
  }
}
