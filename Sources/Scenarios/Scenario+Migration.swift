// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Machine
import Observations
import Operations
import PageTables
import Quantities

extension Scenario {
  /// A live migration, and beside it the IO that shares the CPU of the VMM's migration thread.
  ///
  /// A whole run executes every round. A window and a fast run execute the beginning of the first
  /// round; the rounds then follow in closed form, with calls as much longer as they were there.
  func migrate() throws(OperationError) -> (report: RunReport, trace: Trace) {
    var rounds = try operation.preCopy()
    guard extent == .exact else { return try sampled(&rounds) }
    let empty = ExactPlan(plan: WorkPlan(), counts: .zero)
    var (report, trace, outcome) = try execute(empty, ScaledPlan(whole: WorkPlan()), source: rounds)
    if let done = outcome.source as? PreCopy { rounds = done }
    fill(&report, rounds, outcome)
    report.writeProtect?.total = outcome.callTime + rounds.elsewhere
    return (report, trace)
  }

  /// The first round as far as it is simulated, and what follows from it.
  private func sampled(
    _ rounds: inout PreCopy
  ) throws(OperationError) -> (report: RunReport, trace: Trace) {
    let planned = try operation.exactPlan()
    var (report, trace, outcome) = try executeMeasured(planned)
    let stretch = outcome.stretch
    rounds.run(stretch: stretch)
    fill(&report, rounds, outcome)
    report.writeProtect?.total = .seconds(rounding: rounds.protecting.inSeconds * stretch)
    if outcome.calls.count == 0 {
      // The window ended inside the first call: all of it takes as much longer as what was run.
      let call = rounds.firstCall.inSeconds * stretch
      report.writeProtect?.callP99 = .seconds(rounding: call)
      report.writeProtect?.timedCalls = 1
    }
    if let later = rounds.laterHold {
      let hold = Nanoseconds.seconds(rounding: later.inSeconds * stretch)
      if hold > report.writeProtect?.worstStall ?? .zero { report.writeProtect?.worstStall = hold }
      if hold > report.locks?.holds.max ?? .zero { report.locks?.holds.max = hold }
    }
    report.operation.whole = rounds.time
    return (report, trace)
  }

  private func fill(_ report: inout RunReport, _ rounds: PreCopy, _ outcome: MachineOutcome) {
    var migration = MigrationOutcome()
    migration.time = rounds.time
    migration.downtime = rounds.downtime
    migration.converged = rounds.converged
    migration.rounds = rounds.rounds
    migration.guestSpeed = rounds.guestSpeed
    report.migration = migration
    var protect = WriteProtectTimes()
    protect.calls = rounds.calls
    protect.callP99 = outcome.calls.p99
    protect.timedCalls = outcome.calls.count
    protect.worstStall = max(outcome.locks.holds.max ?? .zero, rounds.ringWait)
    report.writeProtect = protect
    var faults = FaultOutcome()
    faults.faults = rounds.faults
    report.faults = faults
    report.counts = rounds.counts
  }
}

extension MachineOutcome {
  /// By how much longer the walker's own work took than alone, at least 1.
  var stretch: Double {
    var (wall, work) = (0.0, 0.0)
    for group in steps {
      for step in group where step.kind == .stageTwo || step.kind == .hostSide {
        wall += step.wall.inSeconds
        work += step.work.inSeconds
      }
    }
    return work > 0 ? max(1, wall / work) : 1
  }
}
