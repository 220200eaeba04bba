// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities

extension Scenario {
  /// Guest threads touch memory for the first time: every vCPU all of it, every second one
  /// writing.
  ///
  /// A sample of the pages is simulated and scaled.
  func mapCreate() throws(OperationError) -> RunReport {
    let priced = try operation.faultStorm(seed: seed)
    var report = RunReport(identity: identity)
    report.counts = priced.counts
    report.add(priced.storm.run(), scale: Double(priced.pages) / Double(priced.storm.pages))
    return report
  }

  /// vCPUs access their own parts of the memory, a word a page: they dirty what is write-protected,
  /// or touch it for the first time.
  ///
  /// A sample of each part is simulated and scaled.
  func privateStorm() throws(OperationError) -> RunReport {
    let accesses = try operation.privateAccesses()
    let storm = try operation.privateStorm(accesses, seed: seed)
    var report = RunReport(identity: identity)
    report.add(storm.run(), scale: Double(accesses) / Double(storm.accesses))
    report.counts = try operation.privateCounts(accesses)
    return report
  }
}

extension RunReport {
  /// Takes over what a storm of faults measured on a sample, scaled to the whole.
  mutating func add(_ outcome: FaultStorm.Outcome, scale: Double) {
    fidelity = scale > 1 ? .window : .exact
    simulated = outcome.time
    events = outcome.events
    digest = outcome.digest
    operation.whole = .seconds(rounding: outcome.time.inSeconds * scale)
    operation.stageTwo = operation.whole
    operation.simulatedShare = 1 / max(1, scale)
    operation.errorBound = scale > 1 ? 0.03 : 0
    faults = outcome.faults
    guard let longest = outcome.holds.max else { return }
    var locks = LockHolds()
    locks.holds = outcome.holds
    locks.longestChunk = longest
    self.locks = locks
  }
}
