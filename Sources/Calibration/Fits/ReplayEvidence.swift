// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
package import Operations
import PageTables
package import Policies
import Profiles
package import Quantities
import Randomness
import Scenarios

/// An operation alone on its CPU, whose time a file gives.
package struct TimedOperation: Hashable, Sendable {
  /// What of a run is its time.
  package enum Part: Hashable, Sendable {
    /// The metric of a run.
    case measure(Measure)
    /// The metric of a run in which no page is allocated or cleared: first touches of memory that the
    /// host has populated, a log whose bitmap another call allocated.
    case withoutAllocation(Measure)
    /// The ioctl that deletes a slot: its stage-2 part and what comes before its first chunk.
    case slotDelete
    /// The first round's CLEARs of a migration's log, which cover all memory.
    case clear
    /// What of the host's own freeing remains where no guest maps anything: calls, pages.
    case hostFree(calls: Int64, pages: Int64, hugePages: Int64)
    /// One walker call over memory that is mapped whole by leaves of a level.
    case walkerCall(ChunkTrace.Function, ByteCount, level: Int)
  }

  /// The setup; its host is set anew for each prediction.
  package var setup: Setup
  /// The policy.
  package var policy: Policy
  /// What is compared.
  package var part: Part

  /// An operation without traffic, storage and competitors: nothing else runs there.
  package init(_ setup: Setup, policy: Policy, part: Part) {
    (self.setup, self.policy, self.part) = (setup, policy, part)
    self.setup.workload.network = NetworkLoad()
    self.setup.workload.storage = StorageLoad()
    (self.setup.workload.competitors, self.setup.workload.neighbours) = (0, 0)
  }

  /// The time on a host in nanoseconds.
  func time(on host: HostProfile) throws(HostFitError) -> Double {
    var setup = setup
    setup.host = host
    switch part {
    case .measure(let measure): return try measured(measure, setup)
    case .withoutAllocation(let measure):
      (setup.host.fault.pageAllocation, setup.host.fault.hugeMebibyte) = (.zero, .zero)
      return try measured(measure, setup)
    case .slotDelete:
      return try measured(.response(.stageTwoTime), setup) + host.hostFree.slotDelete.priced(1)
    case .clear:
      setup.workload.operation = .migration
      var policy = policy
      (policy.logStart, policy.harvest) = (.allSet, .clear)
      do throws(OperationError) {
        return Double(try BatchedOperation(setup, policy).preCopy().firstCall.rawValue)
      } catch { throw .operation(id: "CLEAR", reason: error.description) }
    case .hostFree(let calls, let pages, let hugePages):
      let costs = host.hostFree
      return costs.call.priced(calls) + costs.page.priced(pages)
        + costs.hugePage.priced(hugePages)
    case .walkerCall(let function, let size, let level):
      return try walkerCall(function, size, level, setup)
    }
  }

  private func measured(_ measure: Measure, _ setup: Setup) throws(HostFitError) -> Double {
    var scenario = Scenario(setup, policy: policy, seed: Seed(1))
    scenario.extent = .exact
    let report: RunReport
    do throws(OperationError) { report = try scenario.run() } catch {
      throw .operation(id: setup.workload.operation.rawValue, reason: error.description)
    }
    guard let value = measure.value(in: report) else {
      throw .operation(
        id: setup.workload.operation.rawValue,
        reason: "the run's report has no \(measure.rawValue)"
      )
    }
    return value
  }

  private func walkerCall(
    _ function: ChunkTrace.Function,
    _ size: ByteCount,
    _ level: Int,
    _ setup: Setup
  ) throws(HostFitError) -> Double {
    do throws(PageTableError) {
      let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: size)
      let geometry = try StageTwoGeometry(
        granule: setup.host.granule,
        ipaBits: setup.workload.memory.ipaBits
      )
      let rules = try StageTwoRules(setup.kernel.release, setup.host.features)
      var tables = StageTwo(geometry: geometry)
      let leaf = geometry.granule.entrySize(level: level)
      let access = GuestAccess(range: range, stride: leaf, isWrite: true)
      _ = try tables.touch(access, in: MemorySlot(range: range, hostLevel: level), rules)
      let counts: EventCounts
      switch function {
      case .unmap: counts = try tables.unmap(range, rules).total
      case .writeProtect:
        var sequence = try tables.writeProtect(slot: range, rules)
        // The slot's flush comes after the calls.
        sequence.epilogue = .zero
        counts = sequence.total
      case .split, .destroy: counts = .zero
      }
      return WorkBreakdown(counts, on: setup.host, FabricShare()).total
    } catch {
      throw .operation(id: "\(function.rawValue) of \(size)", reason: error.description)
    }
  }
}

extension CostEvidence {
  /// Times of operations that ran alone, each by a run of its own, side by side on all processors.
  package static func operations(_ timed: [(CostSample, TimedOperation)]) -> CostEvidence {
    // The same operation measured several times is run once.
    var places: [TimedOperation: Int] = [:]
    var operations: [TimedOperation] = []
    for (_, operation) in timed where places[operation] == nil {
      places[operation] = operations.count
      operations.append(operation)
    }
    let own = timed.compactMap { places[$0.1] }
    let workers = ProcessInfo.processInfo.activeProcessorCount
    return CostEvidence(timed.map(\.0)) { [operations] host throws(HostFitError) in
      let times = inParallel(operations.count, workers: workers) { index in
        Result { () throws(HostFitError) in try operations[index].time(on: host) }
      }
      return try own.map { place throws(HostFitError) in try times[place].get() }
    }
  }
}
