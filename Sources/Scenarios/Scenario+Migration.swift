// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities

extension Scenario {
  /// A live migration, and beside it the IO that shares the CPU of the VMM's CLEAR calls.
  func migrate() throws(OperationError) -> (report: RunReport, trace: Trace) {
    let migration = operation.workload.migration
    guard migration.link > .zero else {
      throw .value(
        name: "migration.link",
        given: "\(migration.link)",
        legal: "more than 0 bit/s"
      )
    }
    guard migration.maximumRounds > 0 else {
      throw .value(
        name: "migration.rounds",
        given: "\(migration.maximumRounds)",
        legal: "at least 1"
      )
    }
    let logging = try operation.loggingCosts()
    let outcome = try preCopy(logging)
    var (report, trace) = try execute(
      ExactPlan(plan: logging.plan, counts: logging.counts)
    )
    report.migration = outcome.migration
    report.writeProtect = outcome.writeProtect
    report.locks = outcome.locks
    report.faults = outcome.faults
    report.operation.stageTwo = outcome.writeProtect.total
    report.operation.whole = outcome.migration.time
    return (report, trace)
  }

  private func preCopy(_ logging: LoggingCosts) throws(OperationError) -> Migration.Outcome {
    let tables = try operation.layOut()
    let pages = tables.mappedBytes.divided(roundedUpBy: operation.host.granule.page)
    let relax = try operation.relaxation(
      invalidators: max(1, operation.workload.memory.vcpus),
      gap: operation.dirtyGap
    )
    var run = Migration(
      load: operation.workload.migration,
      pages: max(1, pages),
      page: operation.host.granule.page,
      vcpus: max(1, operation.workload.memory.vcpus),
      clear: logging.clear,
      fault: .seconds(rounding: relax.whole / 1e9)
    )
    if !operation.workload.migration.initiallyAllSet { run.start = logging.enable }
    if !relax.isShared { run.exclusive = .seconds(rounding: (relax.inside + relax.flush) / 1e9) }
    if logging.flushesVMID, operation.switches.has(.refill) {
      run.refill = operation.host.tlbi.vmidRefill * 1
    }
    run.firstFaults = firstFaults(tables)
    return run.run()
  }

  /// Faults a page costs when its block is broken by the first write: without eager split the
  /// rest of the block is unmapped, and a page read before it is written faults twice.
  private func firstFaults(_ tables: StageTwo) -> Double {
    guard operation.policy.eagerSplit == .zero else { return 1 }
    let leaves = tables.leafCounts
    let sizes = (0...3).map {
      Double(leaves[$0]) * Double(operation.host.granule.entrySize(level: $0).rawValue)
    }
    let blocks = sizes[1] + sizes[2]
    let all = blocks + sizes[3]
    return 1 + (all > 0 ? blocks / all : 0)
  }
}
